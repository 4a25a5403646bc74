"""What deleted organisations have left, and what processes that died left unfinished."""

from moorage.crm.organisations.moves import InThread
from moorage.crm.organisations.registry import Registry
from moorage.crm.organisations.snapshots import Snapshots
from moorage.crm.storage.contract.organisations import OrganisationStorage
from moorage.logs import Log
from moorage.storage.errors import DatabaseUnusable

log = Log(__name__)


async def remove_unfinished(
    registry: Registry, stored: OrganisationStorage, snapshots: Snapshots, in_thread: InThread
) -> None:
    """Remove it. The caller holds the lock for work on whole organisations."""
    for place in await registry.unfinished():
        try:
            await in_thread(stored.remove, place)
        except DatabaseUnusable as error:  # Its server can't be reached now. Nothing else waits for that.
            log.warning("crm.removal_unfinished", organisation=place.slug, reason=error.message)
            continue
        if await registry.find(place.slug) is None:
            await snapshots.remove_all(place)
        await registry.finish(place)
