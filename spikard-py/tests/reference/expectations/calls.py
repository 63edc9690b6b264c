"""gRPC: the four kinds of methods, with the client and the messages that protobuf generates."""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module
from pathlib import Path

import grpc
import httpx
from support.protos import generate

from ..kinds import Expectation, Serves


def _all_four(client: httpx.Client) -> None:
    with tempfile.TemporaryDirectory() as folder, grpc.insecure_channel(f"127.0.0.1:{client.base_url.port}") as channel:
        sys.path.insert(0, str(generate(Path(folder))))
        try:
            user_pb2, user_pb2_grpc = import_module("user_pb2"), import_module("user_pb2_grpc")
        finally:
            sys.path.remove(folder)
        users = user_pb2_grpc.UserServiceStub(channel)
        assert users.GetUser(user_pb2.GetUserRequest(id=7)) == user_pb2.User(id=7, name="John Doe")
        listed = users.ListItems(user_pb2.StreamRequest(count=3))
        assert [item.data for item in listed] == ["item 0", "item 1", "item 2"]
        assert users.AddItems(user_pb2.StreamItem(value=value) for value in (1, 2, 3)).data == "6"
        processed = users.Process(user_pb2.BidiRequest(text=text) for text in ("a", "b"))
        assert [answer.data for answer in processed] == ["A", "B"]


EXPECTED: list[Expectation] = [
    Serves(
        ("003#25",),
        "class UserServiceHandler(GrpcHandler)",
        given=("app", "items"),
        then='app.add_grpc_service("user.UserService", UserServiceHandler())',
        beside=generate,
        checks=(_all_four,),
    ),
]
