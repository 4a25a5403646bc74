"""The one currency and the territories of an organisation, as programs that copy everything read them."""

import json

import pytest

from moorage.crm.api import routes
from moorage.crm.metadata.standard import Currency


def test_the_organisations_currency_is_its_only_one(crm):
    (currency,) = crm.get("org/currencies").json["currencies"]
    created = crm.get("org").json["org"][0]["created_time"]
    owner = crm.get("users", type="CurrentUser").json["users"][0]
    assert currency | {"id": "", "format": {}} == {
        "id": "",
        "name": "US Dollar - USD",
        "iso_code": "USD",
        "symbol": "$",
        "prefix_symbol": True,
        "is_base": True,
        "is_active": True,
        "exchange_rate": "1.000000000",
        "format": {},
        "created_time": created,
        "modified_time": created,
        "created_by": {"name": owner["full_name"], "id": owner["id"]},
        "modified_by": {"name": owner["full_name"], "id": owner["id"]},
    }
    assert currency["format"] == {
        "decimal_separator": "Period",
        "thousand_separator": "Comma",
        "decimal_places": "2",
    }


def test_its_currency_is_the_one_the_organisation_was_made_with(make_organisation, caller_of):
    make_organisation("quay", currency=Currency("Euro", "EUR", "€"))
    (currency,) = caller_of("quay").get("org/currencies").json["currencies"]
    assert (currency["iso_code"], currency["symbol"], currency["name"]) == ("EUR", "€", "Euro - EUR")


def test_the_currencys_id_is_no_other_documents(service, crm):
    (currency,) = crm.get("org/currencies").json["currencies"]
    metadata = service.organisations.open(crm.organisation).metadata
    assert len(currency["id"]) == 19 and int(currency["id"]) not in metadata._by_id


def test_there_are_no_territories(crm):
    answer = crm.get("settings/territories")
    assert (answer.status, answer.body) == (204, b"")


def test_the_currency_is_found_by_its_id(crm):
    currencies = crm.get("org/currencies").json
    assert crm.get(f"org/currencies/{currencies['currencies'][0]['id']}").json == currencies
    assert crm.get("org/currencies/1").status == 204
    assert crm.get("org/currencies/x").json["details"] == {"resource_path_index": 2}


@pytest.mark.parametrize(
    ("path", "index"),
    [
        ("settings/territories/{}", 2),
        ("settings/user_groups/{}", 2),
        ("settings/territories/{}/users", 2),
        ("settings/territories/5/users/{}", 4),
        ("settings/user_groups/{}/associated_users/actions/grouped_counts", 2),
        ("users/{}/actions/associated_groups", 1),
        ("users/5/territories/{}", 3),
    ],
)
def test_of_what_there_is_none_nothing_is_found(kept_crm, path, index):
    assert kept_crm.get(path.format("1")).status == 204
    assert kept_crm.get(path.format("x")).json["details"] == {"resource_path_index": index}


def test_lists_and_settings_that_nobody_has_made_are_empty(crm):
    for path in ("settings/user_groups", "settings/business_hours"):
        assert crm.get(path).status == 204
    assert crm.get("settings/duplicate_check_preference", module="Leads").status == 204
    assert crm.get("settings/duplicate_check_preference", module="No").json["code"] == "INVALID_MODULE"
    assert crm.get("settings/duplicate_check_preference").json["code"] == "REQUIRED_PARAM_MISSING"


def test_the_list_of_calls_has_each_with_its_scopes(crm):
    listed = {entry["path"]: entry["operation_types"] for entry in crm.get("__apis").json["__apis"]}
    shown = {(operation["method"], path) for path, operations in listed.items() for operation in operations}
    assert shown == {(route.method, route.pattern) for route in routes()}
    [inserting] = [each for each in listed["/crm/v8/{module}"] if each["method"] == "POST"]
    assert inserting == {
        "method": "POST",
        "oauth_scope": "ZohoCRM.modules.{module}.CREATE",
        "max_credits": 10,
        "min_credits": 1,
    }
    active = {"field": {"api_name": "status"}, "comparator": "equals", "value": "Active"}
    assert crm.get("__apis", filters=json.dumps(active)).status == 200
    assert crm.get("__apis", filters=json.dumps(active | {"value": "Deprecated"})).status == 204
    assert crm.get("__apis", filters="{").json["details"]["param_name"] == "filters"


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("org/currencies", "ZohoCRM.settings.currencies.READ"),
        ("settings/territories", "ZohoCRM.settings.territories.READ"),
    ],
)
def test_each_needs_its_scope(crm, caller_of, nobody, path, scope):
    assert caller_of("acme", scope).get(path).status < 300
    assert caller_of("acme", "ZohoCRM.org.READ").get(path).json["code"] == "OAUTH_SCOPE_MISMATCH"
    assert nobody.get(path).status == 401


def test_a_field_names_its_section_by_a_small_number(crm):
    sections = crm.get("settings/layouts", module="Leads").json["layouts"][0]["sections"]
    for section in sections:
        assert {field["section_id"] for field in section["fields"]} <= {section["sequence_number"]}
    assert len({section["sequence_number"] for section in sections}) == len(sections)
