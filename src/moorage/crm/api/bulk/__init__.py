"""Whole files of records, read and written by jobs, and backups."""

from moorage.crm.api.bulk import backup, read, upload, write

_FAMILIES = (read, upload, write, backup)
ROUTES = tuple(route for family in _FAMILIES for route in family.ROUTES)
