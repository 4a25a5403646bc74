"""Quotes become sales orders and invoices, and sales orders become invoices, with their lines."""

import pytest

ALREADY = (400, "ID_ALREADY_CONVERTED", {"resource_path_index": 1})


@pytest.fixture
def quote(crm):
    (product,) = crm.insert("Products", {"Product_Name": "Buoy", "Unit_Price": 10})
    (account,) = crm.insert("Accounts", {"Account_Name": "Harbour"})
    lines = [
        {"Product_Name": {"id": product}, "Quantity": 3, "Discount": 5, "Description": "red"},
        {"Product_Name": {"id": product}, "Quantity": 1, "List_Price": 7.5},
    ]
    record = {
        "Subject": "Buoys", "Account_Name": {"id": account}, "Quoted_Items": lines, "Billing_City": "Kiel",
        "Adjustment": 1, "Tag": [{"name": "Sea"}],
    }  # fmt: skip
    return crm.insert("Quotes", record)[0]


def convert(caller, module, record, *names, **more):
    wanted = [{"module": {"api_name": name}, **more} for name in names]
    return caller.post(f"{module}/{record}/actions/convert", {"data": [{"convert_to": wanted}]})


@pytest.mark.every_storage
def test_a_quote_becomes_an_order_and_the_order_an_invoice(crm, quote):
    answer = convert(crm, "Quotes", quote, "Sales_Orders", carry_over_tags=True)
    assert answer.status == 200, answer.body
    outcome = answer.data[0]
    assert outcome["message"] == "The record has been converted successfully"
    order = crm.only(f"Sales_Orders/{outcome['details']['Sales_Orders']['id']}")
    assert outcome["details"] == {"Sales_Orders": {"name": "Buoys", "id": order["id"]}}
    assert (order["Quote_Name"]["id"], order["Billing_City"], order["Grand_Total"]) == (quote, "Kiel", 33.5)
    assert [tag["name"] for tag in order["Tag"]] == ["Sea"]
    lines = [(line["Quantity"], line["List_Price"], line["Description"]) for line in order["Ordered_Items"]]
    assert lines == [(3, 10, "red"), (1, 7.5, None)]
    invoice = convert(crm, "Sales_Orders", order["id"], "Invoices").data[0]["details"]["Invoices"]
    shown = crm.only(f"Invoices/{invoice['id']}")
    assert (shown["Sales_Order"]["id"], shown["Grand_Total"], shown["Tag"]) == (order["id"], 33.5, [])


def test_it_is_converted_into_each_module_once(crm, quote):
    first = convert(crm, "Quotes", quote, "Invoices", "Sales_Orders").data[0]["details"]
    assert set(first) == {"Invoices", "Sales_Orders"}
    again = convert(crm, "Quotes", quote, "Invoices")
    assert (again.status, again.json["code"], again.json["details"]) == ALREADY
    crm.delete(f"Invoices/{first['Invoices']['id']}")
    assert convert(crm, "Quotes", quote, "Invoices").status == 200


def test_what_is_wrong_is_named_and_nothing_is_written(crm, quote):
    path = f"Quotes/{quote}/actions/convert"
    twice = [{"module": {"api_name": "Invoices"}}] * 2
    for element, code, place in (
        ({}, "MANDATORY_NOT_FOUND", "$.data[0].convert_to"),
        ({"convert_to": {}}, "INVALID_DATA", "$.data[0].convert_to"),
        ({"convert_to": [{}]}, "MANDATORY_NOT_FOUND", "$.data[0].convert_to[0].module"),
        ({"convert_to": [{"module": {}}]}, "MANDATORY_NOT_FOUND", "$.data[0].convert_to[0].module.api_name"),
        ({"convert_to": [{"module": {"id": "1"}}]}, "INVALID_DATA", "$.data[0].convert_to[0].module.id"),
        ({"convert_to": twice}, "AMBIGUITY_DURING_PROCESSING", None),
        ("x", "INVALID_DATA", "$.data[0]"),
    ):
        answer = crm.post(path, {"data": [element]})
        assert (answer.status, answer.data[0]["code"], answer.data[0]["details"].get("json_path")) == (
            400, code, place,
        )  # fmt: skip
    crm.put(f"Quotes/{quote}", {"data": [{"Account_Name": None}]})
    answer = convert(crm, "Quotes", quote, "Invoices", "Sales_Orders")
    assert (answer.data[0]["code"], answer.data[0]["details"]["api_name"]) == (
        "MANDATORY_NOT_FOUND",
        "Account_Name",
    )
    assert crm.get("Invoices", fields="id").status == 204
    assert convert(crm, "Quotes", "12", "Invoices").json["details"] == {"resource_path_index": 1}


def test_it_needs_the_scope_of_what_it_makes(crm, quote, caller_of):
    caller = caller_of("acme", "ZohoCRM.modules.quotes.UPDATE,ZohoCRM.modules.invoices.CREATE")
    assert convert(caller, "Quotes", quote, "Sales_Orders").status == 401
    assert convert(caller, "Quotes", quote, "Invoices").status == 200
