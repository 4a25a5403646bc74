"""The operations on settings of Zoho's SDK, for zoho_sdk_actions.py."""

from zoho_sdk import params
from zohocrmsdk.src.com.zoho.crm.api.fiscal_year import BodyWrapper as FiscalYearBody
from zohocrmsdk.src.com.zoho.crm.api.fiscal_year import FiscalYearOperations, Year
from zohocrmsdk.src.com.zoho.crm.api.global_picklists import BodyWrapper as PicklistBody
from zohocrmsdk.src.com.zoho.crm.api.global_picklists import (
    GlobalPicklistsOperations,
    Picklist,
    PickListValues,
    ReplaceBodyWrapper,
    ReplacePicklistValue,
    ReplacePicklistValues,
)
from zohocrmsdk.src.com.zoho.crm.api.layouts import GetLayoutsParam, LayoutsOperations
from zohocrmsdk.src.com.zoho.crm.api.pipeline import BodyWrapper as PipelineBody
from zohocrmsdk.src.com.zoho.crm.api.pipeline import Maps, Pipeline, PipelineOperations
from zohocrmsdk.src.com.zoho.crm.api.roles import BodyWrapper as RoleBody
from zohocrmsdk.src.com.zoho.crm.api.roles import DeleteRoleParam, RolesOperations
from zohocrmsdk.src.com.zoho.crm.api.roles import Role as NewRole
from zohocrmsdk.src.com.zoho.crm.api.users import BodyWrapper as UserBody
from zohocrmsdk.src.com.zoho.crm.api.users import Profile, Role, Users, UsersOperations
from zohocrmsdk.src.com.zoho.crm.api.util import Choice


def code(response):
    return response.get_code().get_value()


def change_picklist():
    """The codes of a picklist made, replaced and deleted, and the names of its options."""
    operations, picklist, wrapper = GlobalPicklistsOperations(), Picklist(), PicklistBody()
    options = []
    for name in ("North", "South"):
        option = PickListValues()
        option.set_display_value(name)
        options.append(option)
    picklist.set_display_label("Regions")
    picklist.set_pick_list_values(options)
    wrapper.set_global_picklists([picklist])
    made = operations.create_global_picklist(wrapper).get_object().get_global_picklists()[0]
    identity = int(made.get_details()["id"])
    shown = operations.get_global_picklist(identity).get_object().get_global_picklists()[0]
    names = [option.get_display_value() for option in shown.get_pick_list_values()]
    replaced = operations.replace_picklist_values(identity, replacement("North", "South")).get_object()
    deleted = operations.delete_global_picklist(identity).get_object().get_global_picklists()[0]
    return [code(made), names, code(replaced.get_replace_picklist_values()[0]), code(deleted)]


def replacement(old, new):
    values, wrapper, pair = [], ReplaceBodyWrapper(), ReplacePicklistValues()
    for name in (old, new):
        value = ReplacePicklistValue()
        value.set_display_value(name)
        values.append(value)
    pair.set_old_value(values[0])
    pair.set_new_value(values[1])
    wrapper.set_replace_picklist_values([pair])
    return wrapper


def make_pipeline():
    """The code of a pipeline made of one stage, and the labels of all."""
    layouts = LayoutsOperations().get_layouts(params(GetLayoutsParam, module="Deals")).get_object()
    operations = PipelineOperations(layouts.get_layouts()[0].get_id())
    standard = operations.get_pipelines().get_object().get_pipeline()[0]
    pipeline, stage, wrapper = Pipeline(), Maps(), PipelineBody()
    stage.set_id(standard.get_maps()[0].get_id())
    stage.set_display_value(standard.get_maps()[0].get_display_value())
    stage.set_sequence_number(1)
    pipeline.set_display_value("Renewals")
    pipeline.set_maps([stage])
    wrapper.set_pipeline([pipeline])
    made = operations.create_pipeline(wrapper).get_object().get_pipeline()[0]
    known = operations.get_pipelines().get_object().get_pipeline()
    return [code(made), [each.get_display_value() for each in known]]


def change_user():
    """The codes of a user added, changed and deleted."""
    operations, user, wrapper = UsersOperations(), Users(), UserBody()
    first = operations.get_users().get_object().get_users()[0]
    role, profile = Role(), Profile()
    role.set_id(first.get_role().get_id())
    profile.set_id(first.get_profile().get_id())
    user.set_last_name("Okoye")
    user.set_email("nia@sdk.example")
    user.set_role(role)
    user.set_profile(profile)
    wrapper.set_users([user])
    added = operations.create_users(wrapper).get_object().get_users()[0]
    identity, change, changes = added.get_details()["id"], Users(), UserBody()
    change.set_first_name("Nia")
    changes.set_users([change])
    changed = operations.update_user(identity, changes).get_object().get_users()[0]
    deleted = operations.delete_user(identity).get_object().get_users()[0]
    return [code(each) for each in (added, changed, deleted)]


def change_role():
    """The codes of a role made and deleted."""
    operations, role, wrapper = RolesOperations(), NewRole(), RoleBody()
    first = operations.get_roles().get_object().get_roles()[0]
    role.set_name("Regional manager")
    wrapper.set_roles([role])
    made = operations.create_roles(wrapper).get_object().get_roles()[0]
    heir = params(DeleteRoleParam, transfer_to_id=first.get_id())
    deleted = operations.delete_role(made.get_details()["id"], heir).get_object().get_roles()[0]
    return [code(each) for each in (made, deleted)]


def change_year():
    """The code of a change of the fiscal year, and the month that it begins with then."""
    operations, year, wrapper = FiscalYearOperations(), Year(), FiscalYearBody()
    year.set_start_month(Choice("April"))
    year.set_display_based_on(Choice("start_month"))
    wrapper.set_fiscal_year(year)
    changed = operations.update_fiscal_year(wrapper).get_object().get_fiscal_year()
    shown = operations.get_fiscal_year().get_object().get_fiscal_year()
    return [code(changed), shown.get_start_month().get_value()]


def change_settings():
    return {
        "picklist": change_picklist(),
        "pipeline": make_pipeline(),
        "user": change_user(),
        "role": change_role(),
        "year": change_year(),
    }
