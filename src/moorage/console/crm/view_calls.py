"""The call of the API that shows a part of a view.

A list gives the first 2,000 records of a module or of a custom view, a search those that meet conditions, and a query
(COQL) all else: other orders, other conditions, and records up to 100,000. A part that lies beyond those is read from
the other end.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from moorage.console.calls import Refused
from moorage.console.crm.conditions import in_query, in_search, quoted
from moorage.console.crm.fields import Field
from moorage.console.crm.place import API, Place
from moorage.console.crm.views import View
from moorage.console.places import APP
from moorage.console.recipes import curl

_PAGE = 200  # Records of a page of a list.
_LISTED = 2_000  # Records that a list and a search give by pages.
FAR = 100_000  # Records that queries give.
_SORTS_OF_LISTS = (None, "id", "Created_Time", "Modified_Time")


class Call(msgspec.Struct, frozen=True):
    """`is_backwards` if its records come in the other order."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, Any] | None = None
    is_backwards: bool = False

    @property
    def line(self) -> str:
        """Its first line, as people write it."""
        query = urlencode(self.query, quote_via=quote, safe=",:()")
        return f"{self.method} {API}{self.path}{'?' if query else ''}{query}"

    def curl(self, base_url: str, connection: str) -> str:
        """The command of a shell that makes it."""
        query = urlencode(self.query, quote_via=quote)
        url = f"{base_url}/{APP}{API}{self.path}{'?' if query else ''}{query}"
        sent = None if self.body is None else msgspec.json.encode(self.body).decode()
        return curl(self.method, url, connection, sent)


class Source(msgspec.Struct, frozen=True):
    """A view of a module, with all that is needed to read it. `columns` are those that are shown."""

    module: str
    view: View
    fields: Mapping[str, Field]
    columns: tuple[str, ...]
    sort: str | None
    descending: bool

    def call(self, offset: int, limit: int, total: int | None = None) -> Call:
        """The call for up to `limit` records behind the first `offset`. Raises Refused for those that none gives."""
        view, is_near = self.view, limit <= _PAGE and offset + limit <= _LISTED and offset % limit == 0
        if view.word:
            if not is_near:
                raise Refused(400, "too_far", f"A search by a word gives up to {_LISTED:,} records.")
            return self._listed("/search", offset, limit, {"word": view.word})
        if is_near and not view.conditions and not (view.custom and view.sort):
            if view.custom:
                return self._listed("", offset, limit, {"cvid": view.custom}, sorts=False)
            if self.sort in _SORTS_OF_LISTS:
                return self._listed("", offset, limit, {})
        if is_near and view.conditions and not view.custom:
            criteria = in_search(view.conditions, self.fields, any_of=view.any_of)
            if criteria is not None:
                return self._listed("/search", offset, limit, {"criteria": criteria})
        return self._queried(offset, limit, total)

    def behind(self, last: str | None, limit: int) -> Call:
        """The call for the records that follow one, in the order of ids."""
        query = self._selection(0, limit, backwards=False, behind=last)
        return Call("POST", "/coql", {}, {"select_query": query})

    def coql(self) -> str | None:
        """The query that this view is; None if it is a search by a word."""
        return None if self.view.word else self._selection(0, 50, backwards=False)

    def count(self) -> Call:
        """The call that counts the records of the view."""
        view, path = self.view, f"/{self.module}/actions/count"
        if view.word:
            return Call("GET", path, {"word": view.word})
        if not view.conditions:
            return Call("GET", path, {"cvid": view.custom} if view.custom else {})
        criteria = in_search(view.conditions, self.fields, any_of=view.any_of)
        if criteria is not None and not view.custom:
            return Call("GET", path, {"criteria": criteria})
        query = f"select COUNT(id) from {self._from()} where {self._where()}"  # noqa: S608
        return Call("POST", "/coql", {}, {"select_query": query})

    def _listed(
        self, path: str, offset: int, limit: int, query: dict[str, str], *, sorts: bool = True
    ) -> Call:
        page = {"page": str(offset // limit + 1), "per_page": str(limit)}
        order = {}
        if sorts and self.sort:
            order = {"sort_by": self.sort, "sort_order": "desc" if self.descending else "asc"}
        fields = {"fields": ",".join(self.columns)}
        return Call("GET", f"/{self.module}{path}", {**fields, **query, **order, **page})

    def _queried(self, offset: int, limit: int, total: int | None) -> Call:
        """Fewer records than `limit` if the others are to be read from the other end."""
        if offset < FAR:
            limit = min(limit, FAR - offset)
        backwards = offset >= FAR
        if backwards:
            if total is None or total - offset > FAR or offset >= total:
                raise Refused(
                    400,
                    "too_far",
                    f"Queries give the first and the last {FAR:,} records.",
                    "Add a condition.",
                )
            limit = min(limit, total - offset)
            offset = total - offset - limit
        query = self._selection(offset, limit, backwards=backwards)
        return Call("POST", "/coql", {}, {"select_query": query}, backwards)

    def _selection(self, offset: int, limit: int, *, backwards: bool, behind: str | None = None) -> str:
        order = "desc" if self.descending != backwards else "asc"
        if not self.sort:
            order = "asc" if backwards else "desc"
        by = f"{self.sort} {order}, id {order}" if self.sort and self.sort != "id" else f"id {order}"
        columns = ", ".join(self.columns)
        where = self._where()
        if behind is not None:
            where = f"({where} and id {'<' if order == 'desc' else '>'} {quoted(behind)})"
        return f"select {columns} from {self._from()} where {where} order by {by} limit {offset}, {limit}"  # noqa: S608

    def _from(self) -> str:
        return f"{self.module}#{self.view.custom}" if self.view.custom else self.module

    def _where(self) -> str:
        asked = in_query(self.view.conditions, any_of=self.view.any_of)
        # Lists and searches leave converted leads out.
        converted = "Converted__s = 'false'" if "Converted__s" in self.fields and not self.view.custom else ""
        if asked and converted:
            return f"({asked} and {converted})"
        return asked or converted or "id is not null"


async def records_of(place: Place, call: Call) -> tuple[list[dict[str, Any]], bool]:
    """The records of a part of a view, and whether more follow."""
    if call.body is None:
        answer = await place.read(call.path, call.query)
    else:
        answer = await place.ask(call.path, call.body)
    document = answer.document or {}
    records = list(document.get("data") or ())
    more = bool((document.get("info") or {}).get("more_records"))
    return (records[::-1], True) if call.is_backwards else (records, more)


async def count_of(place: Place, source: Source) -> int | None:
    """How many records a view has; None if the organisation does not tell."""
    call = source.count()
    if call.body is None:
        answer = await place.read(call.path, call.query, keeps_errors=True)
    else:
        answer = await place.ask(call.path, call.body, keeps_errors=True)
    if answer.status != 200:
        return None
    document = answer.document or {}
    found = document["data"][0]["COUNT(id)"] if call.body else document.get("count")
    return int(found) if found is not None else None
