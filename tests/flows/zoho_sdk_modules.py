"""Reads all there is about every module with Zoho's official Python SDK; prints what it found as one JSON object.

The SDK parses records by the metadata it reads first, so this fails where the two don't agree.
"""

import json
import sys

from zoho_sdk import connect, params
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.custom_views import (
    CustomViewsOperations,
    GetCustomViewParam,
    GetCustomViewsParam,
)
from zohocrmsdk.src.com.zoho.crm.api.fields import FieldsOperations, GetFieldsParam
from zohocrmsdk.src.com.zoho.crm.api.layouts import GetLayoutsParam, LayoutsOperations
from zohocrmsdk.src.com.zoho.crm.api.modules import ModulesOperations
from zohocrmsdk.src.com.zoho.crm.api.profiles import ProfilesOperations
from zohocrmsdk.src.com.zoho.crm.api.record import GetRecordsParam, RecordOperations, SearchRecordsParam
from zohocrmsdk.src.com.zoho.crm.api.related_lists import GetRelatedListsParam, RelatedListsOperations
from zohocrmsdk.src.com.zoho.crm.api.roles import RolesOperations
from zohocrmsdk.src.com.zoho.crm.api.users import GetUsersParam, UsersOperations


def size(answer, name):
    """The number of elements of an answer; 0 for an answer without content."""
    wrapper = answer.get_object()
    return len(getattr(wrapper, f"get_{name}")()) if wrapper is not None else 0


def about(module):
    fields = FieldsOperations().get_fields(params(GetFieldsParam, module=module))
    layouts = LayoutsOperations().get_layouts(params(GetLayoutsParam, module=module))
    related = RelatedListsOperations().get_related_lists(params(GetRelatedListsParam, module=module))
    views = CustomViewsOperations().get_custom_views(params(GetCustomViewsParam, module=module))
    alone = ModulesOperations().get_module_by_api_name(module).get_object().get_modules()[0]
    return {
        "fields": size(fields, "fields"),
        "layouts": size(layouts, "layouts"),
        "related_lists": size(related, "related_lists"),
        "views": size(views, "custom_views"),
        "columns": columns(module, views),
        "generated_type": alone.get_generated_type().get_value(),
        **records(module),
    }


def columns(module, views):
    """The number of columns of a module's first view."""
    if views.get_object() is None:
        return 0
    first = int(views.get_object().get_custom_views()[0].get_id())
    answer = CustomViewsOperations().get_custom_view(first, params(GetCustomViewParam, module=module))
    return len(answer.get_object().get_custom_views()[0].get_fields())


def records(module):
    """The latest record read alone and by a search: how many values it has each time."""
    operations = RecordOperations(module)
    listed = operations.get_records(params(GetRecordsParam, fields="id"), HeaderMap()).get_object()
    if listed is None:
        return {"records": 0}
    latest = listed.get_data()[0].get_id()
    alone = operations.get_record(latest, ParameterMap(), HeaderMap()).get_object().get_data()[0]
    search = params(SearchRecordsParam, criteria=f"(id:equals:{latest})")
    searched = operations.search_records(search, HeaderMap()).get_object().get_data()[0]
    return {
        "records": len(listed.get_data()),
        "alone": len(alone.get_key_values()),
        "searched": len(searched.get_key_values()),
    }


def people():
    users, roles, profiles = UsersOperations(), RolesOperations(), ProfilesOperations()
    kinds = ("AllUsers", "ActiveUsers", "DeactiveUsers", "DeletedUsers", "AdminUsers", "CurrentUser")
    users_by_kind = {
        kind: users.get_users(params(GetUsersParam, type=kind), HeaderMap()).get_object() for kind in kinds
    }
    current = users_by_kind["CurrentUser"].get_users()[0]
    manager = roles.get_roles().get_object().get_roles()[1]
    profile = profiles.get_profiles(ParameterMap()).get_object().get_profiles()[0]
    permissions = profiles.get_profile(int(profile.get_id())).get_object().get_profiles()[0]
    return {
        "users": {kind: len(answer.get_users()) for kind, answer in users_by_kind.items()},
        "current": users.get_user(int(current.get_id()), HeaderMap())
        .get_object()
        .get_users()[0]
        .get_full_name(),
        "reports_to": manager.get_reporting_to().get_name(),
        "permissions": len(permissions.get_permissions_details()) > 0,
    }


def main():
    connect(json.loads(sys.argv[1]))
    modules = ModulesOperations().get_modules().get_object().get_modules()
    supported = [module.get_api_name() for module in modules if module.get_api_supported()]
    report = {"modules": {name: about(name) for name in supported}}
    if "people" in sys.argv:
        report |= people()
    print(json.dumps(report))


main()
