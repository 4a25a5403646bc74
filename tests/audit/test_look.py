"""`GET /audit/chain`: an account sees whether its own entries fit together."""

import pytest

from moorage.audit import routes, service, store
from tests.control_database import on_both as database_settings  # noqa: F401 (a fixture)


@pytest.fixture
def noted(control, owner):
    for name in ("one", "two", "three"):
        owner.call("POST", "/keys", {"name": name})


def test_entries_fit_together_from_the_first_one_on_or_from_any(owner, stranger, noted):
    whole = owner.get("/audit/chain").json
    assert (whole["chain"]["first"], whole["chain"]["upto"], whole["chain"]["faults"]) == (1, 4, [])
    assert whole["next_cursor"] is None
    assert whole["chain"]["hash"] == owner.get("/audit?limit=1").json["head"]["hash"]
    part = owner.get("/audit/chain?cursor=3").json["chain"]
    assert (part["first"], part["upto"], part["faults"]) == (3, 4, [])
    assert stranger.get("/audit/chain").json["chain"]["upto"] == 1
    assert owner.get("/audit/chain?cursor=0").code == "parameter_invalid"


def test_a_look_ends_in_time_and_the_next_one_begins_with_its_last_entry(owner, noted, monkeypatch):
    monkeypatch.setattr(routes, "LONGEST_LOOK", -1)
    monkeypatch.setattr(service, "LOOK", 2)
    first = owner.get("/audit/chain").json
    assert (first["chain"]["upto"], first["next_cursor"]) == (2, "2")
    second = owner.get("/audit/chain?cursor=2").json
    assert (second["chain"]["first"], second["chain"]["upto"], second["next_cursor"]) == (2, 3, "3")
    last = owner.get("/audit/chain?cursor=4").json
    assert (last["chain"]["first"], last["next_cursor"]) == (4, None)


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        ((4, "0" * 64), "its last entry is 4, but 4 is noted as the last one"),
        ((6, "0" * 64), "entries 5 to 6 are missing at the end"),
        (None, "the note of its last entry is missing"),
    ],
)
def test_what_is_missing_at_the_end_is_named(owner, noted, monkeypatch, head, fault):
    async def head_of(_tx, _account_id):
        return head

    monkeypatch.setattr(store, "head_of", head_of)
    assert owner.get("/audit/chain?cursor=2").json["chain"]["faults"] == [fault]


def test_the_middle_of_the_chain_is_looked_at(owner, noted, monkeypatch):
    search = store.search

    async def altered(*arguments, **options):
        documents = await search(*arguments, **options)
        return [{**one, "subject": "x"} if one["number"] == 2 else one for one in documents]

    monkeypatch.setattr(store, "search", altered)
    assert owner.get("/audit/chain").json["chain"]["faults"] == [
        "entry 2 was changed: its hash is not that of its content"
    ]

    async def without(*arguments, **options):
        return [one for one in await search(*arguments, **options) if one["number"] not in {2, 3}]

    monkeypatch.setattr(store, "search", without)
    assert owner.get("/audit/chain?cursor=2").json["chain"]["faults"] == ["entries 2 to 3 are missing"]
