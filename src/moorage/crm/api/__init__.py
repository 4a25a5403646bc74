"""The API's operations, one file per family."""

from collections.abc import Iterator

from moorage.crm.api import (
    custom_views,
    fields,
    layouts,
    modules,
    org,
    profiles,
    records,
    related_lists,
    roles,
    search,
    territories,
    users,
    write,
)
from moorage.crm.routing import Route


def routes() -> Iterator[Route]:
    """Every operation of the API."""
    families = (
        org,
        users,
        modules,
        fields,
        layouts,
        related_lists,
        custom_views,
        roles,
        profiles,
        territories,
        records,
        search,
        write,
    )
    for family in families:
        yield from family.ROUTES
