"""What a new organisation begins with."""

import secrets
from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from moorage.crm.errors import OrganisationInvalid
from moorage.crm.metadata import fixed_ids
from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.metadata.standard import DEMO, OrganisationSpec, blueprint

if TYPE_CHECKING:
    from moorage.crm.organisations.service import OrganisationRow, Organisations

# The first organisation has this prefix, because the specification's examples use it.
FIRST_PREFIX = 7_243_485


def new_id(used_ids: Collection[int]) -> int:
    """An id whose first seven digits no organisation has, or ever had."""
    used_prefixes = {identity // ID_SPACE for identity in used_ids}
    prefix = FIRST_PREFIX
    while prefix in used_prefixes:
        prefix = 1_000_000 + secrets.randbelow(8_000_000)
    return prefix * ID_SPACE + fixed_ids.ORGANISATION


class NewOrganisation(msgspec.Struct, frozen=True):
    """An organisation to create. `unique` has fields, as `Module.Field`, that can't have the same value twice."""

    slug: str
    name: str
    time_zone: str = "UTC"
    data_centre: str = "us"
    sample: bool = True
    unique: tuple[str, ...] = ()

    async def create(self, organisations: "Organisations") -> "OrganisationRow":
        """Raises OrganisationExists, OrganisationInvalid."""
        spec = replace(
            DEMO,
            name=self.name,
            domain=f"{self.slug}.example",
            time_zone=self.time_zone,
            unique=self.unique,
            data_centre=self.data_centre,
        )
        return await organisations.create(self.slug, spec, sample=self.sample)


def documents_of(spec: OrganisationSpec, identity: int, created: datetime) -> list[Document]:
    """The metadata of a new organisation. Raises OrganisationInvalid."""
    try:
        return blueprint(spec, identity // ID_SPACE, created, _numbers())
    except ValueError as error:
        raise OrganisationInvalid(f"The organisation can't be made: {error.args[0]}.") from error


def _numbers() -> Callable[[], int]:
    """The numbers at the end of the ids of metadata. Records have other numbers."""
    following = iter(range(fixed_ids.FIRST_NUMBER, fixed_ids.FIRST_USER))
    return lambda: next(following)
