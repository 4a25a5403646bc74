"""Whole organisations, made, reset, copied and filled while their server runs."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from moorage.clock import Clock
from moorage.crm.errors import SeedRefused
from moorage.crm.organisations.service import OrganisationRow, Wanted
from moorage.crm.service import CrmService
from moorage.crm.wire.principal import Principal
from moorage.crm.wire.scopes import ScopeSet
from moorage.http.message import Request, Response

T = TypeVar("T")

AT_ONCE = 100  # Records of one call of the API.
MOST_SEEDED = 50_000
_SCOPES = ScopeSet.parse("ZohoCRM.modules.ALL")


class Management:
    """Calls that name an organisation raise OrganisationUnknown, and all DatabaseUnusable."""

    def __init__(self, crm: CrmService, clock: Clock) -> None:
        self._crm = crm
        self._organisations = crm.organisations
        self._clock = clock

    async def every(self) -> list[OrganisationRow]:
        return await self._organisations.list()

    async def find(self, slug: str) -> OrganisationRow:
        return await self._organisations.find(slug)

    async def create(self, wanted: Wanted) -> OrganisationRow:
        """Raises OrganisationExists, OrganisationInvalid."""
        return await wanted.make(self._organisations)

    async def delete(self, slug: str) -> None:
        await self._change(self._organisations.delete(slug))

    async def reset(self, slug: str) -> None:
        await self._change(self._organisations.reset(slug))

    async def snapshots(self, slug: str) -> Sequence[str]:
        """The names of those that are kept."""
        return await self._organisations.snapshots(slug)

    async def snapshot(self, slug: str, name: str) -> None:
        """Keep the organisation as it is now, in place of an older snapshot of that name. Raises SnapshotInvalid."""
        await self._organisations.keep_snapshot(slug, name)

    async def forget_snapshot(self, slug: str, name: str) -> None:
        """Raises SnapshotUnknown."""
        await self._organisations.remove_snapshot(slug, name)

    async def restore(self, slug: str, name: str) -> None:
        """Raises SnapshotUnknown, OrganisationInvalid."""
        await self._change(self._organisations.restore_kept(slug, name))

    async def seed(self, slug: str, records: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
        """Insert records of several modules, in that order, as the API would; gives their ids.

        If one is refused, those before it are deleted again. Raises SeedRefused.
        """
        row = await self.find(slug)
        made: dict[str, list[str]] = {}
        try:
            for module, given in records.items():
                ids = made.setdefault(module, [])
                for start in range(0, len(given), AT_ONCE):
                    await self._insert(row, module, given[start : start + AT_ONCE], start, ids)
        except SeedRefused:
            for module, ids in made.items():
                for start in range(0, len(ids), AT_ONCE):
                    await self._call(
                        row, "DELETE", module, query=f"ids={','.join(ids[start : start + AT_ONCE])}"
                    )
            raise
        return made

    async def _insert(
        self, row: OrganisationRow, module: str, records: Sequence[Any], start: int, ids: list[str]
    ) -> None:
        """Insert some, and add the ids of those that were. Raises SeedRefused for the first that was not."""
        answer = await self._call(row, "POST", module, {"data": records, "trigger": []})
        told = answer.get("data") or [answer]
        ids += [one["details"]["id"] for one in told if one.get("code") == "SUCCESS"]
        for number, one in enumerate(told, start):
            if one.get("code") != "SUCCESS":
                details = msgspec.json.encode(one.get("details", {})).decode()
                raise SeedRefused(
                    f"{module}[{number}] was refused: {one.get('code')}, {one.get('message')} {details}.",
                    help="Nothing of the seed is kept. Send each record as a call of the API would have it.",
                )

    async def _call(
        self, row: OrganisationRow, method: str, module: str, body: Any = None, query: str = ""
    ) -> dict[str, Any]:
        """A call of the API as the organisation's first user."""
        now, user = self._clock.timestamp(), (await self._crm.first_user(row)).id
        principal = Principal(row.id, user, _SCOPES, now + 60, row.data_centre)
        sent = b"" if body is None else msgspec.json.encode(body)
        answer = self._crm.act(
            Request(method, f"/crm/v8/{module}".encode(), query.encode(), [], sent), principal
        )
        if not isinstance(answer, Response):
            answer = await answer
        found: dict[str, Any] = msgspec.json.decode(answer.text) if answer.text else {}
        return found

    async def _change(self, work: Awaitable[T]) -> T:
        """Do what ends the tokens of an organisation, or may."""
        try:
            return await work
        finally:
            self._crm.accounts.forget()
