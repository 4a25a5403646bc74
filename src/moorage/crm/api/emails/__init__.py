"""E-mails of records: sent, written as drafts, read."""

from moorage.crm.api.emails import composing, downloads, drafts, reading, sending, settings, sharing

_FAMILIES = (reading, downloads, sending, drafts, sharing, settings, composing)
ROUTES = tuple(route for family in _FAMILIES for route in family.ROUTES)
