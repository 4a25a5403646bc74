"""The operations on custom views of Zoho's SDK, for zoho_sdk_actions.py."""

from zoho_sdk import params
from zohocrmsdk.src.com.zoho.crm.api.custom_views import (
    BodyWrapper,
    ChangeSortOrderOfCustomViewParam,
    CustomViews,
    CustomViewsOperations,
    GetCustomViewParam,
    GetCustomViewsParam,
    SortBy,
)
from zohocrmsdk.src.com.zoho.crm.api.util import Choice


def sort_a_view():
    """The code of a change of the order, and the order that the view has then."""
    operations = CustomViewsOperations()
    listed = operations.get_custom_views(params(GetCustomViewsParam, module="Leads")).get_object()
    view = listed.get_custom_views()[0].get_id()
    sort_by, change, wrapper = SortBy(), CustomViews(), BodyWrapper()
    columns = operations.get_custom_view(view, params(GetCustomViewParam, module="Leads")).get_object()
    column = columns.get_custom_views()[0].get_fields()[0]
    sort_by.set_api_name(column.get_api_name())
    sort_by.set_id(column.get_id())
    change.set_sort_by(sort_by)
    change.set_sort_order(Choice("desc"))
    wrapper.set_custom_views([change])
    module = params(ChangeSortOrderOfCustomViewParam, module="Leads")
    changed = operations.change_sort_order_of_custom_view(view, wrapper, module).get_object()
    code = changed.get_custom_views()[0].get_code().get_value()
    shown = operations.get_custom_view(view, params(GetCustomViewParam, module="Leads")).get_object()
    sorting = shown.get_custom_views()[0]
    is_kept = sorting.get_sort_by().get_api_name() == column.get_api_name()
    return [code, is_kept, sorting.get_sort_order().get_value()]
