"""The server, on both ways from the network to the loop, and a channel to it."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest
from behaviour.serving import Server, serving


@pytest.fixture(scope="package", params=["auto", "uvloop"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serving("grpc_calls.service", loop=request.param) as running:
        yield running


def aio_channel(server: Server) -> grpc.aio.Channel:
    """A channel for the loop that runs."""
    host, port = server.address
    return grpc.aio.insecure_channel(f"{host}:{port}")


@pytest.fixture
def channel(server: Server) -> Iterator[grpc.Channel]:
    host, port = server.address
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        yield channel
