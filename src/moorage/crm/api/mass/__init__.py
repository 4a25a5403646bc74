"""One action on many records: by their ids, or as a job for those of a view."""

from moorage.crm.api.mass import actions, change_owner

_FAMILIES = (actions, change_owner)
ROUTES = tuple(route for family in _FAMILIES for route in family.ROUTES)
