"""gRPC as clients see it: `service.py` is served in a process of its own, and grpcio calls it."""
