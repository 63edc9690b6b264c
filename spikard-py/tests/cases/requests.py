"""Requests of cases, and answers of the upstream, as bytes."""

from __future__ import annotations

from .content import Names, made
from .files import Reply, Request, Step, Values


def sent(step: Step, names: Names) -> tuple[bytes, bool]:
    """The bytes of an exchange, and whether its answer has no body."""
    if step.request is not None and step.raw is not None:
        raise ValueError("an exchange has `request` or `raw`, not both")
    if step.request is not None:
        return _well_formed(step.request, names), names.fill(step.request.method) == "HEAD"
    data = made(step.raw, names) if step.raw is not None else b""
    return data, data.startswith(b"HEAD ")


def reply(answer: Reply) -> bytes:
    """What the upstream sends."""
    names = Names()
    if answer.raw is not None:
        return made(answer.raw, names)
    body = made(answer.body, names)
    head = f"HTTP/1.1 {answer.status} Whatever\r\n{_lines(answer.headers, names)}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _well_formed(request: Request, names: Names) -> bytes:
    head = f"{names.fill(request.method)} {names.fill(request.path)} HTTP/1.1\r\n"
    said = {name.lower() for name in request.headers}
    if "host" not in said:
        head += "Host: gateway.test\r\n"
    head += _lines(request.headers, names)
    if request.body is None:
        return f"{head}\r\n".encode()
    body = made(request.body, names)
    if request.chunked:
        return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + _chunks(body)
    if "content-length" not in said:
        head += f"Content-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + body


def _lines(fields: dict[str, Values], names: Names) -> str:
    """Header lines, in the order of their names as the runner in Rust sends them."""
    lines = (
        (name, value)
        for name, values in sorted(fields.items())
        for value in ([values] if isinstance(values, str) else values)
    )
    return "".join(f"{name}: {names.fill(value)}\r\n" for name, value in lines)


def _chunks(body: bytes) -> bytes:
    """More than one chunk, where there is enough."""
    size = max(len(body) // 3, 1)
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
