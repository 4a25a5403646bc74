"""The API's older versions: every operation answers, in the words of its version."""

import json
import threading

import pytest

from moorage.crm.api import routes
from moorage.crm.api.absent import listed
from moorage.crm.versions import NAMES, TABLE, VERSIONS
from moorage.crm.versions.version import Answer
from moorage.crm.wire.call import Call
from moorage.crm.wire.routing import Route
from moorage.http.message import Request, Response
from tests.crm.settings.making_fields import field, made
from tests.log_lines import capture_logs


def path(version, rest):
    return f"/crm/{version}/{rest}"


def since(first):
    """This version and all later versions."""
    return NAMES[NAMES.index(first) :]


def up_to(last):
    return NAMES[: NAMES.index(last) + 1]


@pytest.fixture
def lead(crm):
    return crm.insert("Leads", {"Last_Name": "Achterberg", "Company": "Greenhouses"})[0]


def test_every_read_answers_in_every_version_as_in_v8_but_for_what_the_table_says(crm, lead):
    reads = {
        "org": {},
        "org/currencies": {},
        "users": {"type": "AllUsers"},
        "users/actions/count": {},
        "settings/custom_views": {"module": "Leads"},
        "settings/roles": {},
        "settings/profiles": {},
        "settings/territories": {},
        "Leads": {"fields": "Last_Name,Company"},
        f"Leads/{lead}": {"fields": "Last_Name"},
        "Leads/search": {"word": "Achterberg", "fields": "Last_Name"},
        "Leads/actions/count": {},
    }
    for rest, params in reads.items():
        today = crm.get(rest, **params)
        for version in NAMES:
            answer = crm.get(path(version, rest), **params)
            assert answer.status == today.status < 300, (version, rest, answer.body)
            if answer.body and "data" in today.json:
                assert answer.data == today.data, (version, rest)
            elif answer.body:
                assert answer.json == today.json, (version, rest)


def test_writes_answer_in_every_version(crm):
    for version in NAMES:
        answer = crm.post(path(version, "Leads"), {"data": [{"Last_Name": version}]})
        assert answer.status == 201
        record = answer.data[0]["details"]["id"]
        changed = crm.put(path(version, f"Leads/{record}"), {"data": [{"Last_Name": "Changed"}]})
        assert (changed.status, changed.data[0]["message"]) == (200, "record updated")
        upserted = crm.post(
            path(version, "Leads/upsert"), {"data": [{"Last_Name": "Third", "Email": "a@b.example"}]}
        )
        assert upserted.status == 200
        assert crm.delete(path(version, "Leads"), ids=record).data[0]["message"] == "record deleted"
        assert crm.get(path(version, f"Leads/{record}")).status == 204


def test_a_token_and_its_scopes_count_in_every_version(crm, caller_of, nobody):
    reader = caller_of("acme", "ZohoCRM.modules.leads.READ")
    for version in NAMES:
        assert nobody.get(path(version, "Leads")).json["code"] == "AUTHENTICATION_FAILURE"
        assert reader.get(path(version, "leads"), fields="id").status == 204
        for refused in (
            reader.post(path(version, "leads"), {}),
            reader.get(path(version, "Contacts"), fields="id"),
        ):
            assert (refused.status, refused.json["code"]) == (401, "OAUTH_SCOPE_MISMATCH")


def test_every_version_answers_below_a_data_centre(make_organisation, caller_of):
    make_organisation("quay", data_centre="eu")
    caller = caller_of("quay")
    assert caller.get("/dc/eu/crm/v2/org").status == 200
    assert caller.get("/dc/in/crm/v2/org").json["code"] == "INVALID_TOKEN"


def test_modules_are_found_whatever_their_case(crm, lead):
    for version in NAMES:
        assert crm.get(path(version, "leads"), fields="id").data[0]["id"] == lead
        assert crm.get(path(version, f"LEADS/{lead}")).status == 200
        assert crm.get(path(version, "lEaDs/search"), word="Achterberg").status == 200
        assert crm.get(path(version, "sales_orders"), fields="id").status == 204
        assert (
            crm.get(path(version, "settings/modules/price_books")).json["modules"][0]["api_name"]
            == "Price_Books"
        )
        assert crm.get(path(version, "settings/layouts"), module="purchase_orders").status == 200
        assert crm.get(path(version, "nonsense"), fields="id").json["code"] == "INVALID_MODULE"


def test_a_list_needs_fields_since_v3(crm, lead):
    for version in up_to("v2.1"):
        record = crm.only(path(version, "Leads"))
        assert record["Last_Name"] == "Achterberg" and record["Owner"]["email"] and len(record) > 50
    for version in since("v3"):
        assert crm.get(path(version, "Leads")).json["details"] == {"param_name": "fields"}


def test_pages_go_by_number_before_v3(crm):
    for _ in range(21):
        crm.insert("Leads", *({"Last_Name": "Many"} for _ in range(100)))
    for version in up_to("v2.1"):
        first = crm.get(path(version, "Leads"), fields="id").json["info"]
        assert first == {"per_page": 200, "count": 200, "page": 1, "more_records": True}
        last = crm.get(path(version, "Leads"), fields="id", page="11", page_token="whatever")
        assert last.json["info"] == {"per_page": 200, "count": 100, "page": 11, "more_records": False}
        assert crm.get(path(version, "Leads"), fields="id", page="12").status == 204
        assert set(crm.get(path(version, "Leads/search"), word="Many").json["info"]) == set(first)
    for version in since("v3"):
        answer = crm.get(path(version, "Leads"), fields="id", page="11")
        assert answer.json["code"] == "DISCRETE_PAGINATION_LIMIT_EXCEEDED"


def test_a_page_token_of_one_version_is_good_in_another(crm):
    crm.insert("Leads", *({"Last_Name": str(n)} for n in range(3)))
    token = crm.get(path("v3", "leads"), fields="id", per_page="2").json["info"]["next_page_token"]
    for version in (*since("v3"), "v8"):
        answer = crm.get(path(version, "Leads"), fields="id", per_page="2", page_token=token)
        assert (answer.json["info"]["page"], answer.json["info"]["count"]) == (2, 1)


def test_v2_lists_in_the_order_of_any_field(crm):
    crm.insert("Leads", *({"Last_Name": name} for name in "bca"))
    names = [
        record["Last_Name"] for record in crm.get("/crm/v2/Leads", sort_by="Last_Name", sort_order="asc").data
    ]
    assert names == ["a", "b", "c"]
    assert crm.get("/crm/v2/Leads", sort_by="Nonsense").json["code"] == "INVALID_DATA"
    for version in since("v2.1"):
        refused = crm.get(path(version, "Leads"), fields="id", sort_by="Last_Name")
        assert refused.json["details"]["supported_values"] == ["id", "Created_Time", "Modified_Time"]


def test_a_whole_lead_says_converted_before_v7(crm, lead):
    for version in NAMES:
        for shown in (
            crm.only(path(version, f"Leads/{lead}")),
            crm.only(path(version, "Leads/search"), word="Acht"),
        ):
            assert shown.get("$converted") == (None if version == "v7" else False)
            assert shown.get("Converted__s") == (None if version in up_to("v3") else False)
        named = crm.only(path(version, "Leads"), fields="Converted__s")
        assert named == {"id": lead, "Converted__s": False}


def test_a_whole_record_says_approved_before_v6(crm, lead):
    (account,) = crm.insert("Accounts", {"Account_Name": "A"})
    for version in (*NAMES, "v8"):
        for record in (f"Leads/{lead}", f"Accounts/{account}"):
            shown = crm.only(path(version, record))
            assert shown["$approval_state"] == "approved"
            assert shown.get("$approved") == (True if version in up_to("v5") else None)
        assert crm.only(path(version, "Leads"), fields="Company").keys() == {"id", "Company"}


@pytest.mark.parametrize("asked", ["201", "1000", "0999", "9" * 5_000])
def test_v2_shortens_a_page_that_is_asked_to_be_too_long(crm, lead, asked):
    for call, params in (("Leads", {}), ("Leads/search", {"word": "Acht"}), ("users", {})):
        assert crm.get(path("v2", call), per_page=asked, **params).json["info"]["per_page"] == 200
        for version in since("v2.1"):
            refused = crm.get(path(version, call), per_page=asked, fields="id", **params)
            assert (refused.status, refused.json["details"]["param_name"]) == (400, "per_page")


@pytest.mark.parametrize("asked", ["0", "-1", "x", "²", "1.5", ""])
def test_v2_refuses_a_page_of_no_size(crm, lead, asked):
    assert crm.get("/crm/v2/Leads", per_page=asked).json["details"]["param_name"] == "per_page"


def test_v2_names_a_parameter_by_its_old_key_too(crm):
    for version in (*NAMES, "v8"):
        for refused in (crm.get(path(version, "settings/fields")), crm.delete(path(version, "Leads"))):
            details = refused.json["details"]
            assert details.get("param") == (details["param_name"] if version == "v2" else None)


def test_a_notes_parent_comes_without_its_module_before_v7(crm, lead):
    for version in NAMES:
        note = {"Note_Title": version, "Parent_Id": lead, "se_module": "Leads"}
        note_id = crm.post(path(version, "Notes"), {"data": [note]}).data[0]["details"]["id"]
        shown = crm.only(path(version, f"notes/{note_id}"))
        parent = {"name": "Achterberg", "id": lead}
        assert {key: shown["Parent_Id"][key] for key in parent} == parent
        assert ("module" in shown["Parent_Id"]) == (version == "v7")
        assert shown["$se_module"] == "Leads"


def test_sections_of_layouts(crm):
    for version in NAMES:
        sections = crm.get(path(version, "settings/layouts"), module="Deals").json["layouts"][0]["sections"]
        assert sections[0]["api_name"] == ("Deal Information" if version == "v2" else "Deal_Information")
        assert sections[0]["tab_traversal"] == (1 if version in up_to("v5") else "left_to_right")


def test_what_leads_elsewhere_names_its_module_and_no_more_before_v3(crm):
    for version in NAMES:
        deals = crm.get(path(version, "settings/fields"), module="Deals").json["fields"]
        fields = {field["api_name"]: field for field in deals}
        related = crm.get(path(version, "settings/related_lists"), module="Deals").json["related_lists"]
        notes = next(
            related_list["module"] for related_list in related if related_list["api_name"] == "Notes"
        )
        layout = crm.get(path(version, "settings/layouts"), module="Deals").json["layouts"][0]
        account = fields["Account_Name"]["lookup"]["module"]
        stage = fields["Stage"]["pick_list_values"][0]["forecast_category"]
        if version in up_to("v2.1"):
            assert (notes, account, layout["status"]) == ("Notes", "Accounts", 0)
            assert len(stage) == 19
        else:
            assert (notes["api_name"], account["api_name"], layout["status"]) == (
                "Notes",
                "Accounts",
                "active",
            )
            assert set(stage) == {"name", "id"}


def test_links_name_their_modules_and_no_more_before_v3(crm):
    links = {"module": {"api_name": "Products"}}
    (identity,) = made(crm, field("Interests", "multiselectlookup", multiselectlookup=links))
    for version in NAMES:
        answer = crm.get(path(version, f"settings/fields/{identity}"), module="Leads")
        shown = answer.json["fields"][0]["multiselectlookup"]
        modules = [shown["linking_module"], shown["connected_module"]]
        if version not in up_to("v2.1"):
            modules = [module["api_name"] for module in modules]
        assert modules == ["Leads_X_Products", "Products"]


def test_a_module_is_visible_before_v5(crm):
    for version in NAMES:
        shown = crm.get(path(version, "settings/modules/Leads")).json["modules"][0]
        assert shown.get("visible") == (True if version in up_to("v4") else None)


def test_a_write_without_a_success_is_accepted_in_v2(crm):
    for version in NAMES:
        answer = crm.post(path(version, "Leads"), {"data": [{"Company": "No last name"}]})
        assert answer.status == (202 if version == "v2" else 400)
        assert answer.data[0]["code"] == "MANDATORY_NOT_FOUND"
        assert crm.post(path(version, "Leads"), {"data": []}).status == 400


def test_errors_are_worded_as_they_were_before_v8(crm):
    for version in NAMES:
        missing = crm.get(path(version, "Leads/search")).json
        assert (missing["code"], missing["message"]) == ("EXPECTED_PARAM_MISSING", "mandatory param missing")
        assert crm.get(path(version, "Home/search")).json["message"] == "module not supported for search"


def test_a_body_that_is_no_json_is_refused_in_every_version(crm):
    for version in NAMES:
        for body in (b"", b"{", b'{"data": [{"Product_Details": ', b"[" * 100_000):
            assert crm.call("POST", path(version, "Quotes"), body=body).status == 400


def test_what_is_not_here_is_named_in_the_version_that_was_called(crm):
    with capture_logs():
        for version in NAMES:
            answer = crm.post(path(version, "leads/1/actions/send_mail_merge"), {})
            operation = f"POST /crm/{version}/{{module}}/{{id}}/actions/send_mail_merge"
            assert (answer.status, answer.headers["moorage-hint"]) == (404, f"not implemented: {operation}")


def test_a_long_answer_is_changed_aside_from_the_event_loop(crm, monkeypatch):
    crm.insert("Leads", *({"Last_Name": "Long", "Description": "x" * 3_000} for _ in range(100)))
    threads = []

    def noted(answer, encoded=Answer.response):
        threads.append(threading.current_thread())
        return encoded(answer)

    monkeypatch.setattr(Answer, "response", noted)
    whole = crm.get("/crm/v2/Leads")
    assert len(whole.data) == 100 and whole.data[0]["$converted"] is False
    assert whole.json["info"] == {"per_page": 200, "count": 100, "page": 1, "more_records": False}
    assert crm.get("/crm/v2/Leads", per_page="2").json["info"]["count"] == 2
    assert [thread is threading.main_thread() for thread in threads] == [False, True]


# Operations to come: the table knows their differences already.


def asked(crm, version, route, handler, query=b"", body=b""):
    """What a version answers around a handler of ours."""
    organisation = crm.service.organisations.open(crm.organisation)
    params = dict(pair.split("=") for pair in query.decode().split("&") if pair)
    request = Request("POST", b"", query, [], body)
    call = Call(request, organisation, None, {"module": "Leads", "id": "1"}, params, 0.0, None)
    method, pattern = route.split()
    own_route = Route(method, pattern, handler, ())
    VERSIONS[version].prepare(own_route, call)
    return VERSIONS[version].answer(own_route, call)


def test_tags_are_named_in_the_query_before_v4(crm):
    seen = []

    def handler(call):
        seen.append((call.request.body, dict(call.params)))
        return Response(200)

    query = b"tag_names=a, b&ids=1,2&over_write=true"
    for version in NAMES:
        asked(crm, version, "POST /crm/v8/{module}/actions/add_tags", handler, query)
        body, params = seen.pop()
        if version in up_to("v3"):
            assert json.loads(body) == {
                "tags": [{"name": "a"}, {"name": "b"}],
                "ids": ["1", "2"],
                "over_write": True,
            }
            assert params == {}
        else:
            assert (body, set(params)) == (b"", {"tag_names", "ids", "over_write"})


def test_the_table_names_operations_that_there_are():
    known = {f"{route.method} {route.pattern}" for route in routes()}
    known |= {f"{method} {path}" for method, path in listed()}
    for difference in TABLE:
        assert difference.last in NAMES
        assert set(difference.calls) <= known | {"*"}, difference.says
