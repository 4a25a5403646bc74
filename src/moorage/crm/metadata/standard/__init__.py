"""The blueprint of a new organisation: every document it starts with, in the wire form of the API."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from moorage.crm import centres
from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.standard.draft import Draft
from moorage.crm.metadata.standard.modules import add_modules
from moorage.crm.metadata.standard.people import add_organisation
from moorage.crm.metadata.standard.spec import DEMO, Currency, OrganisationSpec, Person

__all__ = ["DEMO", "Currency", "OrganisationSpec", "Person", "blueprint"]


def blueprint(
    spec: OrganisationSpec, prefix: int, created: datetime, new_number: Callable[[], int]
) -> list[Document]:
    """The documents of a new organisation, in the order lists show them; the organisation's own comes first.

    `prefix` are the seven digits all ids start with, `new_number` gives the rest. Raises ValueError for a role,
    profile or unique field that is not a standard one, no users, no such data centre or time zone.
    """
    centres.require(spec.data_centre)
    moment = created.astimezone(_zone(spec.time_zone)).isoformat(timespec="seconds")
    draft = Draft(prefix, new_number, moment)
    add_organisation(draft, spec)
    add_modules(draft, spec.unique)
    return draft.documents


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        # Zones are files: some names are those of folders, or too long for any file.
        raise ValueError(f"no time zone is called {name[:64]!r}; one is Europe/Berlin") from None
