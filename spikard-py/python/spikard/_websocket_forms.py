"""The forms of WebSocket handlers, each as a coroutine that talks over a socket.

A function of one message, a class with a method for each, or a function that talks itself. Which of
them it is, and which of its arguments come from the request, is decided here.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from . import _annotations, _messages, _signature, _types
from ._arguments import Argument, arguments_of

if TYPE_CHECKING:
    from ._plan import JsonSchema
    from .websockets import WebSocket

Talk = Callable[..., Awaitable[Any]]
"""Called with the socket and, by name, the arguments that come from the request."""


class Form(Struct, frozen=True):
    """A handler as the server can use it."""

    front: Callable[..., Any]
    """The function some of whose arguments come from the request."""
    names: tuple[str, ...]
    """These arguments."""
    socket: str | None
    """The one of them that is the socket."""
    talk: Talk


class Rules(Struct, frozen=True):
    """What a decorator says of messages and methods."""

    localns: dict[str, Any]
    message_schema: JsonSchema | None = None
    response_schema: JsonSchema | None = None
    sync_to_thread: bool = True


def form_of(
    handler: Any, rules: Rules, names_in_path: Collection[str], provided: Callable[[str, Any], bool] | None = None
) -> Form:
    """Reads a handler. Raises `HandlerError` for what can be none. What is `provided` is not the message."""
    if inspect.isclass(handler):
        return _class_form(handler, rules)
    arguments = _arguments(handler, rules)
    socket = _socket(arguments)
    injected = [item.name for item in arguments if provided is not None and provided(item.name, item.annotation)]
    message = _message(arguments, socket, {*names_in_path, *injected})
    names = tuple(argument.name for argument in arguments if argument is not message)
    if message is None:
        if socket is None:
            _annotations.fault(handler, "takes neither a message nor a WebSocket, expected one of them")
        if not is_async(handler):
            _annotations.fault(handler, "takes a WebSocket and is not async, expected `async def`")
        return Form(handler, names, socket, _talking_itself(handler))
    return Form(handler, names, socket, _message_form(handler, message, rules))


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it makes a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _talking_itself(handler: Callable[..., Any]) -> Talk:
    async def talk(_socket: WebSocket, /, **arguments: Any) -> Any:
        return await handler(**arguments)

    return talk


def _message_form(function: Callable[..., Any], message: Argument, rules: Rules) -> Talk:
    converse = _conversation(function, message, rules)
    call = _awaitable(function, rules)

    async def talk(socket: WebSocket, /, **arguments: Any) -> None:
        async def answer(received: Any) -> Any:
            return await call(**{message.name: received}, **arguments)

        await converse(socket, answer)

    return talk


def _class_form(cls: Any, rules: Rules) -> Form:
    handle = getattr(cls, "handle_message", None)
    if not callable(handle):
        raise TypeError(f"{cls.__qualname__} has no method handle_message, expected one")
    connect = getattr(cls, "on_connect", None)
    of_init = [] if cls.__init__ is object.__init__ else _arguments(cls.__init__, rules)[1:]
    of_connect = [] if connect is None else _arguments(connect, rules)[1:]
    if of_init and connect is not None and of_connect:
        _annotations.fault(connect, "has arguments, and so has __init__: expected only one of them to have some")
    arguments = _arguments(handle, rules)[1:]
    socket_of_handle = _socket(arguments)
    messages = [argument for argument in arguments if argument.name != socket_of_handle]
    if len(messages) != 1:
        _annotations.fault(handle, f"takes {len(messages)} arguments, expected the message")
    converse = _conversation(handle, messages[0], rules)

    async def talk(socket: WebSocket, /, **given: Any) -> None:
        handler = cls(**(given if of_init else {}))
        if connect is not None:
            await _awaitable(handler.on_connect, rules)(**(given if of_connect else {}))
        call = _awaitable(handler.handle_message, rules)
        more = {} if socket_of_handle is None else {socket_of_handle: socket}

        async def answer(received: Any) -> Any:
            return await call(**{messages[0].name: received}, **more)

        try:
            await converse(socket, answer)
        finally:
            if hasattr(handler, "on_disconnect"):
                await _awaitable(handler.on_disconnect, rules)()

    taken = of_connect or of_init
    front = cls.__init__ if of_init else handle if connect is None else connect
    return Form(front, tuple(argument.name for argument in taken), _socket(taken), talk)


def _conversation(
    function: Callable[..., Any], message: Argument, rules: Rules
) -> Callable[[WebSocket, Callable[[Any], Awaitable[Any]]], Awaitable[None]]:
    """Receives messages, each answered before the next is looked at, until the connection is closed."""
    is_raw = rules.message_schema is None and _messages.is_raw(message.annotation)
    try:
        read = _messages.reader(message.annotation, rules.message_schema)
        write = _messages.writer(rules.response_schema, text=is_raw)
    except (TypeError, ValueError) as error:
        _annotations.fault(function, f"the message '{message.name}': {error}")

    async def converse(socket: WebSocket, handle: Callable[[Any], Awaitable[Any]]) -> None:
        if not socket.is_accepted:
            await socket.accept()
        while True:
            try:
                received = read(await socket.receive())
            except _messages.Refused as refused:
                await socket.send_text(refused.answer)
                continue
            answer = await handle(received)
            if answer is not None:
                written = write(answer)
                await (socket.send_text(written) if isinstance(written, str) else socket.send_bytes(written))

    return converse


def _awaitable(function: Callable[..., Any], rules: Rules) -> Callable[..., Awaitable[Any]]:
    """The function as one that can be awaited; what is not async runs on a thread, unless that was switched off."""
    if is_async(function):
        return function

    async def call(**arguments: Any) -> Any:
        if rules.sync_to_thread:
            return await asyncio.to_thread(function, **arguments)
        return function(**arguments)

    return call


def _arguments(function: Callable[..., Any], rules: Rules) -> list[Argument]:
    return arguments_of(function, _annotations.resolve(function, rules.localns))


def _socket(arguments: list[Argument]) -> str | None:
    return next((argument.name for argument in arguments if _signature.is_socket(argument)), None)


def _message(arguments: list[Argument], socket: str | None, names_in_path: Collection[str]) -> Argument | None:
    """The argument called `message`; where there is neither that nor a socket, the first one that could be it."""
    free = [
        argument
        for argument in arguments
        if argument.marker is None
        and argument.name not in names_in_path
        and argument.name != socket
        and not _types.is_request(argument.annotation)
    ]
    named = [argument for argument in free if argument.name == "message"]
    return next(iter(named or ([] if socket is not None else free)), None)
