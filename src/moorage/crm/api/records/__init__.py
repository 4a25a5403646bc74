"""Records, one or a page of them: read, searched, written, and what is done with one of them."""

from moorage.crm.api.records import (
    blueprint,
    clone,
    full_data,
    locks,
    meetings,
    read,
    search,
    shares,
    tags,
    timeline,
    write,
)

_FAMILIES = (
    read,
    search,
    write,
    clone,
    full_data,
    tags,
    locks,
    meetings,
    shares,
    timeline,
    blueprint,
)
ROUTES = tuple(route for family in _FAMILIES for route in family.ROUTES)
