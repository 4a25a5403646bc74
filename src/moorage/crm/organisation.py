"""One organisation, open for work: its metadata, its compiled catalog, its time zone and its store."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from moorage.crm.catalog import ID_SPACE, Catalog
from moorage.crm.metadata import Metadata
from moorage.crm.store.contract import RecordStore


@dataclass(eq=False)
class Organisation:
    """`id` is the organisation's id; every id inside it starts with the same seven digits."""

    id: int
    metadata: Metadata
    catalog: Catalog
    zone: ZoneInfo
    store: RecordStore

    @property
    def prefix(self) -> int:
        return self.id // ID_SPACE
