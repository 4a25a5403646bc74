"""One action on many records: by their ids, or as a job for those of a view; and many that become one."""

from moorage.crm.api.mass import actions, change_owner, merge

_FAMILIES = (actions, change_owner, merge)
ROUTES = tuple(route for family in _FAMILIES for route in family.ROUTES)
