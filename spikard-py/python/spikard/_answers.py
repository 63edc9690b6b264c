"""What clients can expect as an answer: what the return annotation says, and what `responses=` adds.

The rules are those of docs/adr/0016: the value decides how it is sent, so its type says what a client gets.
Where the type leaves status or media type open (`Response`, no annotation), so does the description.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from . import _schemas, _types
from ._plan import Answer, Content, Header

if TYPE_CHECKING:
    from ._plan import JsonSchema

Answers = dict[str, Answer]

JSON, TEXT, HTML, BYTES = "application/json", "text/plain", "text/html", "application/octet-stream"
EVENTS, PROBLEM, ANY = "text/event-stream", "application/problem+json", "*/*"
_STATUS = re.compile(r"[1-5](\d\d|XX)|default").fullmatch
_KEYS = ("model", "description", "content", "headers")
_MEDIA_KEYS = ("schema", "example", "examples")
_HEADER_KEYS = ("schema", "description", "required")
_CLASSES = {"1": "Information", "2": "Success", "3": "Redirection", "4": "Client error", "5": "Server error"}
_FILE = (
    Answer("200", "The file", (Content(ANY, _schemas.FILE),)),
    Answer("206", "The part of the file that was asked for", (Content(ANY, _schemas.FILE),)),
    Answer("304", "The client has the file as it is"),
    Answer("416", "The file has no such part", (Content(PROBLEM),)),
)
UNMET: Answers = {"503": Answer("503", "Dependency resolution failed", (Content(PROBLEM),))}
"""The answer where a dependency cannot be made."""
_REDIRECT = Answer(
    "3XX",
    "The place where to go on",
    headers=(Header("location", {"type": "string", "format": "uri-reference"}, required=True),),
)


def of_type(returned: Any, schema: JsonSchema | None) -> Answers:
    """The answers of a function that returns this; `schema` stands for that of the type."""
    answers: Answers = {}
    texts: list[Any] = []
    values: list[Any] = []
    for member in _types.members(returned):
        found = _types.class_of(member)
        if found in (Any, object) or type(found).__name__ == "TypeVar":
            _add(answers, _ok(Content(ANY)))
        elif hasattr(found, "__spikard__"):
            for answer in _of_class(found):
                _add(answers, answer)
        elif isinstance(found, type) and issubclass(found, (bytes, bytearray, memoryview)):
            _add(answers, _ok(Content(BYTES, _schemas.FILE)))
        elif _is_text(found, member):
            texts.append(member)
        elif getattr(found, "_name", None) not in ("NoReturn", "Never"):
            values.append(member)
    if schema is not None:
        media_type = TEXT if texts and not values else JSON
        answers.pop("200", None)
        _add(answers, _ok(Content(media_type, schema)))
        return answers
    for media_type, members in ((JSON, values), (TEXT, texts)):
        if members:
            _add(answers, _ok(Content(media_type, _schema(_types.union(members)))))
    return answers or {"default": Answer("default", phrase("default"), (Content(ANY),))}


def of_events() -> Answers:
    """The answers of a stream of events. There is no schema: some readers take it for that of each event."""
    return {"200": Answer("200", "A stream of server-sent events", (Content(EVENTS),))}


def check(responses: Any) -> None:
    """Raises `TypeError` or `ValueError` for `responses` that cannot be; its types are looked at later."""
    if not isinstance(responses, Mapping):
        raise TypeError(f"responses is {responses!r}, expected a dict by status")
    for status, said in responses.items():
        _status(status)
        if not isinstance(said, Mapping):
            continue
        _refuse_others(said, _KEYS, f"responses[{status!r}]")
        for key, known in (("content", _MEDIA_KEYS), ("headers", _HEADER_KEYS)):
            table = said.get(key, {})
            if not isinstance(table, Mapping):
                raise TypeError(f"responses[{status!r}]: {key} is {table!r}, expected a dict by name")
            for name, value in table.items():
                if isinstance(value, Mapping):
                    _refuse_others(value, known, f"responses[{status!r}]: {key}[{name!r}]")


def given(layers: Iterable[Mapping[Any, Any]]) -> Answers:
    """What `responses` of routers and route say, the last word on a status.

    Raises `TypeError` for a type without a schema and for a schema that is no JSON.
    """
    answers: Answers = {}
    for layer in layers:
        for status, said in layer.items():
            answers[_status(status)] = _said(_status(status), said)
    msgspec.json.encode(answers)  # what is no JSON is found now, and not by the first who asks for the document
    return answers


def merged(own: Answers, said: Answers) -> tuple[Answer, ...]:
    """What follows from a type, and what was said on top of it.

    What the type leaves open is left out where something was said of success.
    """
    answers = {status: answer for status, answer in own.items() if status in said or not _is_settled(answer, said)}
    for status, answer in said.items():
        known = answers.get(status)
        answers[status] = answer if known is None else _over(answer, known)
    return tuple(answers.values())


def phrase(status: str) -> str:
    """A status in words."""
    if status == "200":
        return "Successful response"
    if status.isdigit() and int(status) in HTTPStatus._value2member_map_:
        return HTTPStatus(int(status)).phrase
    return _CLASSES.get(status[0], "Any other answer")


def _ok(*content: Content) -> Answer:
    return Answer("200", phrase("200"), content)


def _is_text(found: Any, member: Any) -> bool:
    """Whether its values are sent as text: a str is, and a member of an enumeration is not."""
    values = _types.values_of(member)
    if values and not isinstance(found, type):
        return all(type(value) is str for value in values)
    return isinstance(found, type) and issubclass(found, str) and not issubclass(found, Enum)


def _of_class(found: Any) -> tuple[Answer, ...]:
    """The answers of a kind of response."""
    from . import responses
    from ._events import EventStream

    if issubclass(found, responses.FileResponse):
        return _FILE
    if issubclass(found, responses.RedirectResponse):
        return (_REDIRECT,)
    if issubclass(found, EventStream):
        return tuple(of_events().values())
    if issubclass(found, responses.HTMLResponse):
        return (_ok(Content(HTML, {"type": "string"})),)
    if issubclass(found, responses.StreamingResponse):
        return (_ok(Content(ANY, _schemas.FILE)),)
    media_type = JSON if issubclass(found, responses.JSONResponse) else ANY
    return (Answer("default", phrase("default"), (Content(media_type),)),)


def _is_settled(answer: Answer, said: Answers) -> bool:
    """Whether a type only says that there is some such answer, and `said` says which."""
    if answer.status == "3XX":
        return any(status[0] == "3" for status in said)
    is_open = answer.status == "default" or answer.content == (Content(ANY),)
    return is_open and any(status[0] in "123" for status in said)


def _add(answers: Answers, answer: Answer) -> None:
    known = answers.get(answer.status)
    if known is not None:
        content = {item.media_type: item for item in (*known.content, *answer.content)}
        answer = Answer(answer.status, known.description, tuple(content.values()), known.headers)
    answers[answer.status] = answer


def _over(answer: Answer, known: Answer) -> Answer:
    """What was said of a status over what is known of it."""
    names = {content.media_type for content in answer.content}
    kept = tuple(item for item in known.content if item.media_type not in names and not (names and _is_vague(item)))
    is_said = answer.description != phrase(answer.status)
    return Answer(
        answer.status,
        answer.description if is_said else known.description,
        (*kept, *answer.content),
        answer.headers or known.headers,
    )


def _is_vague(content: Content) -> bool:
    return content.media_type == ANY


def _said(status: str, said: Any) -> Answer:
    if not isinstance(said, Mapping):
        return Answer(status, phrase(status), () if _types.is_none(said) else (Content(JSON, _schema_of(said)),))
    content = [_content(media_type, value) for media_type, value in said.get("content", {}).items()]
    if "model" in said and not _types.is_none(said["model"]):
        content.insert(0, Content(JSON, _schema_of(said["model"])))
    elif "model" not in said and not content and status[0] in "45":
        content = [Content(PROBLEM)]  # what an HTTPException comes to
    headers = tuple(_header(name, value) for name, value in said.get("headers", {}).items())
    return Answer(status, said.get("description") or phrase(status), tuple(content), headers)


def _content(media_type: str, said: Any) -> Content:
    if not isinstance(said, Mapping):
        return Content(media_type, None if _types.is_none(said) else _schema_of(said))
    schema = said.get("schema")
    if schema is not None and not isinstance(schema, Mapping):
        schema = _schema_of(schema)
    examples = said.get("examples", [said["example"]] if "example" in said else [])
    if isinstance(examples, Mapping):
        examples = [example.get("value") for example in examples.values()]
    if examples:
        schema = {**(schema or {}), "examples": list(examples)}
    return Content(media_type, None if schema is None else dict(schema))


def _header(name: str, said: Any) -> Header:
    if not isinstance(said, Mapping):
        return Header(name, _schema_of(said))
    schema = said.get("schema", str)
    schema = dict(schema) if isinstance(schema, Mapping) else _schema_of(schema)
    return Header(name, schema, said.get("description"), said.get("required", False))


def _status(status: Any) -> str:
    text = str(int(status)) if isinstance(status, int) and not isinstance(status, bool) else status
    if not isinstance(text, str) or not _STATUS(text):
        raise ValueError(f"responses has the status {status!r}, expected 100 to 599, '4XX' or 'default'")
    return text


def _schema_of(annotation: Any) -> JsonSchema:
    return _schemas.schema_of(annotation, "serialization")


def _schema(annotation: Any) -> JsonSchema | None:
    """The schema of what a function returns; `None`: no library knows it, and it may be written all the same."""
    try:
        return _schema_of(annotation)
    except Exception:
        return None


def _refuse_others(said: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
    for key in said:
        if key not in known:
            _refuse(key, known, place)


def _refuse(key: str, known: tuple[str, ...], place: str) -> NoReturn:
    raise TypeError(f"{place} has {key!r}, expected {', '.join(known[:-1])} or {known[-1]}")
