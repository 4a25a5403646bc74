"""Holds answers of the CRM against Zoho's description, and notes each that it held."""

import os
import re
from collections.abc import Awaitable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import jsonschema_rs
import msgspec

from moorage.crm.centres import split
from moorage.crm.server import Crm
from moorage.http.message import Parts, Request, Response
from tests.zoho_description.description import Description, Operation
from tests.zoho_description.schemas import ERROR, Schemas

_V8 = re.compile(r"/crm/(?:[a-z_]+/)?v8/")
_SUCCESSES = (200, 201, 202)
_BARE_ERROR = jsonschema_rs.Draft202012Validator(ERROR)
_TEST = "PYTEST_CURRENT_TEST"  # pytest sets it, and servers that a test starts have it, too.


@dataclass(frozen=True)
class Disagreement:
    """`place` is where in the answer, such as `/data/*/id`: `*` is any row."""

    family: str
    operation: str
    status: int
    place: str
    says: str


class Holder:
    """Holds answers against a description. Its notes are lines of a file that several processes write."""

    def __init__(self, description: Description, notes: Path) -> None:
        self._description = description
        self._schemas = Schemas(description.documents)
        self._validators: dict[tuple[str, int], jsonschema_rs.Validator | None] = {}
        self._notes = notes
        self._waiting = b""

    @cached_property
    def _file(self) -> int:
        return os.open(self._notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def watch(self, answer: object) -> object:
        """`Crm.answer`, whose answers are held."""

        def watched(crm: Crm, request: Request, *arguments: object) -> Response | Awaitable[Response]:
            result = answer(crm, request, *arguments)
            if isinstance(result, Response):
                self.hold(request, result)
                return result
            return self._hold_later(request, result)

        return watched

    async def _hold_later(self, request: Request, waiting: Awaitable[Response]) -> Response:
        response = await waiting
        self.hold(request, response)
        return response

    def hold(self, request: Request, response: Response) -> None:
        path = split(request.path)[1].decode("latin-1")
        operations = self._description.find(request.method, path) if _V8.match(path) else ()
        if not operations or isinstance(response.body, Parts):
            return
        disagreements = [asdict(each) for each in self.disagreements(operations, response)]
        note = {"family": operations[0].family, "disagreements": disagreements}
        if disagreements:
            note["test"] = os.environ.get(_TEST, "").partition(" ")[0]
        self._waiting += msgspec.json.encode(note) + b"\n"
        with suppress(OSError):  # A test may let no file grow. The note is written with the next one.
            self._waiting = self._waiting[os.write(self._file, self._waiting) :]

    def disagreements(self, operations: list[Operation], response: Response) -> Iterator[Disagreement]:
        first, status = operations[0], response.status
        described = sorted({status for operation in operations for status in operation.schemas})

        def disagreement(place: str, says: str) -> Disagreement:
            return Disagreement(first.family, first.name, status, place, says)

        if status in _SUCCESSES and status not in described:
            yield disagreement("", f"the status is none of {described}")
        if not response.body or b"json" not in dict(response.headers).get(b"content-type", b""):
            return
        body = msgspec.json.decode(response.body)
        is_bare_error = status >= 400 and "code" in body
        validator = _BARE_ERROR if is_bare_error else self._validator(operations, status)
        if validator is not None and not validator.is_valid(body):
            for place, says in {_place_and_words(error) for error in _inmost(validator.iter_errors(body))}:
                yield disagreement(place, says)

    def _validator(self, operations: list[Operation], status: int) -> jsonschema_rs.Validator | None:
        """None if the description has no schema for the answers."""
        key = operations[0].name, status
        if key not in self._validators:
            self._validators[key] = self._new_validator(operations, status)
        return self._validators[key]

    def _new_validator(self, operations: list[Operation], status: int) -> jsonschema_rs.Validator | None:
        """Of the schemas for the status; if it is not described, or has errors beside successes, of all successes."""
        schemas = [
            (operation.family, schema)
            for operation in operations
            for of_status, schema in operation.schemas.items()
            if schema is not None and (of_status == status or of_status in _SUCCESSES)
        ]
        return self._schemas.validator(schemas) if schemas else None


def _inmost(errors: Iterable[jsonschema_rs.ValidationError]) -> Iterator[jsonschema_rs.ValidationError]:
    """What is wrong, without the choices around it."""
    for error in errors:
        if choices := getattr(error.kind, "context", None):
            yield from _inmost(max(choices, key=_fit))
        else:
            yield error


def _fit(choice: list[jsonschema_rs.ValidationError]) -> tuple[bool, int, int]:
    """How well a choice fits: one for errors fits no success, and others fit the better, the deeper they go wrong."""
    is_of_errors = any(error.instance_path[-1:] == ["status"] for error in _inmost(choice))
    is_null = choice[0].message.endswith('"null"')
    return not (is_of_errors or is_null), max(len(error.instance_path) for error in choice), -len(choice)


def _place_and_words(error: jsonschema_rs.ValidationError) -> tuple[str, str]:
    place = "".join(f"/{'*' if isinstance(step, int) else step}" for step in error.instance_path)
    return place, error.message
