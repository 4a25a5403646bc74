"""The blueprint of a new organisation: all documents it begins with, as the API shows them."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from moorage.crm import centres
from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.standard.blueprint_draft import BlueprintDraft
from moorage.crm.metadata.standard.module_template import module_documents
from moorage.crm.metadata.standard.people import add_organisation
from moorage.crm.metadata.standard.spec import DEMO, Currency, OrganisationSpec, Person

__all__ = ["DEMO", "Currency", "OrganisationSpec", "Person", "blueprint"]


def blueprint(
    spec: OrganisationSpec, prefix: int, created: datetime, new_number: Callable[[], int]
) -> list[Document]:
    """The documents of a new organisation, in the order of lists; the organisation's own document is the first.

    `prefix` is the first seven digits of all ids, `new_number` gives the rest. Raises ValueError for an unknown role,
    profile, unique field, data centre or time zone, and if there are no users.
    """
    centres.require(spec.data_centre)
    moment = created.astimezone(zone_named(spec.time_zone)).isoformat(timespec="seconds")
    draft = BlueprintDraft(prefix, new_number, moment)
    add_organisation(draft, spec)
    return [*draft.documents, *module_documents(spec.unique, new_number(), prefix, moment)]


def zone_named(name: str) -> ZoneInfo:
    """Raises ValueError for a name that no time zone has."""
    try:
        return ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        # Zones are files: a name may be that of a folder, or too long for a file.
        raise ValueError(f"no time zone is called {name[:64]!r}; one is Europe/Berlin") from None
