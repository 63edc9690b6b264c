"""What schemathesis loads before it judges a server (`SCHEMATHESIS_HOOKS`): the deviations, one by one.

Each says which finding it is about, and why the server answers as it does all the same. Nothing else is let through,
and no check is switched off.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple, TypeAlias

import requests
import schemathesis
from requests.adapters import HTTPAdapter
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.hooks import HookContext

Case: TypeAlias = "schemathesis.Case[Any]"


class Deviation(NamedTuple):
    """Something that a check finds and that is as it should be."""

    reason: str
    check: str
    """The name of the failure."""
    holds: Callable[[Failure, Case, Response], bool]


def problem(response: Response) -> str:
    """The `detail` of a refusal."""
    try:
        return str(json.loads(response.content).get("detail", ""))
    except (ValueError, AttributeError):
        return ""


def is_websocket(_failure: Failure, case: Case, response: Response) -> bool:
    """A request that is no handshake."""
    return response.status_code == 426 and "x-websocket" in case.operation.definition.raw


def only_errors(response: Response, holds: Callable[[dict[str, Any]], bool]) -> bool:
    """Whether it is a 422 all of whose errors are such."""
    errors = json.loads(response.content)["errors"] if response.status_code == 422 else []
    return bool(errors) and all(map(holds, errors))


def has_controls(case: Case) -> bool:
    """Whether a name in a form of several parts has control characters."""
    names = case.body if isinstance(case.body, dict) and case.media_type == "multipart/form-data" else {}
    return any(ord(letter) < 0x20 or ord(letter) == 0x7F for name in names for letter in name)


def booleans(case: Case) -> set[str]:
    """The names of parameters and fields of forms that are booleans."""
    operation = case.operation.definition.raw
    names = {each["name"] for each in operation.get("parameters", ()) if each["schema"].get("type") == "boolean"}
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content.get("schema", {})
        if "form" in media_type and "$ref" in schema:
            schema = case.operation.schema.raw_schema["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        fields = schema.get("properties", {}) if "form" in media_type else {}
        names |= {name for name, field in fields.items() if field.get("type") == "boolean"}
    return names


def is_short_boolean(failure: Failure, case: Case) -> bool:
    """Whether what is said to be wrong is a boolean in another spelling."""
    body = case.body if isinstance(case.body, dict) else {}
    sent: dict[str, Any] = {**(case.query or {}), **dict(case.headers or {}), **(case.cookies or {}), **body}
    short = {name for name in booleans(case) if str(sent.get(name, 0)).lower() in ("", "0", "1", "true", "false")}
    return any(name in failure.message for name in short)


def only_get_is_more(failure: Failure) -> bool:
    """Whether `Allow` has all methods of the document, and GET."""
    return (getattr(failure, "missing_methods", None), getattr(failure, "undocumented_methods", None)) == ([], ["GET"])


DEVIATIONS = [
    Deviation(
        "A WebSocket is opened by a handshake, which schemathesis cannot make; what else comes is answered 426.",
        "AcceptedNegativeData",
        is_websocket,
    ),
    Deviation("The same of what would be right in a handshake.", "RejectedPositiveData", is_websocket),
    Deviation(
        "CONTRACT, Limits: a URI over 8 KiB is 414 before anybody looks for its route.",
        "UndefinedStatusCode",
        lambda _failure, _case, response: response.status_code == 414,
    ),
    Deviation(
        "CONTRACT, Paths: a backslash, NUL, `.` and `..` are 400, whatever the schema of the parameter.",
        "RejectedPositiveData",
        lambda _failure, _case, response: response.status_code == 400 and problem(response).startswith("path has"),
    ),
    Deviation(
        "RFC 9110 section 5.5: a header with control characters, as of a part of a form with such a name, is none.",
        "RejectedPositiveData",
        lambda _failure, case, response: problem(response) == "Invalid request format" and has_controls(case),
    ),
    Deviation(
        'CONTRACT, errors[]: "", 1 and 0 are booleans in parameters and forms.',
        "AcceptedNegativeData",
        lambda failure, case, _response: is_short_boolean(failure, case),
    ),
    Deviation(
        "ADR 15: a timedelta has no weeks, months and years; JSON Schema has no word for such a duration.",
        "RejectedPositiveData",
        lambda _failure, _case, response: only_errors(response, lambda error: "ISO8601 durations" in error["msg"]),
    ),
    Deviation(
        "ADR 15: `contentEncoding` is a note to readers of schemas, and bytes have to be base64.",
        "RejectedPositiveData",
        lambda _failure, _case, response: only_errors(
            response, lambda error: error["msg"] == "Invalid base64 encoded string"
        ),
    ),
    Deviation(
        "ADR 18: a number beyond 64 bits is a float here, and may be no multiple any more.",
        "RejectedPositiveData",
        lambda _failure, _case, response: only_errors(
            response, lambda error: error["type"] == "multiple_of" and abs(error["input"]) >= 2**63
        ),
    ),
    Deviation(
        "ADR 31: a directory is no API. One at `/` answers GET everywhere, and 404 where it has no file.",
        "UnsupportedMethodResponse",
        lambda _failure, _case, response: problem(response) == "no file has this path",
    ),
    Deviation(
        "The same of what `Allow` lists.",
        "AllowHeaderMismatch",
        lambda failure, case, _response: case.path == "/work" and only_get_is_more(failure),
    ),
    Deviation(
        "ADR 31: what a route takes beside its upstream's document is not described, and asks who is there.",
        "UnsupportedMethodResponse",
        lambda _failure, case, response: case.path == "/health" and response.status_code == 401,
    ),
    Deviation(
        "An upstream's own answer: `Allow` of FastAPI names the methods of one function of a path.",
        "AllowHeaderMismatch",
        lambda failure, case, _response: case.path == "/orders" and getattr(failure, "allow_header", None) == "POST",
    ),
    Deviation(
        "RFC 6749 section 5.2: wrong credentials, unknown grants and scopes are 400; no schema knows the right ones.",
        "RejectedPositiveData",
        lambda _failure, case, response: case.path == "/token" and response.status_code == 400,
    ),
]


@schemathesis.hook
def filter_failure(_context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Whether it is a finding."""
    kind = type(failure).__name__
    return not any(deviation.check == kind and deviation.holds(failure, case, response) for deviation in DEVIATIONS)


class FromElsewhere(HTTPAdapter):
    """Sends each request from another address, so that limits by address do not hide what is behind them."""

    _numbers = count(2)

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        number = next(self._numbers)
        elsewhere = HTTPAdapter()
        address = f"127.{number // 62_500 % 250}.{number // 250 % 250}.{number % 250 + 2}"
        elsewhere.init_poolmanager(1, 1, source_address=(address, 0))
        return elsewhere.send(request, *arguments, **options)


setattr(requests.sessions, "HTTPAdapter", FromElsewhere)  # noqa: B010  # the sessions of schemathesis are its own
