"""Whole files of records, read and written by jobs."""

from moorage.crm.api.bulk import read, upload, write

_FAMILIES = (read, upload, write)
ROUTES = tuple(route for family in _FAMILIES for route in family.ROUTES)
