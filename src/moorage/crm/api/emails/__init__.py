"""E-mails of records: sent, written as drafts, read."""

from moorage.crm.api.emails import drafts, reading, sending, settings

_FAMILIES = (reading, sending, drafts, settings)
ROUTES = tuple(route for family in _FAMILIES for route in family.ROUTES)
