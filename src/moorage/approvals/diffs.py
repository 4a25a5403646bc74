"""The diffs of held calls: made when a person looks, and sealed."""

from collections.abc import Callable

from moorage.approvals import sealed, store
from moorage.approvals.diff import Diff, Looking, diff_of
from moorage.approvals.model import Approval, HeldCall
from moorage.http.timestamps import wire_time_of
from moorage.storage import Database, Transaction
from moorage.vault.service import Vault

FRESH = 60 * 1_000_000  # Microseconds. An older diff is made anew when somebody looks.


class Diffs:
    """`looking` gives what looks at apps: the gateway, which is made later than this."""

    def __init__(self, database: Database, vault: Vault, looking: Callable[[], Looking]) -> None:
        self._database = database
        self._vault = vault
        self._looking = looking

    async def of(self, approval: Approval) -> tuple[HeldCall | None, Diff | None]:
        """The bytes of a call that waits, and what it would change. None for one that does not wait any more."""
        if approval.state != "waiting":
            return None, None
        call, diff, now = await self._vault.read(lambda tx: self._kept(tx, approval.id))
        if call is None or (diff is not None and -FRESH < now - diff.at < FRESH):
            return call, diff
        diff = await diff_of(self._looking(), approval, call, now)
        async with self._database.transaction(quiet=True) as tx:
            earlier = await store.same_before(tx, approval)
            if earlier is not None:
                diff.notes.insert(0, _told_of(earlier))
            known = await store.find(tx, approval.id)
            if known is not None and known.state == "waiting":
                await sealed.put_diff(self._vault, tx, approval.id, diff)
        return call, diff

    async def _kept(self, tx: Transaction, approval_id: str) -> tuple[HeldCall | None, Diff | None, int]:
        call = await sealed.call_of(self._vault, tx, approval_id)
        return call, await sealed.diff_of(self._vault, tx, approval_id, Diff), tx.now


def _told_of(earlier: Approval) -> str:
    """That the same call was made before: to approve it again may do the same a second time."""
    at = f"{wire_time_of(earlier.sending or earlier.created)[:16].replace('T', ' ')} UTC"
    if earlier.state == "sent":
        return f"The same call was sent at {at}, and the app answered with status {earlier.answer_status}."
    return f"The same call may have reached the app at {at}: no answer came. Look there before you approve."
