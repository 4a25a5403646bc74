"""The lines of quotes, orders and invoices in v2: `Product_Details`."""

import pytest

ORDERS = {
    "Quotes": "Quoted_Items",
    "Sales_Orders": "Ordered_Items",
    "Purchase_Orders": "Purchase_Items",
    "Invoices": "Invoiced_Items",
}


@pytest.fixture
def products(crm):
    records = [
        {"Product_Name": "Oar", "Product_Code": "OA-1", "Unit_Price": 40, "Qty_in_Stock": 7},
        {"Product_Name": "Rope", "Unit_Price": 5},
    ]
    return crm.insert("Products", *records)


@pytest.fixture
def quote(crm, products):
    account, vendor = (
        crm.insert("Accounts", {"Account_Name": "Acme"}),
        crm.insert("Vendors", {"Vendor_Name": "V"}),
    )
    links = {"Account_Name": {"id": account[0]}, "Vendor_Name": {"id": vendor[0]}}

    def make(module="quotes", *lines):
        record = {"Subject": "S", **links, "Product_Details": list(lines)}
        return crm.post(f"/crm/v2/{module}", {"data": [record]})

    return make


def lines_of(crm, record, module="Quotes"):
    return crm.only(f"/crm/v2/{module}/{record}")["Product_Details"]


def test_lines_are_written_and_read_by_their_old_names(crm, products, quote):
    for module, field in ORDERS.items():
        line = {
            "product": {"id": products[0]},
            "quantity": 2,
            "list_price": 30,
            "Discount": "6.5",
            "product_description": "Ash",
        }
        quote_sent = quote(module.lower(), line, {"product": products[1], "quantity": 1})
        assert quote_sent.status == 201, quote_sent.body
        record = quote_sent.data[0]["details"]["id"]
        first, second = lines_of(crm, record, module)
        assert first | {"id": "", "line_tax": None} == {
            "id": "",
            "product": {"Product_Code": "OA-1", "name": "Oar", "id": products[0]},
            "quantity": 2,
            "list_price": 30,
            "Discount": 6.5,
            "Tax": first["Tax"],
            "line_tax": None,
            "product_description": "Ash",
            "book": None,
            "total": 60,
            "total_after_discount": 53.5,
            "net_total": 53.5,
            "unit_price": 40,
            "quantity_in_stock": 7,
        }
        assert (second["list_price"], second["product"]["Product_Code"]) == (5, None)
        assert crm.only(f"/crm/v2/{module}/{record}")["$has_more"] == {"Product_Details": False}
        assert field not in crm.only(f"/crm/v2/{module}/{record}")
        assert crm.only(f"/crm/v2/{module}/{record}", fields="Product_Details,Subject")["Product_Details"]
        newer = crm.only(f"/crm/v2.1/{module}/{record}")
        assert [row["Product_Name"]["name"] for row in newer[field]] == ["Oar", "Rope"]
        assert "Product_Details" not in newer


def test_an_update_has_all_the_lines(crm, products, quote):
    oar, rope = ({"product": {"id": product}, "quantity": 1} for product in products)
    record = quote("quotes", oar, rope).data[0]["details"]["id"]
    first, second = lines_of(crm, record)
    kept = {"id": first["id"], "quantity": 3}
    changed = crm.put(f"/crm/v2/Quotes/{record}", {"data": [{"Product_Details": [kept, rope]}]})
    assert changed.status == 200, changed.body
    lines = lines_of(crm, record)
    assert [(line["product"]["name"], line["quantity"]) for line in lines] == [("Oar", 3), ("Rope", 1)]
    assert lines[0]["id"] == first["id"] and lines[1]["id"] != second["id"]
    # In every later version lines are added to those there are.
    crm.put(
        f"/crm/v3/Quotes/{record}",
        {"data": [{"Quoted_Items": [{"Product_Name": products[1], "Quantity": 5}]}]},
    )
    assert [line["quantity"] for line in lines_of(crm, record)] == [3, 1, 5]
    # An update that says nothing of them leaves them.
    crm.put("/crm/v2/Quotes", {"data": [{"id": record, "Subject": "T"}]})
    assert len(lines_of(crm, record)) == 3


def test_a_record_can_be_sent_back_as_it_was_read(crm, products, quote):
    record = quote("quotes", {"product": {"id": products[0]}, "quantity": 2}).data[0]["details"]["id"]
    before = crm.only(f"/crm/v2/Quotes/{record}")
    answer = crm.put("/crm/v2/Quotes", {"data": [before]})
    assert answer.status == 200, answer.body
    assert lines_of(crm, record) == before["Product_Details"]


def test_what_is_wrong_with_a_line_is_told_by_its_old_names(crm, products, quote):
    nobody = {"product": {"id": "1"}, "quantity": 1}
    refused = quote("quotes", {"product": {"id": products[0]}, "quantity": 1}, nobody)
    assert refused.status == 202
    assert refused.data[0]["details"] == {
        "api_name": "product",
        "json_path": "$.data[0].Product_Details[1].product",
    }
    wrong = quote("invoices", {"product": {"id": products[0]}, "quantity": "two", "Discount": "5%"}).data[0]
    assert wrong["details"]["json_path"] == "$.data[0].Product_Details[0].quantity"
    missing = crm.post("/crm/v2/quotes", {"data": [{"Subject": "S"}]}).data[0]
    assert missing["code"] == "MANDATORY_NOT_FOUND"


@pytest.mark.parametrize("lines", ["x", {}, [1], [[]], [None], None, []])
def test_values_that_are_not_lines_are_refused(quote, crm, lines):
    account = crm.insert("Accounts", {"Account_Name": "Other"})[0]
    record = {"Subject": "S", "Account_Name": {"id": account}, "Product_Details": lines}
    answer = crm.post("/crm/v2/Quotes", {"data": [record]})
    assert answer.status == 202
    assert answer.data[0]["details"]["json_path"].startswith("$.data[0].Product_Details")
    assert answer.data[0]["details"]["api_name"] == "Product_Details"


def test_the_fields_of_a_module_name_it(crm):
    for module, field in ORDERS.items():
        for answer in (
            crm.get("/crm/v2/settings/fields", module=module).json["fields"],
            [
                field_shown
                for section in crm.get("/crm/v2/settings/layouts", module=module).json["layouts"][0][
                    "sections"
                ]
                for field_shown in section["fields"]
            ],
        ):
            names = [field_shown["api_name"] for field_shown in answer]
            assert "Product_Details" in names and field not in names


def test_a_body_that_is_too_much_is_refused_before_its_lines_are_looked_at(crm):
    for version in ("v2", "v8"):
        lines = [{"product": {"id": "1"}}] * 6_000
        answer = crm.post(f"/crm/{version}/Quotes", {"data": [{"Subject": "S", "Product_Details": lines}]})
        assert (answer.status, answer.json["code"]) == (413, "BODY_SIZE_REACHED")
