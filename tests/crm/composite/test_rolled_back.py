"""After a rollback an organisation is as it was, row by row."""

import contextlib

import apsw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.crm.storage.sqlite.file_rows import FileRows
from tests.crm.composite.parts import call, insert, part
from tests.crm.whole import contents


def whole(tmp_path):
    """All rows of all tables, and the counters."""
    with contextlib.closing(apsw.Connection(str(tmp_path / "crm" / "orgs" / "acme.db"))) as connection:
        return contents(FileRows(connection))


STEPS = st.lists(
    st.one_of(
        st.builds(
            insert,
            st.sampled_from(["Ash", "Birch"]),
            Tag=st.lists(st.builds(dict, name=st.sampled_from("ab"))),
        ),
        st.builds(lambda n: ("update", n), st.integers(0, 2)),
        st.builds(lambda n: ("delete", n), st.integers(0, 2)),
        st.builds(lambda n: ("tag", n), st.integers(0, 2)),
    ),
    max_size=4,
)


def step(kind, leads):
    if isinstance(kind, dict):
        return kind
    action, number = kind
    if action == "update":
        return part("PUT", f"Leads/{leads[number]}", {"data": [{"Last_Name": "Beech", "City": "b"}]})
    if action == "delete":
        return part("DELETE", f"Leads/{leads[number]}")
    return part("POST", f"Leads/{leads[number]}/actions/add_tags", {"tags": [{"name": "c"}]})


def test_after_a_rollback_the_organisation_is_as_it_was(acme, tmp_path):
    leads = acme.insert(
        "Leads", *({"Last_Name": name, "Tag": [{"name": "a"}]} for name in ("Ash", "Bay", "Cob"))
    )
    before = whole(tmp_path)

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(STEPS)
    def rolled_back(steps):
        parts = [step(kind, leads) for kind in steps]
        assert call(acme, *parts, insert(None), rollback_on_fail=True)[0] == 400
        assert whole(tmp_path) == before

    rolled_back()
