"""Work on whole organisations while the server runs: create, reset, copy and fill them."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from moorage.clock import Clock
from moorage.crm.errors import SeedRefused
from moorage.crm.organisations.new import NewOrganisation
from moorage.crm.organisations.service import OrganisationRow
from moorage.crm.organisations.snapshots import Snapshot
from moorage.crm.service import CrmService
from moorage.crm.wire.principal import Principal
from moorage.crm.wire.scopes import ScopeSet
from moorage.http.message import Request, Response

T = TypeVar("T")

AT_ONCE = 100  # Records in one call of the API.
MOST_SEEDED = 50_000  # Records in one seed.
_SCOPES = ScopeSet.parse("ZohoCRM.modules.ALL")


class Management:
    """Methods with a slug raise OrganisationUnknown. All methods raise DatabaseUnusable."""

    def __init__(self, crm: CrmService, clock: Clock) -> None:
        self._crm = crm
        self._organisations = crm.organisations
        self._clock = clock

    async def every(self) -> list[OrganisationRow]:
        return await self._organisations.list()

    async def find(self, slug: str) -> OrganisationRow:
        return await self._organisations.find(slug)

    async def create(self, new: NewOrganisation) -> OrganisationRow:
        """Raises OrganisationExists, OrganisationInvalid."""
        return await new.create(self._organisations)

    async def delete(self, slug: str) -> None:
        await self._change(self._organisations.delete(slug))

    async def reset(self, slug: str) -> None:
        await self._change(self._organisations.reset(slug))

    async def snapshots(self, slug: str) -> Sequence[Snapshot]:
        """The organisation's snapshots, sorted by their names."""
        return await self._organisations.snapshots(slug)

    async def snapshot(self, slug: str, name: str, *, replace: bool) -> None:
        """Copy the organisation as it is now. Raises SnapshotInvalid, SnapshotExists."""
        await self._organisations.keep_snapshot(slug, name, replace=replace)

    async def forget_snapshot(self, slug: str, name: str) -> None:
        """Delete a snapshot. Raises SnapshotUnknown."""
        await self._organisations.remove_snapshot(slug, name)

    async def restore(self, slug: str, name: str) -> None:
        """Raises SnapshotUnknown, OrganisationInvalid."""
        await self._change(self._organisations.restore_kept(slug, name))

    async def seed(self, slug: str, records: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
        """Insert records of several modules, in this order, as calls of the API would. Returns their ids by module.

        Raises SeedRefused if a record is refused; then all records that were inserted before are deleted again.
        """
        row, counts = await self.find(slug), {module: len(rows) for module, rows in records.items()}
        async with self._organisations.witness.of("seeded", slug, records=counts):
            return await self._seed(row, records)

    async def _seed(self, row: OrganisationRow, records: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
        ids_by_module: dict[str, list[str]] = {}
        try:
            for module, of_module in records.items():
                ids = ids_by_module.setdefault(module, [])
                for start in range(0, len(of_module), AT_ONCE):
                    await self._insert(row, module, of_module[start : start + AT_ONCE], start, ids)
        except SeedRefused:
            for module, ids in ids_by_module.items():
                for start in range(0, len(ids), AT_ONCE):
                    await self._call(
                        row, "DELETE", module, query=f"ids={','.join(ids[start : start + AT_ONCE])}"
                    )
            raise
        return ids_by_module

    async def _insert(
        self, row: OrganisationRow, module: str, records: Sequence[Any], start: int, ids: list[str]
    ) -> None:
        """Insert records, and add their ids to `ids`. Raises SeedRefused for the first record that is refused."""
        answer = await self._call(row, "POST", module, {"data": records, "trigger": []})
        outcomes = answer.get("data") or [answer]
        ids += [outcome["details"]["id"] for outcome in outcomes if outcome.get("code") == "SUCCESS"]
        for number, outcome in enumerate(outcomes, start):
            if outcome.get("code") != "SUCCESS":
                reason = f"{outcome.get('code')}, {outcome.get('message')}"
                details = msgspec.json.encode(outcome.get("details", {})).decode()
                raise SeedRefused(
                    f"{module}[{number}] was refused: {reason} {details}.",
                    help="No record of the seed was inserted. Send each record as in a call of the API.",
                )

    async def _call(
        self, row: OrganisationRow, method: str, module: str, body: Any = None, query: str = ""
    ) -> dict[str, Any]:
        """A call of the API as the organisation's first user."""
        now, user = self._clock.timestamp(), (await self._crm.first_user(row)).id
        principal = Principal(row.id, user, _SCOPES, now + 60, row.data_centre)
        encoded = b"" if body is None else msgspec.json.encode(body)
        response = self._crm.act(
            Request(method, f"/crm/v8/{module}".encode(), query.encode(), [], encoded), principal
        )
        if not isinstance(response, Response):
            response = await response
        document: dict[str, Any] = msgspec.json.decode(response.text) if response.text else {}
        return document

    async def _change(self, work: Awaitable[T]) -> T:
        """Do work that may end the tokens of an organisation."""
        try:
            return await work
        finally:
            self._crm.accounts.forget()
