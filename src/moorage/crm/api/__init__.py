"""The API's operations: a file for each family, and a folder for families that belong together."""

from collections.abc import Iterator

from moorage.crm.api import (
    bulk,
    composite,
    conversion,
    coql,
    currencies,
    emails,
    features,
    files,
    mass,
    org,
    records,
    related,
    settings,
    user_changes,
    users,
    watch,
)
from moorage.crm.api.supported import supported_route
from moorage.crm.wire.routing import Route

_FAMILIES = (
    org,
    features,
    currencies,
    users,
    user_changes,
    settings,
    records,
    related,
    files,
    emails,
    conversion,
    mass,
    coql,
    bulk,
    composite,
    watch,
)


def routes() -> Iterator[Route]:
    """Every operation of the API."""
    known = [route for family in _FAMILIES for route in family.ROUTES]
    yield from known
    yield supported_route(known)
