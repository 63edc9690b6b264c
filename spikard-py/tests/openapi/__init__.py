"""The description of the API, held against what others make of it: validators, linters, generators of clients, and
schemathesis, which asks a running server whether it does what its document says."""
