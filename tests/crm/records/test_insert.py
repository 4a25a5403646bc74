import pytest


def test_it_answers_201_with_the_details_the_api_documents(crm):
    answer = crm.post("Leads", {"data": [{"Last_Name": "Smith", "First_Name": "John", "Company": "Acme"}]})
    assert answer.status == 201
    (outcome,) = answer.data
    assert (
        outcome["code"] == "SUCCESS"
        and outcome["message"] == "record added"
        and outcome["status"] == "success"
    )
    assert outcome["details"].keys() == {"Modified_Time", "Modified_By", "Created_Time", "id", "Created_By"}
    assert outcome["details"]["Created_Time"] == "2026-02-06T01:10:56-08:00"
    assert outcome["details"]["Created_By"].keys() == {"name", "id"}


def test_ids_rise_and_share_the_organisations_prefix(crm):
    ids = crm.insert("Leads", {"Last_Name": "A"}, {"Last_Name": "B"}) + crm.insert(
        "Leads", {"Last_Name": "C"}
    )
    assert [len(record_id) for record_id in ids] == [19, 19, 19]
    assert sorted(ids) == ids and len({record_id[:7] for record_id in ids}) == 1


def test_records_succeed_and_fail_alone_in_the_order_sent(crm):
    records = [{"Last_Name": "Good"}, {"First_Name": "No last name"}, {"Last_Name": 5}, {"Last_Name": "Fine"}]
    answer = crm.post("Leads", {"data": records})
    assert answer.status == 207
    assert [outcome["code"] for outcome in answer.data] == [
        "SUCCESS",
        "MANDATORY_NOT_FOUND",
        "INVALID_DATA",
        "SUCCESS",
    ]
    assert answer.data[1]["details"] == {"api_name": "Last_Name", "json_path": "$.data[1].Last_Name"}
    assert crm.get("Leads", fields="Last_Name").json["info"]["count"] == 2


def test_when_all_fail_the_status_is_400(crm):
    answer = crm.post("Leads", {"data": [{"First_Name": "x"}]})
    assert answer.status == 400
    assert answer.data[0]["code"] == "MANDATORY_NOT_FOUND"
    assert crm.get("Leads", fields="Last_Name").status == 204


WRONG_VALUES = {
    "a text that is a number": ({"Last_Name": 7}, {"expected_data_type": "text"}),
    "a text too long": ({"Last_Name": "x" * 81}, {"maximum_length": 80}),
    "a text with NUL": ({"Last_Name": "a\0b"}, {"expected_data_type": "text"}),
    "an e-mail without a domain": ({"Last_Name": "a", "Email": "no-at"}, {"expected_data_type": "email"}),
    "a phone with words": ({"Last_Name": "a", "Phone": "call me <b>"}, {"expected_data_type": "phone"}),
    "a phone too long": ({"Last_Name": "a", "Phone": "1" * 31}, {"maximum_length": 30}),
    "a website without a dot": ({"Last_Name": "a", "Website": "nowhere"}, {"expected_data_type": "website"}),
    "an integer in quotes": (
        {"Last_Name": "a", "No_of_Employees": "ten"},
        {"expected_data_type": "integer"},
    ),
    "an integer too large": ({"Last_Name": "a", "No_of_Employees": 10**9}, {"maximum_length": 9}),
    "a boolean for an integer": (
        {"Last_Name": "a", "No_of_Employees": True},
        {"expected_data_type": "integer"},
    ),
    "a currency in quotes": ({"Last_Name": "a", "Annual_Revenue": "5"}, {"expected_data_type": "double"}),
    "a currency too large": ({"Last_Name": "a", "Annual_Revenue": 1e17}, {"maximum_length": 16}),
    "a boolean in quotes": ({"Last_Name": "a", "Email_Opt_Out": "yes"}, {"expected_data_type": "boolean"}),
    "a picklist that is a list": ({"Last_Name": "a", "Rating": ["x"]}, {"expected_data_type": "picklist"}),
}


@pytest.mark.parametrize("name", WRONG_VALUES)
def test_a_wrong_value_is_named_with_what_would_be_right(kept_crm, name):
    record, expected = WRONG_VALUES[name]
    answer = kept_crm.post("Leads", {"data": [record]})
    (outcome,) = answer.data
    field = next(key for key in record if key != "Last_Name" or len(record) == 1)
    assert answer.status == 400 and outcome["code"] == "INVALID_DATA" and outcome["message"] == "invalid data"
    assert outcome["details"] == {**expected, "api_name": field, "json_path": f"$.data[0].{field}"}


@pytest.mark.parametrize(
    "value", ["2026-13-01", "2026-02-30", "01/02/2026", "2026-1-1", 20260101, "2026-01-01T00:00:00Z"]
)
def test_a_date_has_to_be_a_real_day(kept_crm, value):
    (outcome,) = kept_crm.post(
        "Deals", {"data": [{"Deal_Name": "x", "Stage": "Qualification", "Closing_Date": value}]}
    ).data
    assert outcome["details"]["expected_data_type"] == "date"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2026-02-06T10:00:00+01:00", "2026-02-06T01:00:00-08:00"),
        ("2026-07-01T12:00:00Z", "2026-07-01T05:00:00-07:00"),
        ("1999-01-01T00:00:00-05:00", "1998-12-31T21:00:00-08:00"),
    ],
)
def test_times_of_any_offset_are_shown_in_the_organisations_zone(crm, sent, shown):
    call = {"Subject": "x", "Call_Type": "Outbound", "Call_Start_Time": sent, "Call_Duration": "10:30"}
    (record,) = crm.insert("Calls", call)
    record_shown = crm.only(f"Calls/{record}")
    assert record_shown["Call_Start_Time"] == shown and record_shown["Call_Duration_in_seconds"] == 630


def test_a_time_without_an_offset_is_refused(crm):
    call = {
        "Subject": "x",
        "Call_Type": "Outbound",
        "Call_Start_Time": "2026-02-06T10:00:00",
        "Call_Duration": "1",
    }
    (outcome,) = crm.post("Calls", {"data": [call]}).data
    assert outcome["details"]["expected_data_type"] == "datetime"


def test_lookups_take_an_object_a_text_or_a_number_and_show_name_and_id(crm):
    (account,) = crm.insert("Accounts", {"Account_Name": "Acme"})
    for lookup in ({"id": account}, account, int(account), {"name": "ACME"}, {"id": int(account)}):
        (contact,) = crm.insert("Contacts", {"Last_Name": "Doe", "Account_Name": lookup})
        assert crm.only(f"Contacts/{contact}")["Account_Name"] == {"name": "Acme", "id": account}


@pytest.mark.parametrize(
    "sent", [{"id": "1234567890123456789"}, {"id": "abc"}, {"id": True}, {}, {"name": "Nobody"}]
)
def test_a_lookup_to_nothing_is_refused(crm, sent):
    answer = crm.post("Contacts", {"data": [{"Last_Name": "Doe", "Account_Name": sent}]})
    assert answer.status == 400
    assert answer.data[0]["message"] == "the id given seems to be invalid"
    assert answer.data[0]["details"]["api_name"] == "Account_Name"


def test_a_lookup_into_several_modules_remembers_which(crm):
    (deal,) = crm.insert("Deals", {"Deal_Name": "Big", "Stage": "Qualification"})
    (task,) = crm.insert("Tasks", {"Subject": "Call", "What_Id": {"id": deal}, "$se_module": "Deals"})
    shown = crm.only(f"Tasks/{task}")
    assert shown["What_Id"] == {"name": "Big", "id": deal} and shown["$se_module"] == "Deals"
    wrong = crm.post("Tasks", {"data": [{"Subject": "x", "What_Id": deal, "$se_module": "Accounts"}]})
    assert wrong.data[0]["message"] == "the id given seems to be invalid"


def test_unknown_keys_and_fields_nobody_may_write_are_ignored(crm):
    record = {
        "Last_Name": "A",
        "Nonsense": 1,
        "Full_Name": "Z",
        "Created_Time": "2001-01-01T00:00:00Z",
        "id": "5",
    }
    (record_id,) = crm.insert("Leads", record)
    answer = crm.only(f"Leads/{record_id}")
    assert (
        answer["Full_Name"] == "A"
        and answer["Created_Time"].startswith("2026-02-06")
        and "Nonsense" not in answer
    )


def test_names_and_expected_revenue_are_computed(crm):
    (lead,) = crm.insert("Leads", {"First_Name": "Ann", "Last_Name": "Lee"})
    assert crm.only(f"Leads/{lead}")["Full_Name"] == "Ann Lee"
    (deal,) = crm.insert("Deals", {"Deal_Name": "x", "Stage": "Needs Analysis", "Amount": 1000})
    answer = crm.only(f"Deals/{deal}")
    assert (answer["Probability"], answer["Expected_Revenue"], answer["Pipeline"]) == (
        20,
        200,
        "Standard (Standard)",
    )


def test_lines_of_a_quote_are_added_up(crm):
    (account,) = crm.insert("Accounts", {"Account_Name": "Acme"})
    (product,) = crm.insert("Products", {"Product_Name": "Rope", "Unit_Price": 12.5})
    lines = [
        {"Product_Name": {"id": product}, "Quantity": 4},
        {"Product_Name": {"id": product}, "Quantity": 1, "List_Price": 20, "Discount": 5},
    ]
    (quote,) = crm.insert("Quotes", {"Subject": "Ropes", "Account_Name": account, "Quoted_Items": lines})
    answer = crm.only(f"Quotes/{quote}")
    assert [line["Net_Total"] for line in answer["Quoted_Items"]] == [50, 15]
    assert answer["Sub_Total"] == 65 and answer["Grand_Total"] == 65
    assert answer["Quoted_Items"][0]["Product_Name"] == {"name": "Rope", "id": product}
    assert answer["$has_more"] == {"Quoted_Items": False}


@pytest.mark.parametrize(
    ("module", "lines", "status"),
    [
        ("Quotes", "Quoted_Items", 201),
        ("Invoices", "Invoiced_Items", 201),
        ("Sales_Orders", "Ordered_Items", 400),
    ],
)
def test_only_a_sales_order_asks_for_an_account(crm, module, lines, status):
    (product,) = crm.insert("Products", {"Product_Name": "Rope"})
    record = {"Subject": "x", lines: [{"Product_Name": product, "Quantity": 1}]}
    answer = crm.post(module, {"data": [record]})
    assert answer.status == status
    if status == 400:
        assert answer.data[0]["code"] == "MANDATORY_NOT_FOUND"
        assert answer.data[0]["details"]["api_name"] == "Account_Name"


@pytest.mark.parametrize(
    "module", ["Leads", "Deals", "Quotes", "Invoices", "Sales_Orders", "Purchase_Orders", "Calls"]
)
def test_the_metadata_say_what_an_insert_asks_for(crm, module):
    fields = crm.get("settings/fields", module=module).json["fields"]
    mandatory = {outcome["api_name"] for outcome in fields if outcome["system_mandatory"]}
    (layout,) = crm.get("settings/layouts", module=module).json["layouts"]
    required = {
        outcome["api_name"]
        for section in layout["sections"]
        for outcome in section["fields"]
        if outcome["required"]
    }
    asked, record = set(), {}
    # Whatever is asked for is given as something that gets no further than being there.
    while (outcome := crm.post(module, {"data": [record]}).data[0])["code"] == "MANDATORY_NOT_FOUND":
        name = outcome["details"]["api_name"]
        assert name not in asked
        asked.add(name)
        record[name] = value_for(next(field for field in fields if field["api_name"] == name))
    assert asked == mandatory == required


def value_for(field):
    sorts = {
        "datetime": "2026-02-06T10:00:00Z",
        "lookup": {"id": "1"},
        "subform": [{"Product_Name": {"id": "1"}, "Quantity": 1}],
    }
    return sorts.get(field["data_type"], "1:00")


def test_a_wrong_line_names_its_place(crm):
    (account,) = crm.insert("Accounts", {"Account_Name": "Acme"})
    body = {"Subject": "x", "Account_Name": account, "Quoted_Items": [{"Quantity": 1}]}
    (outcome,) = crm.post("Quotes", {"data": [body]}).data
    assert outcome["details"] == {
        "api_name": "Product_Name",
        "json_path": "$.data[0].Quoted_Items[0].Product_Name",
    }


def test_the_lines_of_a_copied_record_are_new_ones(crm):
    (account,) = crm.insert("Accounts", {"Account_Name": "Acme"})
    (product,) = crm.insert("Products", {"Product_Name": "Rope", "Unit_Price": 12.5})
    quote = {"Subject": "x", "Account_Name": account}
    (first,) = crm.insert("Quotes", quote | {"Quoted_Items": [{"Product_Name": product, "Quantity": 4}]})
    (line,) = crm.only(f"Quotes/{first}")["Quoted_Items"]
    (copy,) = crm.insert("Quotes", quote | {"Quoted_Items": [line, {"id": line["id"], "_delete": None}]})
    (copied,) = crm.only(f"Quotes/{copy}")["Quoted_Items"]
    assert copied["id"] != line["id"] and copied["Quantity"] == 4
    assert crm.only(f"Quotes/{first}")["Quoted_Items"] == [line]
    (outcome,) = crm.post(
        "Quotes", {"data": [quote | {"Quoted_Items": [{"id": line["id"], "Quantity": 1}]}]}
    ).data
    assert (outcome["code"], outcome["details"]["api_name"]) == ("MANDATORY_NOT_FOUND", "Product_Name")


def test_tags_get_ids_and_are_the_same_tag_next_time(crm):
    first, second = crm.insert(
        "Leads", {"Last_Name": "A", "Tag": [{"name": "hot"}]}, {"Last_Name": "B", "Tag": [{"name": "Hot"}]}
    )
    first_tag, second_tag = (crm.only(f"Leads/{i}")["Tag"][0] for i in (first, second))
    assert first_tag["name"] == "hot" and first_tag["id"] == second_tag["id"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "UNABLE_TO_PARSE_DATA_TYPE"),
        (b"{", "UNABLE_TO_PARSE_DATA_TYPE"),
        (b'{"data":[{"Last_Name":"\\ud800"}]}', "UNABLE_TO_PARSE_DATA_TYPE"),
        (b'{"data":[{"Last_Name":1e999}]}', "UNABLE_TO_PARSE_DATA_TYPE"),
        (b"[" * 100_000, "UNABLE_TO_PARSE_DATA_TYPE"),
        (b"[]", "INVALID_DATA"),
        (b"{}", "MANDATORY_NOT_FOUND"),
        (b'{"data":{}}', "INVALID_DATA"),
        (b'{"data":[]}', "MANDATORY_NOT_FOUND"),
        (b'{"data":[{"Last_Name":"a"}],"trigger":["nothing"]}', "INVALID_DATA"),
    ],
)
def test_a_wrong_body_is_one_fault_and_nothing_is_written(kept_crm, body, code):
    answer = kept_crm.post("Leads", body)
    assert answer.status == 400 and answer.json["code"] == code and answer.json["status"] == "error"
    assert kept_crm.get("Leads", fields="Last_Name").status == 204


ARRAY, OBJECT = {"expected_data_type": "jsonarray"}, {"expected_data_type": "jsonobject"}
SKIPPED = {"supported_values": ["assignment_rules", "cadences", "connected_workflows"]}
ACTIONS = {"supported_values": ["insert", "update"]}
BESIDE = [
    ({"trigger": "workflow"}, "trigger", "$.trigger", ARRAY),
    ({"apply_feature_execution": {}}, "apply_feature_execution", "$.apply_feature_execution", ARRAY),
    ({"apply_feature_execution": ["x"]}, "apply_feature_execution", "$.apply_feature_execution[0]", OBJECT),
    ({"skip_feature_execution": [{"name": "cadences"}, {}]}, "name", "$.skip_feature_execution[1].name", SKIPPED),
    ({"skip_feature_execution": [{"name": []}]}, "name", "$.skip_feature_execution[0].name", SKIPPED),
    (
        {"skip_feature_execution": [{"name": "cadences", "action": "delete"}]},
        "action", "$.skip_feature_execution[0].action", ACTIONS,
    ),
    ({"lar_id": "abc"}, "lar_id", "$.lar_id", {"expected_data_type": "bigint"}),
]  # fmt: skip


@pytest.mark.parametrize(("beside", "api_name", "path", "more"), BESIDE)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_what_stands_beside_the_records_is_checked_first(crm, method, beside, api_name, path, more):
    answer = crm.call(method, "Leads", body={"data": [{"Last_Name": "a"}], **beside})
    assert answer.status == 400 and answer.json["code"] == "INVALID_DATA"
    assert answer.json["details"] == {"api_name": api_name, "json_path": path, **more}
    assert crm.get("Leads", fields="id").status == 204


def test_what_stands_beside_the_records_changes_nothing_here(crm):
    beside = {
        "trigger": [], "lar_id": "123", "apply_feature_execution": [{"name": "layout_rules"}],
        "skip_feature_execution": [{"name": "cadences", "action": "insert"}], "process": ["x"], "wf_trigger": True,
    }  # fmt: skip
    assert crm.post("Leads", {"data": [{"Last_Name": "a"}], **beside}).status == 201


@pytest.mark.parametrize("module", ["Quoted_Items", "DealHistory", "Locking_Information__s"])
def test_modules_that_belong_to_others_are_not_written(kept_crm, module):
    for answer in (
        kept_crm.post(module, {"data": [{}]}),
        kept_crm.put(module, {"data": [{"id": "1"}]}),
        kept_crm.delete(module, ids="1"),
    ):
        assert answer.status == 400
        assert answer.json == {
            "code": "INVALID_MODULE", "details": {"resource_path_index": 0},
            "message": "the given module is not supported in api", "status": "error",
        }  # fmt: skip


def test_more_than_a_hundred_records_are_refused_whole(crm):
    answer = crm.post("Leads", {"data": [{"Last_Name": "x"}] * 101})
    assert answer.status == 400 and answer.json["details"]["maximum_length"] == 100
    assert len(crm.insert("Leads", *[{"Last_Name": "x"}] * 100)) == 100


def test_elements_that_are_no_objects_fail_alone(crm):
    answer = crm.post("Leads", {"data": [None, 5, "x", [], {"Last_Name": "ok"}]})
    assert answer.status == 207
    assert [outcome["status"] for outcome in answer.data] == ["error"] * 4 + ["success"]


class TestUniqueFields:
    @pytest.fixture
    def crm(self, make_organisation, caller_of):
        make_organisation("unique", unique=("Leads.Email", "Leads.Phone"))
        return caller_of("unique")

    def test_a_value_taken_is_refused_whatever_its_case(self, crm):
        (first,) = crm.insert("Leads", {"Last_Name": "A", "Email": "ann@x.example"})
        answer = crm.post("Leads", {"data": [{"Last_Name": "B", "Email": "ANN@x.example"}]})
        (outcome,) = answer.data
        assert (
            answer.status == 400
            and outcome["code"] == "DUPLICATE_DATA"
            and outcome["message"] == "duplicate data"
        )
        assert outcome["details"]["duplicate_record"]["id"] == first
        assert outcome["details"]["json_path"] == "$.data[0].Email"

    def test_two_records_of_one_request_collide_too(self, crm):
        answer = crm.post("Leads", {"data": [{"Last_Name": "A", "Email": "a@x.example"}] * 2})
        assert [outcome["code"] for outcome in answer.data] == ["SUCCESS", "DUPLICATE_DATA"]

    def test_several_collisions_are_told_together(self, crm):
        crm.insert("Leads", {"Last_Name": "A", "Email": "a@x.example", "Phone": "1"})
        (outcome,) = crm.post(
            "Leads", {"data": [{"Last_Name": "B", "Email": "a@x.example", "Phone": "1"}]}
        ).data
        assert outcome["code"] == "MULTIPLE_OR_MULTI_ERRORS" and len(outcome["details"]["errors"]) == 2

    def test_a_deleted_record_frees_its_value(self, crm):
        (first,) = crm.insert("Leads", {"Last_Name": "A", "Email": "a@x.example"})
        crm.delete(f"Leads/{first}")
        assert crm.insert("Leads", {"Last_Name": "B", "Email": "a@x.example"})

    def test_a_record_does_not_collide_with_itself(self, crm):
        (first,) = crm.insert("Leads", {"Last_Name": "A", "Email": "a@x.example"})
        assert crm.put(f"Leads/{first}", {"data": [{"Email": "A@x.example"}]}).status == 200

    def test_an_update_takes_no_value_of_another(self, crm):
        first, second = crm.insert(
            "Leads", {"Last_Name": "A", "Email": "a@x.example"}, {"Last_Name": "B", "Email": "b@x.example"}
        )
        answer = crm.put("Leads", {"data": [{"id": second, "Email": "a@x.example"}]})
        assert (answer.status, answer.data[0]["code"]) == (400, "DUPLICATE_DATA")
        assert answer.data[0]["details"]["duplicate_record"]["id"] == first
        assert crm.only(f"Leads/{second}")["Email"] == "b@x.example"

    def test_the_record_in_the_way_is_shown_with_its_owner(self, crm):
        (first,) = crm.insert("Leads", {"Last_Name": "A", "Email": "a@x.example"})
        (outcome,) = crm.post("Leads", {"data": [{"Last_Name": "B", "Email": "a@x.example"}]}).data
        owner = crm.only(f"Leads/{first}")["Owner"]
        (user,) = crm.get(f"users/{owner['id']}").json["users"]
        (module,) = crm.get("settings/modules/Leads").json["modules"]
        assert outcome["details"] == {
            "api_name": "Email", "json_path": "$.data[0].Email", "id": first, "more_records": False,
            "duplicate_record": {
                "id": first,
                "Owner": {"name": owner["name"], "id": owner["id"], "zuid": user["zuid"]},
                "module": {"api_name": "Leads", "id": module["id"]},
            },
        }  # fmt: skip
