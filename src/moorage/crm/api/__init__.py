"""The API's operations, one file per family."""

from collections.abc import Iterator

from moorage.crm.api import (
    contact_roles,
    coql,
    files,
    org,
    org_photo,
    users,
    watch,
)
from moorage.crm.api.bulk import read as bulk_read
from moorage.crm.api.bulk import upload
from moorage.crm.api.bulk import write as bulk_write
from moorage.crm.api.composite import requests as composite
from moorage.crm.api.records import (
    attachments,
    blueprint,
    change_owner,
    clone,
    conversion_options,
    convert,
    deleted_related,
    email_drafts,
    emails,
    field_files,
    full_data,
    locks,
    mass,
    mass_convert,
    notes,
    photos,
    read,
    related,
    related_counts,
    relations,
    search,
    send_mail,
    shares,
    timeline,
    write,
)
from moorage.crm.api.records import (
    tags as record_tags,
)
from moorage.crm.api.settings import (
    automation,
    business_hours,
    custom_views,
    duplicate_checks,
    field_changes,
    fields,
    layouts,
    modules,
    profiles,
    recycle_bin,
    related_lists,
    roles,
    tag_deletions,
    tags,
    territories,
    user_groups,
    variables,
    view_changes,
)
from moorage.crm.api.settings import emails as email_settings
from moorage.crm.api.supported import supported_route
from moorage.crm.wire.routing import Route

_FAMILIES = (
    org,
    users,
    watch,
    modules,
    fields,
    field_changes,
    layouts,
    related_lists,
    custom_views,
    view_changes,
    email_settings,
    roles,
    profiles,
    territories,
    automation,
    tags,
    user_groups,
    business_hours,
    duplicate_checks,
    variables,
    tag_deletions,
    recycle_bin,
    read,
    search,
    coql,
    write,
    notes,
    attachments,
    files,
    field_files,
    photos,
    org_photo,
    related,
    convert,
    emails,
    send_mail,
    email_drafts,
    conversion_options,
    clone,
    full_data,
    change_owner,
    mass,
    mass_convert,
    locks,
    bulk_read,
    contact_roles,
    relations,
    related_counts,
    deleted_related,
    record_tags,
    upload,
    bulk_write,
    composite,
    shares,
    timeline,
    blueprint,
)


def routes() -> Iterator[Route]:
    """Every operation of the API."""
    known = [route for family in _FAMILIES for route in family.ROUTES]
    yield from known
    yield supported_route(known)
