import pytest


@pytest.fixture
def lead(crm):
    return crm.insert("Leads", {"Last_Name": "Smith", "Company": "Acme", "Phone": "1"})[0]


def test_only_the_given_fields_change(crm, clock, lead):
    clock.advance(60)
    answer = crm.put("Leads", {"data": [{"id": lead, "Phone": "+1-555-9999"}]})
    assert answer.status == 200
    (outcome,) = answer.data
    assert outcome["message"] == "record updated" and outcome["details"]["id"] == lead
    assert outcome["details"]["Created_Time"] == "2026-02-06T01:10:56-08:00"
    assert outcome["details"]["Modified_Time"] == "2026-02-06T01:11:56-08:00"
    after = crm.only(f"Leads/{lead}")
    assert (after["Last_Name"], after["Company"], after["Phone"]) == ("Smith", "Acme", "+1-555-9999")


def test_an_update_says_who_made_it(crm, lead, caller_of):
    maker = crm.only(f"Leads/{lead}")["Modified_By"]["id"]
    other = caller_of("acme", user=1)
    (changed,) = other.put(f"Leads/{lead}", {"data": [{"Company": "New"}]}).data
    answer = crm.only(f"Leads/{lead}")
    assert answer["Modified_By"]["id"] == changed["details"]["Modified_By"]["id"] != maker
    assert answer["Created_By"]["id"] == changed["details"]["Created_By"]["id"] == maker


def test_the_single_form_takes_the_id_of_the_path(crm, lead):
    assert crm.put(f"Leads/{lead}", {"data": [{"id": "1", "Company": "New"}]}).status == 200
    assert crm.only(f"Leads/{lead}")["Company"] == "New"


def test_the_single_form_says_where_a_wrong_id_was(crm, lead):
    (contact,) = crm.insert("Contacts", {"Last_Name": "x"})
    for wrong in ("999", contact):
        answer = crm.put(f"Leads/{wrong}", {"data": [{"Company": "New"}]})
        assert answer.status == 400 and answer.data == [{
            "code": "INVALID_DATA", "details": {"resource_path_index": 1},
            "message": "the id given seems to be invalid", "status": "error",
        }]  # fmt: skip
    assert crm.put("Leads/abc", {"data": [{}]}).json["details"] == {"resource_path_index": 1}
    assert crm.put(f"Leads/{lead}", {"data": [{}, {}]}).json["details"]["maximum_length"] == 1
    assert crm.put(f"Leads/{lead}", {"data": [5]}).data[0]["details"]["expected_data_type"] == "jsonobject"


def test_null_empties_a_field_but_not_a_mandatory_one(crm, lead):
    assert crm.put(f"Leads/{lead}", {"data": [{"Company": None}]}).status == 200
    assert crm.only(f"Leads/{lead}")["Company"] is None
    answer = crm.put(f"Leads/{lead}", {"data": [{"Last_Name": None}]})
    assert answer.status == 400 and answer.data[0]["code"] == "MANDATORY_NOT_FOUND"


def test_an_id_is_needed_and_has_to_exist(crm, lead):
    records = [{"Company": "x"}, {"id": "999", "Company": "x"}, {"id": "abc"}, {"id": lead, "Company": "x"}]
    answer = crm.put("Leads", {"data": records})
    assert answer.status == 207
    assert [outcome["code"] for outcome in answer.data] == [
        "MANDATORY_NOT_FOUND",
        "INVALID_DATA",
        "INVALID_DATA",
        "SUCCESS",
    ]
    assert answer.data[1]["message"] == "the id given seems to be invalid"


def test_a_record_changed_since_is_left_alone(crm, clock, lead):
    before = "2026-02-06T09:10:00Z"
    answer = crm.put(f"Leads/{lead}", {"data": [{"Company": "x"}]}, {"If-Unmodified-Since": before})
    assert answer.status == 412 and answer.data[0]["code"] == "ALREADY_MODIFIED"
    assert crm.only(f"Leads/{lead}")["Company"] == "Acme"
    since = "2026-02-06T09:10:56Z"
    assert (
        crm.put(f"Leads/{lead}", {"data": [{"Company": "x"}]}, {"If-Unmodified-Since": since}).status == 200
    )


def test_values_are_appended_to_a_multiselect_when_asked(crm):
    (product,) = crm.insert("Products", {"Product_Name": "Rope", "Tax": ["Vat"]})
    crm.put(f"Products/{product}", {"data": [{"Tax": ["Sales Tax"], "$append_values": {"Tax": True}}]})
    assert crm.only(f"Products/{product}")["Tax"] == ["Vat", "Sales Tax"]
    crm.put(f"Products/{product}", {"data": [{"Tax": ["Common Tax"]}]})
    assert crm.only(f"Products/{product}")["Tax"] == ["Common Tax"]


def test_what_is_found_follows_the_change(crm, lead):
    crm.put(f"Leads/{lead}", {"data": [{"Last_Name": "Renamed"}]})
    assert crm.get("Leads/search", word="Smith").status == 204
    assert crm.get("Leads/search", word="Renamed").json["info"]["count"] == 1


def test_saying_again_what_is_already_so_works_nothing_out_anew(crm, clock):
    (task,) = crm.insert("Tasks", {"Subject": "x", "Status": "Completed"})
    (deal,) = crm.insert(
        "Deals", {"Deal_Name": "x", "Stage": "Qualification", "Probability": 55, "Amount": 100}
    )
    clock.advance(60)
    crm.put(f"Tasks/{task}", {"data": [{"Status": "Completed"}]})
    crm.put(f"Deals/{deal}", {"data": [{"Stage": "Qualification"}]})
    assert crm.only(f"Tasks/{task}")["Closed_Time"] == "2026-02-06T01:10:56-08:00"
    assert crm.only(f"Deals/{deal}")["Expected_Revenue"] == 55
    crm.put(f"Tasks/{task}", {"data": [{"Status": "In Progress"}]})
    crm.put(f"Deals/{deal}", {"data": [{"Stage": "Needs Analysis"}]})
    assert crm.only(f"Tasks/{task}")["Closed_Time"] is None
    assert crm.only(f"Deals/{deal}")["Expected_Revenue"] == 20
    crm.put(f"Deals/{deal}", {"data": [{"Stage": "Qualification", "Probability": 20}]})
    assert crm.only(f"Deals/{deal}")["Probability"] == 20


class TestLines:
    @pytest.fixture
    def quote(self, crm):
        (account,) = crm.insert("Accounts", {"Account_Name": "Acme"})
        (product,) = crm.insert("Products", {"Product_Name": "Rope", "Unit_Price": 10})
        lines = [{"Product_Name": product, "Quantity": 1}, {"Product_Name": product, "Quantity": 2}]
        return crm.insert("Quotes", {"Subject": "x", "Account_Name": account, "Quoted_Items": lines})[0]

    def lines(self, crm, quote):
        return crm.only(f"Quotes/{quote}")["Quoted_Items"]

    def test_a_row_with_an_id_changes_one_without_is_added_others_stay(self, crm, quote):
        first, second = self.lines(crm, quote)
        product = first["Product_Name"]["id"]
        change = [{"id": first["id"], "Quantity": 5}, {"Product_Name": product, "Quantity": 3}]
        assert crm.put(f"Quotes/{quote}", {"data": [{"Quoted_Items": change}]}).status == 200
        after = self.lines(crm, quote)
        assert [line["Quantity"] for line in after] == [5, 2, 3]
        assert after[1]["id"] == second["id"]
        assert crm.only(f"Quotes/{quote}")["Sub_Total"] == 100

    def test_delete_removes_one_row(self, crm, quote):
        first, second = self.lines(crm, quote)
        crm.put(f"Quotes/{quote}", {"data": [{"Quoted_Items": [{"id": first["id"], "_delete": None}]}]})
        assert [line["id"] for line in self.lines(crm, quote)] == [second["id"]]

    def test_a_row_of_another_quote_is_refused_and_nothing_changes(self, crm, quote):
        answer = crm.put(
            f"Quotes/{quote}", {"data": [{"Subject": "y", "Quoted_Items": [{"id": "12", "Quantity": 9}]}]}
        )
        assert answer.status == 400
        assert answer.data[0]["details"]["json_path"] == "$.data[0].Quoted_Items[0].id"
        assert crm.only(f"Quotes/{quote}")["Subject"] == "x"

    @pytest.mark.parametrize("own", [{"Quantity": 99}, {"_delete": None}])
    def test_a_wrong_row_leaves_those_before_it_as_they_were(self, crm, quote, own):
        before = self.lines(crm, quote)
        product = before[0]["Product_Name"]["id"]
        rows = [{"id": before[0]["id"], **own}, {"Product_Name": product, "Quantity": 7}, {"id": "12"}]
        answer = crm.put(f"Quotes/{quote}", {"data": [{"Quoted_Items": rows}]})
        assert answer.status == 400
        assert answer.data[0]["details"]["json_path"] == "$.data[0].Quoted_Items[2].id"
        assert self.lines(crm, quote) == before

    def test_the_last_rows_of_a_mandatory_subform_stay(self, crm, quote):
        before = self.lines(crm, quote)
        for rows in ([], [{"id": line["id"], "_delete": None} for line in before]):
            (outcome,) = crm.put(f"Quotes/{quote}", {"data": [{"Quoted_Items": rows}]}).data
            assert outcome["code"] == "MANDATORY_NOT_FOUND"
            place = {"api_name": "Quoted_Items", "json_path": "$.data[0].Quoted_Items"}
            assert outcome["details"] == place | {"id": quote}
        assert self.lines(crm, quote) == before

    def test_a_row_changed_and_then_removed_is_removed(self, crm, quote):
        first, second = self.lines(crm, quote)
        rows = [{"id": first["id"], "Quantity": 5}, {"id": first["id"], "_delete": None}]
        assert crm.put(f"Quotes/{quote}", {"data": [{"Quoted_Items": rows}]}).status == 200
        assert self.lines(crm, quote) == [second]
        assert crm.only(f"Quotes/{quote}")["Sub_Total"] == 20

    def test_two_hundred_rows_are_the_most_however_they_came(self, crm, quote):
        product = self.lines(crm, quote)[0]["Product_Name"]["id"]
        rows = [{"Product_Name": product, "Quantity": 1}]
        (outcome,) = crm.put(f"Quotes/{quote}", {"data": [{"Quoted_Items": rows * 199}]}).data
        assert outcome["details"] == {
            "maximum_length": 200, "api_name": "Quoted_Items", "json_path": "$.data[0].Quoted_Items",
        }  # fmt: skip
        assert len(self.lines(crm, quote)) == 2
        assert crm.put(f"Quotes/{quote}", {"data": [{"Quoted_Items": rows * 198}]}).status == 200
        assert len(self.lines(crm, quote)) == 200
