"""What an organisation is made of: modules, fields, layouts, views, roles, profiles, and what they share."""

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

_FAMILIES = (
    modules,
    fields,
    field_changes,
    layouts,
    related_lists,
    custom_views,
    view_changes,
    tags,
    tag_deletions,
    roles,
    profiles,
    user_groups,
    territories,
    business_hours,
    duplicate_checks,
    automation,
    variables,
    recycle_bin,
)
ROUTES = tuple(route for family in _FAMILIES for route in family.ROUTES)
