"""Every key the documentation's samples show is there, with a value of the same type."""

import pytest

ID = "19 digits"

REFERENCE = {"name": str, "id": ID}

ORG = {
    "id": ID,
    "company_name": str,
    "domain_name": str,
    "primary_email": str,
    "phone": str,
    "currency": "US Dollar - USD",
    "currency_symbol": "$",
    "iso_code": "USD",
    "time_zone": str,
    "country_code": "US",
    "zgid": str,
    "type": "production",
    "mc_status": False,
    "license_details": {
        "paid": True,
        "paid_type": "enterprise",
        "users_license_purchased": 10,
        "trial_expiry": None,
    },
}
USER = {
    "id": ID,
    "first_name": str,
    "last_name": str,
    "full_name": str,
    "email": str,
    "status": "active",
    "confirm": True,
    "role": REFERENCE,
    "profile": REFERENCE,
    "time_zone": str,
    "country": "US",
    "locale": "en_US",
}
LEADS = {
    "api_name": "Leads",
    "module_name": "Leads",
    "singular_label": "Lead",
    "plural_label": "Leads",
    "api_supported": True,
    "creatable": True,
    "editable": True,
    "deletable": True,
    "viewable": True,
    "status": "visible",
    "generated_type": "default",
    "id": ID,
    "profiles": [{"name": "Administrator", "id": ID}],
}
LAST_NAME = {
    "api_name": "Last_Name",
    "field_label": "Last Name",
    "data_type": "text",
    "system_mandatory": True,
    "custom_field": False,
    "visible": True,
    "searchable": True,
    "sortable": True,
    "id": ID,
}
LAYOUT = {
    "id": ID,
    "name": "Standard",
    "api_name": "Standard",
    "status": "active",
    "visible": True,
    "profiles": [{"name": "Administrator", "id": ID}],
    "sections": [{"display_label": str, "api_name": str, "sequence_number": 1, "fields": [LAST_NAME.keys()]}],
}
CEO = {
    "id": ID,
    "name": "CEO",
    "display_label": "CEO",
    "share_with_peers": True,
    "description": None,
    "reporting_to": None,
}
MANAGER = CEO | {
    "name": "Manager",
    "display_label": "Manager",
    "share_with_peers": False,
    "reporting_to": {"name": "CEO", "id": ID},
}
ADMINISTRATOR = {
    "id": ID,
    "name": "Administrator",
    "display_label": "Administrator",
    "type": "normal_profile",
    "custom": False,
    "description": None,
}


def agrees(shown, sample) -> bool:
    """Whether what is shown has all the sample has: a type stands for any value of it, a list for its first."""
    if sample == ID:
        return isinstance(shown, str) and shown.isdigit() and len(shown) == 19
    if isinstance(sample, type):
        return isinstance(shown, sample)
    if isinstance(sample, dict):
        return all(key in shown and agrees(shown[key], value) for key, value in sample.items())
    if isinstance(sample, list):
        return agrees(shown[0], sample[0])
    if isinstance(sample, type({}.keys())):
        return set(sample) <= set(shown)
    return shown == sample


@pytest.mark.parametrize(
    ("target", "envelope", "place", "sample"),
    [
        ("org", "org", 0, ORG),
        ("users?type=AllUsers", "users", 0, USER),
        ("settings/modules/Leads", "modules", 0, LEADS),
        ("settings/layouts?module=Leads", "layouts", 0, LAYOUT),
        ("settings/roles", "roles", 0, CEO),
        ("settings/roles", "roles", 1, MANAGER),
        ("settings/profiles", "profiles", 0, ADMINISTRATOR),
        (
            "settings/profiles",
            "profiles",
            1,
            ADMINISTRATOR | {"name": "Standard", "display_label": "Standard"},
        ),
    ],
)
def test_it_looks_like_the_sample(read, target, envelope, place, sample):
    assert agrees(read(target)[envelope][place], sample)


def test_the_list_of_modules_looks_like_the_sample(read):
    leads = next(m for m in read("settings/modules")["modules"] if m["api_name"] == "Leads")
    assert agrees(leads, LEADS)


def test_a_field_looks_like_the_sample(read):
    fields = read("settings/fields?module=Leads")["fields"]
    assert agrees(next(f for f in fields if f["api_name"] == "Last_Name"), LAST_NAME)


def test_the_info_of_users_looks_like_the_sample(read):
    info = read("users")["info"]
    assert set(info) == {"per_page", "count", "page", "more_records"}
    assert (info["per_page"], info["page"], info["more_records"]) == (200, 1, False)


FIELD_KEYS = """
    id api_name field_label display_label data_type json_type length ui_type display_type type created_source
    custom_field system_mandatory read_only field_read_only visible virtual_field webhook searchable sortable
    filterable mass_update businesscard_supported display_field separator hipaa_compliance_enabled
    hipaa_compliance private crypt tooltip enable_colour_code colour_code_enabled_by_system
    pick_list_values_sorted_lexically pick_list_values global_picklist history_tracking decimal_place formula
    currency lookup multiselectlookup multi_module_lookup auto_number rollup_summary unique external
    associated_module association_details customizable_properties convert_mapping email_parser operation_type
    view_type layout_associations profiles created_time modified_time
"""
MODULE_KEYS = """
    id api_name module_name singular_label plural_label actual_singular_label actual_plural_label generated_type
    api_supported status visibility creatable editable deletable viewable convertable quick_create show_as_tab
    presence_sub_menu sub_menu_available feeds_required recycle_bin_on_delete global_search_supported lookupable
    isBlueprintSupported public_fields_configured has_more_profiles profile_count business_card_field_limit
    sequence_number access_type profiles modified_by modified_time parent_module arguments web_link description
    private_profile
"""
USER_KEYS = """
    id full_name first_name last_name email zuid status status_reason__s confirm role profile created_by
    Modified_By created_time Modified_Time Reporting_To alias phone mobile fax website dob street city state zip
    country country_locale locale language time_zone offset date_format time_format number_separator
    decimal_separator name_format__s sort_order_preference__s type__s signature personal_account microsoft
    sandboxDeveloper Isonline default_tab_group category
"""
RELATED_LIST_KEYS = """
    id api_name name display_label sequence_number module type href action customize_sort customize_fields
    customize_display_label status
"""
LAYOUT_KEYS = """
    id name display_label api_name status visible source generated_type show_business_card has_more_profiles
    created_for created_time modified_time created_by modified_by profiles actions_allowed convert_mapping sections
"""
VIEW_KEYS = """
    id name display_value system_name system_defined default category created_time modified_time
    last_accessed_time created_by modified_by favorite locked
"""


@pytest.mark.parametrize(
    ("target", "envelope", "keys"),
    [
        ("settings/fields?module=Contacts", "fields", FIELD_KEYS),
        ("settings/modules", "modules", MODULE_KEYS),
        ("users", "users", USER_KEYS),
        ("settings/related_lists?module=Leads", "related_lists", RELATED_LIST_KEYS),
        ("settings/layouts?module=Deals", "layouts", LAYOUT_KEYS),
        ("settings/custom_views?module=Deals", "custom_views", VIEW_KEYS),
    ],
)
def test_every_element_has_every_key(read, target, envelope, keys):
    for element in read(target)[envelope]:
        assert set(keys.split()) - set(element) == set()
