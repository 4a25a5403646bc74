"""What a page of the console gets, and what it gives."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from moorage.console.calls import Answer, Calls
from moorage.http.forms import MAX_FORM
from moorage.http.timestamps import wire_time
from moorage.ids import new_uuid
from moorage.people.model import Person
from moorage.people.rights import SCOPES, WRITERS, caller
from moorage.web.browser import File

# Milliseconds in which calls are counted for a page, so that it does not wait for a long log.
QUICK = 10
# In the place of a scope: what a page needs whose person may read what apps hold.
VALUES = "values"


@dataclass(slots=True)
class Visit:
    """A request of a person who is signed in. `form` has the fields of a form that was sent, which is one of ours;
    `pairs` has all of them, also several of one name, and `files` its files.

    `base_url` is the gateway's address for callers, without a slash at its end.
    """

    request: Request
    person: Person
    calls: Calls = field(repr=False)
    base_url: str
    form: Mapping[str, str] = field(default_factory=dict)
    pairs: Sequence[tuple[str, str]] = ()
    files: Mapping[str, File] = field(default_factory=dict, repr=False)
    # The person who is signed in in this browser by now, if there is one.
    present: Callable[[], Awaitable[Person | None]] | None = field(default=None, repr=False)

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query_params

    def chosen(self, name: str) -> list[str]:
        """All values of the form's fields of this name, as of boxes that were ticked."""
        return [value for known, value in self.pairs if known == name]

    def of_path(self, name: str) -> str:
        return str(self.request.path_params[name])

    def segment(self, name: str) -> str:
        """As `of_path`, encoded as a segment of another path."""
        return quote(self.of_path(name), safe="")

    def may(self, scope: str) -> bool:
        """Whether the person's role has a scope of the control API, or for VALUES, may read what apps hold."""
        if scope == VALUES:
            return self.sees_values
        return scope in SCOPES[self.person.role].control

    @property
    def now(self) -> str:
        """The time, in the form of the API, with which its times can be compared."""
        return wire_time(datetime.now(UTC))

    @staticmethod
    def once() -> str:
        """A text for the hidden field `once`, which `once_headers` sends on: so a second click does nothing twice."""
        return new_uuid()

    @property
    def once_headers(self) -> Mapping[str, str]:
        """The headers of the call that a form with the field `once` makes."""
        return {"Idempotency-Key": self.form["once"]} if self.form.get("once") else {}

    @property
    def sees_values(self) -> bool:
        """Whether the person may read what apps hold."""
        return bool(SCOPES[self.person.role].grants)

    @property
    def may_write(self) -> bool:
        """Whether the person may change what apps hold."""
        return self.person.role in WRITERS

    async def control(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        keeps_errors: bool = False,
    ) -> Answer:
        """A call of the control API. Raises Refused from status 400 on, unless it `keeps_errors`."""
        who = caller(self.person)
        return await self.calls.call(who, method, path, query, body, headers, keeps_errors=keeps_errors)

    async def optional(
        self, path: str, query: Mapping[str, Any] | None = None, needs: str | None = None
    ) -> Mapping[str, Any] | None:
        """What the control API has at a path; None if the person may not see it, or this server has it not.

        The API is not asked if the person's role has not the scope that it `needs`.
        """
        if needs is not None and not self.may(needs):
            return None
        answer = await self.control("GET", path, query, keeps_errors=True)
        return None if answer.status >= 400 else answer.document

    async def is_still_here(self) -> bool:
        """Whether the person is still signed in in this browser, and has the same role."""
        now = await self.present() if self.present is not None else None
        return now is not None and now.role == self.person.role

    async def events(
        self, path: str, query: Mapping[str, Any], headers: Mapping[str, str]
    ) -> AsyncGenerator[bytes, None]:
        """Server-sent events of the control API. They end when the person does not have these rights any more."""
        parts = self.calls.parts(caller(self.person), path, query, headers)
        async with aclosing(parts):
            async for part in parts:
                if not await self.is_still_here():
                    return
                yield part

    async def app(
        self,
        connection: str,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        *,
        app: str = "zoho-crm",
        writes: bool = False,
        keeps_errors: bool = False,
    ) -> Answer:
        """A call of an app through a connection, by its id or alias; `path` is the app's own.

        Without `writes`, the gateway refuses it if it would change something. Raises as `control`.
        """
        named = {"Maton-Connection": quote(connection, safe="-_.~"), **(headers or {})}
        who = caller(self.person, reads_only=not writes)
        return await self.calls.call(
            who, method, f"/{app}{path}", query, body, named, keeps_errors=keeps_errors
        )


class Shown(msgspec.Struct, frozen=True):
    """A page: its template, and what the template shows. The same values are its JSON twin, so they are JSON."""

    template: str
    values: Mapping[str, Any]
    status: int = 200


@dataclass(frozen=True, slots=True)
class Done:
    """What a form was sent for is done: the browser goes on to a page below `/console`, such as `/keys?made=1`.

    `note` is a sentence for the person, which the next page shows. `cookie` is that of a new session, as an answer of
    the API has set it.
    """

    path: str
    note: str = ""
    cookie: str = field(default="", repr=False)


Show: TypeAlias = Callable[[Visit], Awaitable[Shown | Done | Response]]


class Page(msgspec.Struct, frozen=True):
    """A path below `/console`, in Starlette's form. It `needs` a scope of the control API, or VALUES.

    A form that is sent there has up to `most` bytes.
    """

    path: str
    show: Show
    needs: str | None = None
    method: str = "GET"
    most: int = MAX_FORM


def get(path: str, show: Show, needs: str | None = None) -> Page:
    return Page(path, show, needs)


def post(path: str, do: Show, needs: str | None = None, most: int = MAX_FORM) -> Page:
    """What happens when a form is sent. The form was checked to be one of ours before `do` is called."""
    return Page(path, do, needs, "POST", most)
