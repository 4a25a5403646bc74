"""Files: attachments of records, files in fields, photos."""

from moorage.crm.api.files import attachments, field_files, org_photo, photos, uploads

_FAMILIES = (uploads, field_files, attachments, photos, org_photo)
ROUTES = tuple(route for family in _FAMILIES for route in family.ROUTES)
