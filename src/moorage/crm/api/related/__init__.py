"""What belongs to a record: its related lists, its notes, and its relations with many others."""

from moorage.crm.api.related import contact_roles, counts, deleted, lists, notes, relations

_FAMILIES = (lists, notes, relations, contact_roles, counts, deleted)
ROUTES = tuple(route for family in _FAMILIES for route in family.ROUTES)
