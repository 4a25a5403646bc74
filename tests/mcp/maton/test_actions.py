"""The actions of Zoho CRM: all operations have one, words find them, and arguments make the right call."""

import base64
import contextlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.mcp.maton.actions import catalogue
from moorage.mcp.maton.actions.catalogue import APPS, actions
from moorage.mcp.maton.actions.parameters import ArgumentsWrong, Parameters, call_of, schema_of, text_of
from moorage.mcp.maton.actions.search import search
from moorage.policies.table import shipped

ACTIONS = actions()


def made(action_id, **arguments):
    action = ACTIONS[f"zoho-crm.{action_id}"]
    return call_of(action.path, action.parameters, arguments)


def found(pattern, count=3):
    return [action.id.removeprefix("zoho-crm.") for action in search(pattern, list(ACTIONS.values()))[:count]]


@pytest.mark.parametrize("app", APPS)
def test_every_operation_that_is_classified_is_an_action_once(app):
    classified = sorted((row.name, row.kind) for _, _, row in shipped(app))
    of_app = [action for action in ACTIONS.values() if action.app == app]
    assert sorted((f"{action.method} {action.path}", action.kind) for action in of_app) == classified


def test_ids_and_titles_can_be_read():
    for action in ACTIONS.values():
        assert re.fullmatch(r"zoho-crm\.[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*", action.id)
        assert 0 < len(action.title) <= 90 and action.title[0].isupper() and action.title[-1] != "."


def test_the_parameters_of_each_action_are_a_schema():
    for action in ACTIONS.values():
        schema = schema_of(action.path, action.parameters)
        names = list(schema["properties"])
        assert set(re.findall(r"\{(\w+)\}", action.path)) <= set(schema["required"]) <= set(names)
        assert all(re.fullmatch(r"[\w-]+", name) for name in names)


def test_parameters_are_those_of_operations():
    known = json.loads((Path(catalogue.__file__).parent / "zoho-crm.json").read_text())
    assert len(known) > 300
    assert known.keys() <= {f"{action.method} {action.path}" for action in ACTIONS.values()}


@pytest.mark.parametrize(
    ("pattern", "first"),
    [
        ("create a lead", "record.create"),
        ("find contact by email", "record.search"),
        ("list deals", "record.list"),
        ("convert lead", "record.convert"),
        ("add a note to a contact", "note.create"),
        ("run a COQL query", "query.run"),
        ("fields of a module", "field.list"),
        ("send an email", "email.send"),
        ("webhook", "notification-channel.list"),
        ("create.*record", "record.create"),
        ("zoho-crm.record.get", "record.get"),
        ("organization", "org.get"),
    ],
)
def test_words_find_what_is_meant(pattern, first):
    assert found(pattern, 1) == [first]


def test_alternatives_find_both_and_unknown_words_nothing():
    assert {"layout.list", "custom-view.list"} <= set(found("list layouts|list custom views", 4))
    assert found("xyzzy") == []
    assert found("  ") == ["record.list", "record.get", "record.search"]


def test_only_what_is_offered_is_found():
    reading = [action for action in ACTIONS.values() if action.kind == "read"]
    assert {action.kind for action in search("delete a record", reading)} <= {"read"}


def test_arguments_go_to_their_places():
    call = made(
        "record.list", module="Leads", fields=["Last_Name", "City"], per_page=5, **{"X-EXTERNAL": "A.B"}
    )
    assert (call.path, call.query) == ("/crm/v8/Leads", {"fields": "Last_Name,City", "per_page": "5"})
    assert (call.headers, call.body) == ({"X-EXTERNAL": "A.B"}, None)
    call = made("record.upsert", module="Leads", data=[{"Last_Name": "A"}], duplicate_check_fields=["Email"])
    assert call.body == {"data": [{"Last_Name": "A"}], "duplicate_check_fields": ["Email"]}
    assert made("record.clone", module="Leads", id="1", body={"data": []}).body == {"data": []}
    assert made("record.clone", module="Leads", id=1).path == "/crm/v8/Leads/1/actions/clone"
    assert (
        made("record.get", module="Leads", id="1/actions/convert").path
        == "/crm/v8/Leads/1%2Factions%2Fconvert"
    )
    call = made("email.download-attachment", module="Leads", id="1", attachment_id="2")
    assert call.query == {"id": "2"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"module": "Leads", "fields": "id", "perpage": 5}, "'perpage'. Did you mean per_page?"),
        ({"fields": "id"}, "needs module"),
        ({"module": "Leads"}, "needs fields"),
        ({"module": None, "fields": "id"}, "needs module"),
        ({"module": "..", "fields": "id"}, "module can't be '..'"),
        ({"module": "", "fields": "id"}, "module can't be ''"),
        ({"module": "Le\nads", "fields": "id"}, "module has a character"),
        ({"module": "Leads", "fields": "\ud800"}, "fields has a character"),
    ],
)
def test_a_wrong_argument_is_named(arguments, told):
    with pytest.raises(ArgumentsWrong, match=re.escape(told)):
        made("record.list", **arguments)


@settings(max_examples=20)
@given(st.text(min_size=1, max_size=20))
def test_an_argument_stays_one_segment_of_the_path(value):
    try:
        path = made("record.get", module="Leads", id=value).path
    except ArgumentsWrong:
        return
    assert path.startswith("/crm/v8/Leads/") and path.count("/") == 4
    assert re.fullmatch(r"[\w.~%/-]+", path, re.ASCII)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=20, deadline=None)
@given(st.data(), st.sampled_from(list(ACTIONS.values())))
def test_any_arguments_make_a_call_or_are_refused_in_words(data, action):
    names = schema_of(action.path, action.parameters)["properties"]
    arguments = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys([*names, "more"], ANYTHING)))
    with contextlib.suppress(ArgumentsWrong):
        call = call_of(action.path, action.parameters, arguments)
        assert call.path.startswith("/crm/") and all(text.isprintable() for text in call.headers.values())


def test_values_are_told_as_the_api_reads_them():
    assert [text_of("x", value) for value in (True, 5, 1.5, ["a", 1], {"a": [1]})] == [
        "true",
        "5",
        "1.5",
        "a,1",
        '{"a":[1]}',
    ]


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        ({"file_text": "a,b\n"}, b"a,b\n"),
        ({"file_base64": base64.b64encode(b"\x00\xff").decode()}, b"\x00\xff"),
    ],
    ids=["text", "base64"],
)
def test_a_file_is_sent_as_a_form(content, sent):
    call = made("bulk-write.upload", file_name="leads.csv", **content)
    boundary = call.headers["Content-Type"].partition("boundary=")[2]
    assert call.body.startswith(f"--{boundary}\r\n".encode()) and call.body.endswith(
        f"--{boundary}--\r\n".encode()
    )
    assert b'name="file"; filename="leads.csv"\r\n\r\n' + sent + b"\r\n" in call.body


@pytest.mark.parametrize(
    "arguments",
    [
        {"file_name": "a.csv"},
        {"file_name": 'a"; name="b', "file_text": "a"},
        {"file_name": "a\r\nX: y", "file_text": "a"},
        {"file_name": "a.csv", "file_text": "a", "file_base64": "YQ=="},
        {"file_name": "a.csv", "file_base64": "%"},
        {"file_name": 5, "file_text": "a"},
        {"file_name": "a.csv", "file_text": 5},
    ],
    ids=[
        "no content",
        "a field in the name",
        "a line in the name",
        "two contents",
        "no base64",
        "no name",
        "no text",
    ],
)
def test_a_wrong_file_is_refused(arguments):
    with pytest.raises(ArgumentsWrong):
        made("bulk-write.upload", **arguments)


def test_known_values_are_examples_and_lists_have_types():
    parameters = Parameters(query={"sort_order": "asc|desc"}, body={"ids!": ["string"], "more": {"a": "any"}})
    assert schema_of("/x/{id}", parameters) == {
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "The id of what the action is about"},
            "sort_order": {"type": "string", "examples": ["asc", "desc"], "description": "asc or desc"},
            "ids": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Ids, separated by commas; at most 100",
            },
            "more": {"type": "object", "properties": {"a": {}}},
        },
        "required": ["id", "ids"],
        "additionalProperties": False,
    }
