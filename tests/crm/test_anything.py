"""No request of a client makes a 5xx, and each refusal has Zoho's shape."""

import json
import re
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, example, given, note, settings
from hypothesis import strategies as st

from moorage.crm.errors import OrganisationInvalid
from moorage.crm.records.modules import rules_of
from moorage.http.message import Request
from tests.crm.families import FAMILIES

text = st.text(max_size=30)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(
    ["Last_Name", "Email", "Phone", "Annual_Revenue", "No_of_Employees", "Owner", "Tag", "id", "Email_Opt_Out",
     "Rating", "Website", "Description", "Created_Time", "$append_values", "Layout", "Stage", "Account_Name",
     "Closing_Date", "Quoted_Items", "What_Id", "$se_module", "Participants", "Remind_At"]
)  # fmt: skip
records = st.dictionaries(names | text, values, max_size=5) | values
bodies = st.one_of(
    st.binary(max_size=60),
    values.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {"data": st.lists(records, max_size=3) | values},
        optional={"trigger": values, "duplicate_check_fields": values},
    ).map(lambda value: json.dumps(value).encode()),
)
parameters = st.dictionaries(
    st.sampled_from(
        ["fields", "page", "per_page", "page_token", "sort_by", "sort_order", "cvid", "ids", "criteria", "email",
         "phone", "word", "type", "module", "status", "converted", "approved", "include", "territory_id"]
    ) | text,
    text | st.integers().map(str) | st.sampled_from(["Last_Name", "Leads", "id", "all", "AllUsers", "true", "desc"]),
    max_size=5,
)  # fmt: skip
segments = (
    st.sampled_from(["Leads", "Contacts", "Deals", "Quotes", "Notes", "7243485000000597000", "1", "x"]) | text
)
headers = st.dictionaries(
    st.sampled_from(["if-modified-since", "if-unmodified-since", "x-external", "content-type", "accept"]),
    text
    | st.sampled_from(
        ["2026-02-06T01:10:56-08:00", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-23:59"]
    ),
    max_size=2,
)


def send(crm, method, path, query, body, more):
    """Through the door, with bytes as a socket gives them."""
    request = Request(
        method,
        path,
        query,
        [
            (b"authorization", b"Bearer " + crm.token.encode()),
            *((k.encode(), v.encode("utf-8", "replace")) for k, v in more.items()),
        ],
        body,
    )
    import asyncio

    async def run():
        answer = crm.service.answer(request)
        return await answer if hasattr(answer, "__await__") else answer

    return asyncio.run(run())


def assert_sound(answer):
    assert answer.status < 500, answer.body
    if answer.status >= 400:
        document = json.loads(answer.body)
        # The outcomes of a write stand in `data`, or in a member that is called like what was written: a list, or the
        # only outcome there can be.
        named = (value if isinstance(value, list) else [value] for value in document.values())
        faults = [document] if "status" in document else next(named)
        for fault in faults:
            if fault["status"] == "error":
                assert {"code", "details", "message", "status"} <= fault.keys()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_route_takes_anything(demo, family):
    """What is made up is sent to each route of a family: to make it up takes four times as long as to answer it."""

    @given(st.lists(segments, min_size=4, max_size=4), parameters, bodies, headers)
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    def check(parts, params, body, more):
        query = urlencode(params, errors="replace").encode()
        for route in FAMILIES[family]:
            note(f"{route.method} {route.pattern}")
            filled = iter(parts)
            path = re.sub(r"\{\w+\}", lambda _, filled=filled: quote(next(filled), safe=""), route.pattern)
            assert_sound(send(demo, route.method, path.encode(), query, body, more))

    check()


ODD = (
    None, True, 5, -1, 1.5, 10**18, 10**30, 1e300, 5e-324, "", " ", "abc", "a\0", "-None-", "9" * 600, "x" * 33_000,
    "2026-02-30", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "9999-12-31", "0001-01-01",
    [], [5], [[1]], [{}], {}, {"id": None}, {"id": "1"}, {"name": "x"}, {"a": {"b": [1]}},
    [{"id": "1", "_delete": None}],
)  # fmt: skip


def usual(crm, catalog, field):
    """A value that a field takes."""
    lookups = [name for name in (field.lookup, *field.lookup_modules) if name]
    if lookups:
        return {"id": crm.get(lookups[0], fields="id").data[0]["id"]}
    if field.storage == "rows":
        rows = catalog.rows_of(field).fields.values()
        return [{row.api_name: usual(crm, catalog, row) for row in rows if row.mandatory}]
    if field.storage == "user":
        return crm.get("users", type="CurrentUser").json["users"][0]["id"]
    if field.storage == "datetime":
        return "2026-02-06T10:00:00Z"
    by_storage = {"integer": 5, "real": 5, "json": [{}]}
    return by_storage.get(field.storage, "10:00")


def test_every_field_of_every_module_takes_anything_and_what_it_took_can_be_read(demo):
    catalog = demo.service.organisations.open(demo.organisation).catalog
    demo.insert("Services__s", {"Service_Name": "x", "Duration": 30})
    written = [
        module
        for module in catalog.modules.values()
        if module.flags["creatable"] and not rules_of(module).through_parents
    ]
    for module in written:
        fields = [field for field in module.fields.values() if field.creatable]
        whole = {field.api_name: usual(demo, catalog, field) for field in fields if field.mandatory}
        records = [whole, *(whole | {field.api_name: value} for field in fields for value in ODD)]
        records_written = []
        for start in range(0, len(records), 100):
            answer = demo.post(module.api_name, {"data": records[start : start + 100]})
            assert answer.status < 500, answer.body
            records_written += [
                outcome["details"]["id"] for outcome in answer.data if outcome["status"] == "success"
            ]
        assert records_written, module.api_name
        names = [*module.fields][:50]
        for start in range(0, len(records_written), 100):
            ids = ",".join(records_written[start : start + 100])
            assert demo.get(module.api_name, fields=",".join(names), ids=ids).status == 200
        for record_id in records_written[:: len(records_written) // 15 + 1]:
            assert demo.get(f"{module.api_name}/{record_id}").status == 200


@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW"]),
    st.binary(max_size=60),
    st.binary(max_size=60),
    st.binary(max_size=60),
)
@example("GET", b"crm/v8/Leads/%ff%00%zz", b"%=&=%&&fields=%ff", b"")
@example("GET", b"crm/v8//", b"", b"")
@example("POST", b"oauth/v2/token", b"grant_type=%ff", b"\xff\x00=&=")
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_path_query_and_body_are_answered(demo, method, path, query, body):
    answer = send(demo, method, b"/" + path, query, body, {})
    assert answer.status < 500


WRITES = {
    "the same e-mail twice": {"data": [{"Last_Name": "a", "Email": "a@x.example"}] * 2},
    "a NUL": {"data": [{"Last_Name": "a\0"}]},
    "numbers beyond int64": {
        "data": [{"Last_Name": "a", "No_of_Employees": 10**30, "Annual_Revenue": 10**30}]
    },
    "an owner beyond int64": {"data": [{"Last_Name": "a", "Owner": 10**30}]},
    "a subform that is text": {"data": [{"Subject": "a", "Quoted_Items": "x"}]},
    "tags of every kind": {"data": [{"Last_Name": "a", "Tag": [1, None, {}, {"name": 5}, {"name": "\0"}]}]},
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("path", ["Leads", "Leads/upsert", "Quotes", "Contacts"])
def test_hard_bodies_are_refused_softly(kept_crms, name, path):
    crm, _ = kept_crms("sqlite", of=__name__)
    assert_sound(send(crm, "POST", b"/crm/v8/" + path.encode(), b"", json.dumps(WRITES[name]).encode(), {}))


def test_a_unique_field_of_any_type_refuses_a_second_record_and_takes_one_without_it(
    crm, make_organisation, caller_of
):
    catalog = crm.service.organisations.open(crm.organisation).catalog
    one_of_each_type = {
        field.data_type: field for field in catalog.modules["Leads"].fields.values() if field.creatable
    }
    values = {"email": "a@x.example", "phone": "1", "website": "www.x.example", "text": "a"}
    chosen = set()
    for data_type, field in one_of_each_type.items():
        try:
            make_organisation(f"u{field.id}", unique=(f"Leads.{field.api_name}",))
        except OrganisationInvalid:
            continue
        chosen.add(data_type)
        unique = caller_of(f"u{field.id}")
        record = {"Last_Name": "a", field.api_name: values.get(data_type, 5)}
        answer = unique.post("Leads", {"data": [record] * 2})
        assert [done["code"] for done in answer.data] == ["SUCCESS", "DUPLICATE_DATA"], field.api_name
        assert unique.post("Leads", {"data": [{"Last_Name": f"b{n}"} for n in range(2)]}).status == 201
    assert {"email", "phone", "website", "currency", "integer", "text"} <= chosen
