"""Whatever an agent sends, and whatever an app answers: a tool tells something, or says in words why it can't."""

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.mcp.crm import PROFILE
from moorage.mcp.errors import ToolFailed
from moorage.mcp.memory import Memory

SOME = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# The tools that call nothing but an account's records. The others need a control database.
OF_RECORDS = [tool.name for tool in PROFILE.tools if "module" in tool.input_schema["properties"]] + [
    "query_records",
    "convert_lead",
]
TEXT = st.text(max_size=20) | st.sampled_from(["Leads", "Deals", "id", "..", "a/b", "\x00", "a\r\nb", "1"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
OWN = {
    "module": st.sampled_from(["Leads", "Deals", "Notes", "Nowhere", "settings"]),
    "ids": st.lists(st.integers(0, 10**20).map(str), min_size=1, max_size=3),
    "id": st.integers(0, 10**20).map(str),
    "mode": st.sampled_from(["create", "update", "upsert"]),
    "records": st.lists(
        st.dictionaries(st.sampled_from(["id", "Last_Name", "Owner", "Amount", "City"]) | TEXT, ANYTHING, max_size=3),
        min_size=1,
        max_size=2,
    ),
    "coql": TEXT.map(lambda text: f"select {text} from Leads where Last_Name = '{text}'") | TEXT,
    "text": TEXT,
}  # fmt: skip


def arguments_of(tool):
    names = tool.input_schema["properties"]
    required = {name: OWN[name] for name in tool.input_schema.get("required", ())}
    optional = {name: ANYTHING | OWN.get(name, TEXT) for name in names if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


@pytest.mark.parametrize("name", OF_RECORDS)
def test_any_arguments(tools, name):
    @SOME
    @given(arguments_of(PROFILE.by_name[name]))
    def call(arguments):
        with contextlib.suppress(ToolFailed):
            tools(name, **arguments)

    call()


RIGHT = {
    "module": "Leads",
    "ids": ["1"],
    "id": "1",
    "mode": "create",
    "records": [{"Last_Name": "x"}],
    "coql": "select id from Leads where id = 1",
    "text": "x",
}
MEMBERS = [
    "data",
    "info",
    "modules",
    "fields",
    "api_name",
    "code",
    "details",
    "status",
    "id",
    "custom_view",
    "count",
]
ANSWER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["success", "Leads", "x"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("name", OF_RECORDS)
def test_any_answer_of_an_app(tools, name):
    arguments = {key: RIGHT[key] for key in PROFILE.by_name[name].input_schema.get("required", ())}

    @SOME
    @given(
        st.lists(st.tuples(st.sampled_from([200, 204, 207, 400, 401, 500]), ANSWER), min_size=4, max_size=4)
    )
    def call(answers):
        tools.memory = Memory()
        tools.door.answers = [(status, json.dumps(answer).encode()) for status, answer in answers]
        with contextlib.suppress(ToolFailed):
            tools(name, **arguments)

    call()
