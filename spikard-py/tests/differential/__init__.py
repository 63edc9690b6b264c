"""Whether the server accepts exactly the bodies that the published schema accepts.

Bodies are generated from each schema and mutated; the judge is the `jsonschema` package, which
shares nothing with the server. `SPIKARD_SEED` and `SPIKARD_BODIES` choose other bodies, and more.
"""
