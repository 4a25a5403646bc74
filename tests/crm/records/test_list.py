import pytest

INFO = {
    "per_page", "count", "page", "sort_by", "sort_order", "more_records", "next_page_token",
    "previous_page_token", "page_token_expiry", "call", "email",
}  # fmt: skip


def test_the_answer_has_the_fields_asked_for_and_the_documented_info(crm):
    crm.insert("Leads", {"Last_Name": "Maclead", "First_Name": "Christopher"})
    answer = crm.get("Leads", fields="First_Name,Last_Name,Email,Nonsense")
    (outcome,) = answer.data
    assert outcome == {
        "id": outcome["id"],
        "First_Name": "Christopher",
        "Last_Name": "Maclead",
        "Email": None,
    }
    info = answer.json["info"]
    assert info.keys() == INFO
    assert (info["per_page"], info["count"], info["page"], info["more_records"]) == (200, 1, 1, False)
    assert (info["sort_by"], info["sort_order"], info["next_page_token"]) == ("id", "desc", None)


def test_an_empty_module_is_204_and_still_json(kept_crm):
    answer = kept_crm.get("Leads", fields="Last_Name")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["content-type"].startswith("application/json")


def test_fields_are_required_and_at_most_fifty(kept_crm):
    assert kept_crm.get("Leads").json == {
        "code": "REQUIRED_PARAM_MISSING", "details": {"param_name": "fields"},
        "message": "One of the expected parameter is missing", "status": "error",
    }  # fmt: skip
    many = ",".join(f"F{i}" for i in range(51))
    assert kept_crm.get("Leads", fields=many).json["code"] == "LIMIT_EXCEEDED"


@pytest.mark.parametrize("name", ["leads", "Nothing", "Home", "__proto__", "Leads ", "%00", "Leads'--"])
def test_unknown_modules_are_invalid(kept_crm, name):
    answer = kept_crm.get(name, fields="id")
    assert answer.status == 400 and answer.json["code"] == "INVALID_MODULE"
    assert answer.json["details"] == {"resource_path_index": 0}


@pytest.mark.parametrize(
    "params",
    [
        {"page": "0"}, {"page": "-1"}, {"page": "x"}, {"page": "9" * 40}, {"per_page": "201"}, {"per_page": "0"},
        {"per_page": "1e3"}, {"sort_by": "Last_Name"}, {"sort_order": "up"}, {"cvid": "1"}, {"cvid": "x"},
        {"ids": "x"}, {"converted": "maybe"}, {"approved": "maybe"}, {"page_token": "x"}, {"ids": "9" * 30},
        {"page": "1", "page_token": "x"}, {"cvid": "1", "sort_by": "id"}, {"territory_id": "1"},
    ],
)  # fmt: skip
def test_wrong_parameters_are_refused(kept_crm, params):
    answer = kept_crm.get("Leads", fields="Last_Name", **params)
    assert answer.status == 400
    assert answer.json.keys() == {"code", "details", "message", "status"}


LIST_FAULTS = [
    ({}, "REQUIRED_PARAM_MISSING", {"param_name": "fields"}, "One of the expected parameter is missing"),
    ({"fields": ","}, "REQUIRED_PARAM_MISSING", {"param_name": "fields"}, "One of the expected parameter is missing"),
    (
        {"fields": ",".join("abcde" * 11)}, "LIMIT_EXCEEDED",
        {"limit": 50, "param_name": "fields"}, "limit exceeded",
    ),
    ({"fields": "id", "cvid": "x"}, "INVALID_DATA", {"param_name": "cvid"}, "invalid data"),
    (
        {"fields": "id", "sort_by": "Last_Name"}, "INVALID_DATA",
        {"param_name": "sort_by", "supported_values": ["id", "Created_Time", "Modified_Time"]}, "invalid data",
    ),
    (
        {"fields": "id", "page": 11}, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", {"limit": 2000},
        "You can only get the first 2000 records without using page_token param",
    ),
    (
        {"fields": "id", "page_token": "x"}, "TOKEN_BOUND_DATA_MISMATCH", {"param_name": "page_token"},
        "The page_token given seems to be invalid or input param is added or altered or deleted",
    ),
    (
        {"fields": "id", "page": 2, "page_token": "x"}, "AMBIGUITY_DURING_PROCESSING",
        {"ambiguity_due_to": [{"param_name": "page"}, {"param_name": "page_token"}]},
        "cannot use page and page_token together",
    ),
    (
        {"fields": "id", "cvid": "1", "sort_by": "id"}, "AMBIGUITY_DURING_PROCESSING",
        {"ambiguity_due_to": [{"param_name": "cvid"}, {"param_name": "sort_by"}]},
        "cannot use cvid and sort_by together",
    ),
    ({"fields": "id", "territory_id": "1"}, "INVALID_DATA", {"param_name": "territory_id"}, "invalid data"),
]  # fmt: skip


@pytest.mark.parametrize(("params", "code", "details", "message"), LIST_FAULTS)
def test_a_refusal_says_what_the_documentation_says(kept_crm, params, code, details, message):
    answer = kept_crm.get("Leads", **params)
    assert answer.status == 400
    assert answer.json == {"code": code, "details": details, "message": message, "status": "error"}


def test_territories_are_not_for_every_module(kept_crm):
    assert kept_crm.get("Calls", fields="id", territory_id="1").json == {
        "code": "INVALID_MODULE", "details": {"resource_path_index": 0},
        "message": "Territory is not supported for the given module", "status": "error",
    }  # fmt: skip


def test_it_sorts_by_times_both_ways(crm, clock):
    for name in "abc":
        crm.insert("Leads", {"Last_Name": name})
        clock.advance(10)
    middle = crm.get("Leads", fields="Last_Name").data[1]["id"]
    crm.put(f"Leads/{middle}", {"data": [{"City": "x"}]})

    def names(**params):
        return "".join(record["Last_Name"] for record in crm.get("Leads", fields="Last_Name", **params).data)

    assert names() == "cba" and names(sort_order="asc") == "abc"
    assert (
        names(sort_by="Modified_Time") == "bca" and names(sort_by="Modified_Time", sort_order="asc") == "acb"
    )
    assert names(sort_by="Created_Time") == "cba"


def test_chosen_ids_only(crm):
    ids = crm.insert("Leads", *[{"Last_Name": name} for name in "abc"])
    answer = crm.get("Leads", fields="Last_Name", ids=f"{ids[0]},{ids[2]}")
    assert [record["id"] for record in answer.data] == [ids[2], ids[0]]


def test_if_modified_since_gives_304_when_nothing_is_newer(crm, clock):
    crm.insert("Leads", {"Last_Name": "a"})
    later = {"If-Modified-Since": "2026-02-06T09:10:57Z"}
    exactly = {"If-Modified-Since": "2026-02-06T01:10:56-08:00"}
    assert crm.get("Leads", fields="Last_Name", headers=later).status == 304
    assert crm.get("Leads", fields="Last_Name", headers=exactly).status == 200
    assert crm.get("Leads", fields="Last_Name", headers={"If-Modified-Since": "yesterday"}).status == 400


def test_a_view_filters(kept_demo):
    views = kept_demo.get("settings/custom_views", module="Leads").json["custom_views"]
    everything = next(view["id"] for view in views if view["system_name"] == "ALLVIEWS")
    mine = next(view["id"] for view in views if view["name"].startswith("My"))
    every = kept_demo.get("Leads", fields="Owner", cvid=everything).data
    own = kept_demo.get("Leads", fields="Owner", cvid=mine).data
    assert 0 < len(own) < len(every)
    assert len({own_view["Owner"]["id"] for own_view in own}) == 1


def test_every_module_can_be_listed(demo):
    for name, module in demo.service.organisations.open(demo.organisation).catalog.modules.items():
        fields = ",".join(list(module.fields)[:50])
        answer = demo.get(name, fields=fields)
        assert answer.status in {200, 204}, (name, answer.body)
        for outcome in answer.data[:3] if answer.status == 200 else ():
            assert demo.get(f"{name}/{outcome['id']}").status == 200


def test_a_record_shows_its_system_keys(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "a"})
    answer = crm.only(f"Leads/{lead}")
    assert answer["$approval_state"] == "approved" and answer["$editable"] is True
    assert answer["$approval"] == {"delegate": False, "approve": False, "reject": False, "resubmit": False}
    assert answer["Owner"].keys() == {"name", "id", "email"} and answer["Converted__s"] is False
    assert answer["Tag"] == [] and answer["$converted_detail"] == {}


@pytest.mark.parametrize("record", ["abc", "0", "-1", "1.5", "9" * 30, "١٢"])
def test_an_id_that_can_be_none_is_refused(kept_crm, record):
    answer = kept_crm.get(f"Leads/{record}")
    assert answer.status == 400 and answer.json["message"] == "the id given seems to be invalid"


def test_a_record_unchanged_since_is_304(crm):
    (lead,) = crm.insert("Leads", {"Last_Name": "a"})
    assert crm.get(f"Leads/{lead}", headers={"If-Modified-Since": "2026-02-07T00:00:00Z"}).status == 304
    assert crm.get(f"Leads/{lead}", headers={"If-Modified-Since": "2026-02-06T00:00:00Z"}).status == 200
    assert crm.get("Leads/999", headers={"If-Modified-Since": "2026-02-07T00:00:00Z"}).status == 204


@pytest.mark.parametrize("field", ["id", "Created_Time", "Modified_Time"])
def test_every_module_lists_in_each_of_the_orders_there_are(kept_crm, field):
    for module in kept_crm.get("settings/modules").json["modules"]:
        if module["api_supported"]:
            answer = kept_crm.get(module["api_name"], fields="id", sort_by=field)
            assert answer.status in {200, 204}, (module["api_name"], answer.body)
