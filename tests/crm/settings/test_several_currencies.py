"""An organisation that has switched on several currencies, and its records."""

import pytest

from moorage.crm.metadata.currencies import CURRENCY, RATE

PATH = "org/currencies"
FIELDS = "Currency,Exchange_Rate,$currency_symbol"
BASE = {"iso_code": "USD", "name": "US Dollar - USD", "symbol": "US$"}


def enabled(crm, **base):
    return crm.post(f"{PATH}/actions/enable", {"base_currency": BASE | base})


def added(crm, *currencies):
    return crm.post(PATH, {"currencies": list(currencies)})


def with_euros(crm):
    assert enabled(crm).status == 200
    return added(crm, {"iso_code": "EUR", "exchange_rate": "0.92"}).json["currencies"][0]["details"]["id"]


def amounts(crm, module, record):
    shown = crm.only(f"{module}/{record}")
    return shown["Currency"], shown["Exchange_Rate"], shown["$currency_symbol"]


def test_one_currency_changes_nothing(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "Ash", CURRENCY: "EUR", RATE: 2})
    shown = crm.only(f"Leads/{lead}")
    assert CURRENCY not in shown and RATE not in shown and shown["$currency_symbol"] == "$"
    refused = added(crm, {"iso_code": "EUR", "exchange_rate": "0.92"})
    assert (refused.status, refused.json["code"]) == (403, "CURRENCIES_NOT_ENABLED")
    refused = crm.put(f"{PATH}/actions/enable", {"base_currency": {"symbol": "x"}})
    assert (refused.status, refused.json["code"]) == (403, "CURRENCIES_NOT_ENABLED")


def test_what_can_be_chosen_is_listed(crm):
    available = crm.get(f"{PATH}/actions/available_currencies").json["available_currencies"]
    assert {
        "display_value": "Japanese Yen - JPY",
        "decimal_separator": "Period",
        "symbol": "¥",
        "thousand_separator": "Comma",
        "display_name": "Japanese Yen",
        "iso_code": "JPY",
        "decimal_places": "0",
    } in available
    assert len(available) == len({each["iso_code"] for each in available}) > 140


def test_several_are_switched_on_once(crm):
    (single,) = crm.get(PATH).json["currencies"]
    answer = enabled(crm)
    assert answer.status == 200 and answer.json["base_currency"]["details"] == {"id": single["id"]}
    (base,) = crm.get(PATH).json["currencies"]
    assert base | {"created_time": "", "modified_time": ""} == single | {
        "symbol": "US$",
        "created_time": "",
        "modified_time": "",
    }
    org = crm.get("org").json["org"][0]
    assert org["mc_status"] is True and org["currency_symbol"] == "US$"
    again = enabled(crm)
    assert (again.status, again.json["base_currency"]["code"]) == (400, "ALREADY_ENABLED")


@pytest.mark.every_storage
def test_records_that_are_there_are_in_the_base_currency(crm):
    (product,) = crm.insert("Products", {"Product_Name": "Rope"})
    lead, deleted = crm.insert("Leads", {"Last_Name": "Ash"}, {"Last_Name": "Birch"})
    assert crm.delete(f"Leads/{deleted}").status == 200
    enabled(crm)
    assert amounts(crm, "Leads", lead) == ("USD", 1, "US$")
    assert crm.post(f"settings/recycle_bin/{deleted}/actions/restore", {}).status == 200
    assert amounts(crm, "Leads", deleted) == ("USD", 1, "US$")
    assert crm.only(f"Products/{product}")["$currency_symbol"] == "US$"
    names = [field["api_name"] for field in crm.get("settings/fields", module="Leads").json["fields"]]
    assert names[-2:] == [CURRENCY, RATE]
    assert [each["Last_Name"] for each in crm.get("Leads/search", word="Ash").data] == ["Ash"]
    assert crm.get("Leads/search", word="USD").status == 204


@pytest.mark.every_storage
def test_a_record_takes_the_rate_of_its_currency_at_the_time(crm):
    euro = with_euros(crm)
    plain, euros, own = crm.insert(
        "Deals",
        *({"Deal_Name": "d", "Stage": "Qualification", "Amount": 10, **more} for more in (
            {}, {CURRENCY: "EUR"}, {CURRENCY: "EUR", RATE: 0.5}
        )),
    )  # fmt: skip
    assert amounts(crm, "Deals", plain) == ("USD", 1, "US$")
    assert amounts(crm, "Deals", euros) == ("EUR", 0.92, "€")
    assert amounts(crm, "Deals", own) == ("EUR", 0.5, "€")
    assert crm.put(f"{PATH}/{euro}", {"currencies": [{"exchange_rate": 0.9}]}).status == 200
    for record, change in ((plain, {CURRENCY: "EUR"}), (euros, {"Amount": 20}), (own, {CURRENCY: None})):
        assert crm.put(f"Deals/{record}", {"data": [change]}).status == 200
    assert amounts(crm, "Deals", plain) == ("EUR", 0.9, "€")
    assert amounts(crm, "Deals", euros) == ("EUR", 0.92, "€")
    assert amounts(crm, "Deals", own) == ("USD", 1, "US$")
    found = crm.get("Deals/search", criteria="(Currency:equals:EUR)", fields=FIELDS).data
    assert {each["$currency_symbol"] for each in found} == {"€"} and len(found) == 2
    rows = crm.post("coql", {"select_query": "select Exchange_Rate from Deals where Currency = 'EUR'"}).data
    assert sorted(row[RATE] for row in rows) == [0.9, 0.92]


@pytest.mark.parametrize("change", [{CURRENCY: "GBP"}, {CURRENCY: "JPY"}, {RATE: 0}, {RATE: -1}])
def test_what_is_no_active_currency_and_no_rate_is_refused(crm, change):
    with_euros(crm)
    added(crm, {"iso_code": "JPY", "exchange_rate": "150", "is_active": False})
    (lead,) = crm.insert("Leads", {"Last_Name": "Ash", CURRENCY: "EUR"})
    for answer in (
        crm.post("Leads", {"data": [{"Last_Name": "Birch", **change}]}),
        crm.put(f"Leads/{lead}", {"data": [change]}),
    ):
        assert answer.data[0]["code"] == "INVALID_DATA"
        assert answer.data[0]["details"]["api_name"] == next(iter(change))
    assert amounts(crm, "Leads", lead) == ("EUR", 0.92, "€")


def test_a_record_keeps_a_currency_that_is_not_active_any_more(crm):
    euro = with_euros(crm)
    (lead,) = crm.insert("Leads", {"Last_Name": "Ash", CURRENCY: "EUR"})
    off = {"currencies": [{"id": euro, "is_active": False}]}
    assert crm.put(PATH, off).json["currencies"][0]["message"] == "The currency updated successfully."
    kept = {"data": [{"Last_Name": "Elm", CURRENCY: "EUR"}]}
    assert crm.put(f"Leads/{lead}", kept).status == 200
    fields = crm.get("settings/fields", module="Leads").json["fields"]
    (field,) = (each for each in fields if each["api_name"] == CURRENCY)
    assert [(o["actual_value"], o["type"]) for o in field["pick_list_values"]] == [
        ("USD", "used"),
        ("EUR", "unused"),
    ]


def test_the_currency_of_a_lead_goes_to_its_account_and_deal(crm):
    with_euros(crm)
    (lead,) = crm.insert("Leads", {"Last_Name": "Ash", "Company": "Quay", CURRENCY: "EUR", RATE: 0.5})
    deal = {"Deal_Name": "d", "Stage": "Qualification", "Closing_Date": "2026-03-01"}
    converted = crm.post(f"Leads/{lead}/actions/convert", {"data": [{"Deals": deal}]}).data[0]["details"]
    for module in ("Accounts", "Deals"):
        assert amounts(crm, module, converted[module]["id"]) == ("EUR", 0.5, "€")


@pytest.mark.parametrize(
    ("currency", "code", "name"),
    [
        ({"exchange_rate": "1"}, "MANDATORY_NOT_FOUND", "iso_code"),
        ({"iso_code": "XXX", "exchange_rate": "1"}, "INVALID_DATA", "iso_code"),
        ({"iso_code": "USD", "exchange_rate": "1"}, "DUPLICATE_DATA", "iso_code"),
        ({"iso_code": "EUR"}, "MANDATORY_NOT_FOUND", "exchange_rate"),
        ({"iso_code": "EUR", "exchange_rate": "0"}, "INVALID_DATA", "exchange_rate"),
        ({"iso_code": "EUR", "exchange_rate": 1e300}, "INVALID_DATA", "exchange_rate"),
        ({"iso_code": "EUR", "exchange_rate": "1", "symbol": " "}, "INVALID_DATA", "symbol"),
        (
            {"iso_code": "EUR", "exchange_rate": "1", "format": {"decimal_places": "1"}},
            "INVALID_DATA",
            "decimal_places",
        ),
        (
            {"iso_code": "EUR", "exchange_rate": "1", "format": {"decimal_separator": "Comma"}},
            "INVALID_DATA",
            "thousand_separator",
        ),
    ],
)
def test_a_currency_that_is_not_right_is_refused_alone(crm, currency, code, name):
    enabled(crm)
    answer = added(crm, currency, {"iso_code": "GBP", "exchange_rate": "0.8"})
    refused, good = answer.json["currencies"]
    assert (answer.status, refused["code"], refused["details"]["api_name"]) == (207, code, name)
    assert good["code"] == "SUCCESS"


def test_ten_can_be_active_and_the_base_stays(crm):
    enabled(crm)
    codes = ("AED", "ARS", "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "COP")
    assert added(crm, *({"iso_code": code, "exchange_rate": "2"} for code in codes)).status == 200
    more = added(crm, {"iso_code": "EUR", "exchange_rate": "2"}).json["currencies"][0]
    assert more["code"] == "ACTIVE_STATE_LIMIT_EXCEEDED" and more["details"]["limit"] == 10
    assert added(crm, {"iso_code": "EUR", "exchange_rate": "2", "is_active": False}).status == 200
    for change in ({"is_active": False}, {"exchange_rate": "2"}, {"iso_code": "EUR"}):
        refused = crm.put(f"{PATH}/actions/enable", {"base_currency": change})
        assert refused.json["base_currency"]["code"] == "NOT_ALLOWED"
    assert crm.put(f"{PATH}/actions/enable", {"base_currency": {"symbol": "$"}}).status == 200
    assert crm.get("org").json["org"][0]["currency_symbol"] == "$"


def test_a_field_of_the_same_name_is_named(crm):
    field = {"field_label": "Currency", "data_type": "text", "length": 9}
    assert crm.post("settings/fields", {"fields": [field]}, module="Quotes").status == 201
    refused = enabled(crm)
    assert (refused.status, refused.json["base_currency"]["code"]) == (400, "NOT_ALLOWED")
    assert refused.json["base_currency"]["details"] == {"module": "Quotes", "api_name": "Currency"}
    (lead,) = crm.insert("Leads", {"Last_Name": "Ash"})
    assert CURRENCY not in crm.only(f"Leads/{lead}")


def test_who_may_not_customize_changes_no_currency(crm, caller_of):
    colleague = caller_of("acme", user=2)
    assert enabled(colleague).status == 403
    with_euros(crm)
    assert added(colleague, {"iso_code": "GBP", "exchange_rate": "1"}).status == 403
    assert colleague.get(PATH).status == 200
