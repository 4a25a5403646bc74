"""Where a page of the CRM is: the connection, the module, and what the API says of both."""

import re
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from moorage.bounded import Bounded
from moorage.console.calls import Answer, Refused
from moorage.console.crm.fields import Field, field_of
from moorage.console.places import APP, require_confirmed
from moorage.console.visit import Visit
from moorage.http.errors import NotFound

API = "/crm/v8"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}", re.ASCII)
_ID = re.compile(r"[0-9]{1,25}", re.ASCII)
_LASTS = 60.0  # Seconds for which what a live organisation says of its modules is remembered.
_remembered: Bounded[tuple[str, ...], tuple[float, Any]] = Bounded(200)


class Place(msgspec.Struct, frozen=True):
    """A connection, as the API shows it. All calls of a page to the app go through it."""

    visit: Visit
    connection: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.connection["connection_id"])

    @property
    def is_live(self) -> bool:
        return bool(self.connection["environment"] == "live")

    @property
    def name(self) -> str:
        metadata = self.connection["metadata"]
        return str(metadata.get("organisation") or self.connection["alias"] or self.id)

    async def read(
        self, path: str, query: Mapping[str, Any] | None = None, *, keeps_errors: bool = False
    ) -> Answer:
        return await self.visit.app(self.id, "GET", f"{API}{path}", query, keeps_errors=keeps_errors)

    async def ask(self, path: str, body: Any, *, keeps_errors: bool = False) -> Answer:
        """A POST that reads, which a query is."""
        return await self.visit.app(self.id, "POST", f"{API}{path}", None, body, keeps_errors=keeps_errors)

    async def write(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """A call that changes something. Raises Refused for a live organisation that the form did not confirm.

        Errors of the app are answers here.
        """
        if not self.visit.may_write:
            role = self.visit.person.role
            raise Refused(403, "scope_missing", f"Your role, {role}, may not write.", "Ask an owner.")
        require_confirmed(self.visit, self.connection)
        return await self.visit.app(
            self.id, method, f"{API}{path}", query, body, headers, writes=True, keeps_errors=True
        )

    async def described(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """What the organisation says of its modules and fields. That of a live one is remembered for a minute."""
        if not self.is_live:
            return (await self.read(path, query)).document or {}
        key = (self.visit.person.id, self.visit.person.role, self.id, path, *(query or {}).values())
        known = _remembered.get(key)
        if known is None or known[0] < time.monotonic():
            document = (await self.read(path, query)).document or {}
            known = _remembered[key] = (time.monotonic() + _LASTS, document)
        return known[1]

    async def fields(self, module: str) -> dict[str, Field]:
        """All fields of a module by their names."""
        found = await self.described("/settings/fields", {"module": module})
        fields = [field_of(document) for document in found.get("fields") or ()]
        return {field.name: field for field in fields}

    async def module(self, name: str) -> Mapping[str, Any]:
        """What the organisation says of a module."""
        found = (await self.described(f"/settings/modules/{name}")).get("modules") or [{}]
        return {"api_name": name, "plural_label": name, "singular_label": name, **found[0]}

    def values(self) -> dict[str, Any]:
        """What templates need of it."""
        return {
            "connection": self.connection,
            "connection_name": self.name,
            "may_write": self.visit.may_write,
        }


def named(module: Mapping[str, Any]) -> dict[str, Any]:
    """What pages show of a module."""
    names = ("api_name", "singular_label", "plural_label", "creatable", "deletable", "editable")
    return {name: module.get(name) for name in names}


async def place_of(visit: Visit) -> Place:
    """The place that the path names. Raises Refused and NotFound."""
    answer = await visit.control("GET", f"/connections/{visit.segment('connection')}")
    connection = answer.document["connection"]
    if connection["app"] != APP:
        raise NotFound(
            f"This connection is one of {connection['app']}.",
            help="Choose one of Zoho CRM in the section CRM.",
        )
    return Place(visit, connection)


def module_of(visit: Visit) -> str:
    """The module that the path names. Raises NotFound for what can't be one."""
    return _checked(visit.of_path("module"), _NAME, "module")


def record_of(visit: Visit) -> str:
    """The record's id in the path. Raises NotFound for what can't be one."""
    return _checked(visit.of_path("record"), _ID, "record")


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None


def _checked(text: str, form: re.Pattern[str], noun: str) -> str:
    if not form.fullmatch(text):
        raise NotFound(f"There is no such {noun}.", help="Go back to the list.")
    return text
