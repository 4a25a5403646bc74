"""Records that become others: leads, quotes, sales orders."""

from moorage.crm.api.conversion import convert, mass, options

_FAMILIES = (convert, options, mass)
ROUTES = tuple(route for family in _FAMILIES for route in family.ROUTES)
