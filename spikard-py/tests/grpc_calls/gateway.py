"""A gateway in front of a gRPC server, whose address is in the environment."""

from __future__ import annotations

import os

from spikard import ServerConfig, Spikard
from spikard.config import RouteConfig, UpstreamConfig

app = Spikard(
    config=ServerConfig(
        upstreams={
            "reference": UpstreamConfig(
                targets=[os.environ["GRPC_SERVER"]], http2=True, max_connections=100, retries={}, circuit_breaker={}
            ),
            "nobody": UpstreamConfig(targets=["http://127.0.0.1:1"], http2=True),
        },
        routes=[
            RouteConfig(path="/test.Reference/{method}", upstream="reference"),
            RouteConfig(path="/test.Nobody/{method}", upstream="nobody"),
        ],
    )
)
