"""`GET /audit`: an account reads its own entries, and nobody else's."""

import json

import pytest

from tests.control_database import on_both as database_settings  # noqa: F401 (a fixture)


@pytest.fixture
def noted(control, owner):
    """The account's entries: three keys made, one of them revoked."""
    for name in ("one", "two", "three"):
        control.clock.advance(60)
        key = owner.call("POST", "/keys", {"name": name}).json["key"]
    control.clock.advance(60)
    owner.call("DELETE", f"/keys/{key['id']}")
    return key


def shown(caller, query=""):
    answer = caller.get(f"/audit{query}")
    assert answer.status == 200, answer.text
    return [
        (entry["action"], (entry["before"] or entry["after"])["name"]) for entry in answer.json["entries"]
    ]


MADE = [("key.created", name) for name in ("three", "two", "one", "owner")]
REVOKED = [("key.revoked", "three")]


def test_the_newest_entry_comes_first_and_the_answer_names_the_last_one(owner, noted):
    assert shown(owner) == REVOKED + MADE
    answer = owner.get("/audit?limit=1").json
    [entry] = answer["entries"]
    assert answer["head"] == {"number": 5, "hash": entry["hash"]}
    assert entry["subject"] == noted["id"] and entry["at"] == "2026-02-07T09:14:56.048460Z"
    assert entry["before"]["scopes"] == noted["scopes"]


def test_each_filter_shows_what_it_names(owner, noted):
    expected = {
        "?action=key.revoked": REVOKED,
        "?action=key": REVOKED + MADE,
        "?action=ke": [],
        "?action=%25": [],
        "?actor=owner": REVOKED + MADE[:3],
        "?actor=server": MADE[3:],
        "?since=90s": REVOKED + MADE[:1],
        "?since=2026-02-07T10:13:00%2B01:00&until=2026-02-07T09:14:00Z": MADE[:1],
        "?until=1h": [],
        "?order=oldest&limit=2": [MADE[3], MADE[2]],
        "?subject=absent": [],
        f"?subject={noted['id']}": [*REVOKED, MADE[0]],
    }
    assert {query: shown(owner, query) for query in expected} == expected


def test_pages_fit_together(owner, noted):
    for order in ("newest", "oldest"):
        whole = owner.get(f"/audit?order={order}").json
        assert whole["next_cursor"] is None
        pages, cursor = [], ""
        while cursor is not None:
            page = owner.get(f"/audit?order={order}&limit=2&cursor={cursor}").json
            pages += page["entries"]
            cursor = page["next_cursor"]
        assert pages == whole["entries"]


def test_another_account_sees_its_own_entries_only(owner, stranger, noted):
    assert shown(stranger) == [("key.created", "stranger")]
    assert shown(stranger, f"?subject={noted['id']}") == []


def test_what_can_not_be_used_is_named(owner):
    for query in (
        "limit=0", "limit=1001", "limit=x", "cursor=-1", "cursor=9999999999999999999999", "order=random",
        "since=yesterday", "until=999999w", "since=0001-01-01T00:00:00%2B14:00", "actor=%00",
        f"subject={'x' * 201}", "action=a%0Ab",
    ):  # fmt: skip
        answer = owner.get(f"/audit?{query}")
        assert (answer.status, answer.code) == (400, "parameter_invalid"), query
        assert answer.json["message"].startswith(f"{query.partition('=')[0]} can't be")


def test_no_secret_of_a_run_is_in_the_audit(control, owner):
    control.organisation("acme")
    connection = owner.connect("acme", alias="sales")
    made = owner.call("POST", "/keys", {"name": "ci"}).json
    rotated = owner.call("POST", f"/keys/{made['key']['id']}/rotate").json
    pending = owner.connect(embedded=True)
    control.press(pending["url"], "acme")
    owner.call("DELETE", f"/connections/{connection['id']}")
    secrets = [owner.key, made["secret"], rotated["secret"]]
    secrets += [url.partition("session_token=")[2] for url in (connection["url"], pending["url"])]
    vault = control.run(stored(control))
    assert len(vault) == 2 and all(len(secret) > 20 for secret in [*secrets, *vault])
    page = owner.get("/audit?limit=1000")
    assert [entry["action"] for entry in page.json["entries"]].count("key.rotated") == 1
    text = json.dumps(control.run(rows(control)), default=str)
    assert [secret for secret in [*secrets, *vault] if secret in text or secret in page.text] == []


async def stored(control):
    """The tokens that the vault holds, decrypted."""
    rooms = control.rooms
    async with rooms.database.reading() as tx:
        kept = (await tx.connection.exec_driver_sql("SELECT owner_id, kind FROM secrets")).all()
    return [(await rooms.vault.get(row.owner_id, row.kind)).value for row in kept]


async def rows(control):
    async with control.rooms.database.reading() as tx:
        return [tuple(row) for row in await tx.connection.exec_driver_sql("SELECT * FROM audit_entries")]
