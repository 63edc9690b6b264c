"""gRPC: what `spikard.grpc` is made of."""
