"""Held calls in a control database, and a sender that plays the app."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from moorage.approvals.model import Answer, Asked, HeldCall
from moorage.approvals.sending import Sending
from moorage.approvals.service import Approvals, Decision, Limits
from moorage.clock import FrozenClock
from moorage.jobs.service import Jobs
from moorage.keys import store as keys
from moorage.settings.readers import Secret
from moorage.storage import Database
from moorage.vault.keys import load_keys
from moorage.vault.service import Vault
from tests.control_database import control_in_postgresql, control_url, shared_control_database  # noqa: F401

NOW = datetime(2026, 2, 7, tzinfo=UTC)
KEY = b"k" * 32
YES, NO = Decision("Ada", approves=True), Decision("Ada", approves=False, note="Not today.")
CALL = HeldCall("DELETE", b"/crm/v8/Leads?ids=1,2", [(b"Accept", b"*/*")], b"")
ANSWER = Answer(200, [(b"content-type", b"application/json")], b'{"data":[]}')


def asked(**changes):
    values = {
        "account_id": "team",
        "key_id": "agent",
        "key_name": "an agent",
        "connection_id": "c1",
        "connection_name": "sales-eu",
        "app": "zoho-crm",
        "environment": "live",
        "operation": "Delete records",
        "module": "Leads",
        "kind": "destructive",
        "words": "Delete records in Leads",
        "reason": "This key asks before it deletes.",
        "rule": "cautious",
    }
    return Asked(**values | changes)


class Sender:
    """Plays the app. `sent` are the ids of the calls that have reached it. `refusal` is raised before a call leaves."""

    def __init__(self):
        self.sent = []
        self.refusal = self.trouble = None
        self.answer = ANSWER

    async def prepare(self, approval, call):
        if self.refusal is not None:
            raise self.refusal

        async def ready():
            self.sent.append((approval.id, call.method, call.native, call.body))
            if self.trouble is not None:
                raise self.trouble
            return self.answer

        return ready


class Place:
    """Held calls, and a clock that stands still. Two of them on one database are two processes."""

    def __init__(self, url, sender=None, limits=None, clock=None):
        self.clock = clock or FrozenClock(NOW)
        self.database = Database(url, self.clock)
        self.vault = Vault(self.database, load_keys(Secret(KEY.hex()), Path("/nowhere")))
        self.sender = sender or Sender()
        self.approvals = Approvals(
            self.database,
            self.vault,
            Jobs(self.database),
            self.clock,
            "https://gateway.test",
            limits or Limits(),
        )
        self.sending = Sending(self.database, self.vault, lambda: self.sender)

    async def begin(self):
        for account in ("team", "others"):
            async with self.database.transaction() as tx:
                await keys.add_account(tx, account, account)

    async def hold(self, call=CALL, **changes):
        return await self.approvals.meet(asked(**changes), call)

    async def decided(self, decision=YES, call=CALL, **changes):
        """A call that was held and decided."""
        held = await self.hold(call, **changes)
        await self.approvals.decide(held.asked.account_id, held.id, decision)
        return held

    async def state(self, held):
        return (await self.approvals.get(held.asked.account_id, held.id)).state_at(self.approvals.now())

    async def sealed(self):
        async with self.database.reading() as tx:
            rows = await tx.connection.exec_driver_sql("SELECT kind FROM secrets ORDER BY kind")
            return [row.kind for row in rows]


@asynccontextmanager
async def opened(url, **options):
    place = Place(url, **options)
    try:
        yield place
    finally:
        await place.database.close()


@pytest.fixture
def scene(control_url):  # noqa: F811
    """Runs an asynchronous function with a `Place`."""

    def run(act, **options):
        async def main():
            async with opened(control_url, **options) as place:
                await place.begin()
                return await act(place)

        return asyncio.run(main())

    return run
