"""The control API of keys."""

import json

import pytest

from moorage.keys import store
from moorage.keys.model import may_be_secret
from moorage.keys.scopes import EVERYTHING
from tests.control_database import on_both as database_settings  # noqa: F401

ALL = EVERYTHING.texts()


def make(caller, **body):
    """A key of that caller's, as the answer to its making tells it."""
    answer = caller.call("POST", "/keys", {"name": "ci", **body})
    assert answer.status == 200, answer.text
    return answer.json


def asked(caller, secret, method="GET", target="/connections", body=None):
    sent = b"" if body is None else json.dumps(body).encode()
    return caller.control.call(method, target, key=secret, body=sent)


def narrow(caller, *scopes, **more):
    return make(caller, scopes=list(scopes), **more)["secret"]


def test_a_new_key_is_shown_with_its_secret_this_once(control, owner):
    created = make(owner)
    key, secret = created["key"], created["secret"]
    assert created.keys() == {"key", "secret"}
    assert key == {
        "id": key["id"],
        "name": "ci",
        "mode": "live",
        "prefix": secret[:18],
        "scopes": ALL,
        "created_at": "2026-02-07T09:10:56.048460Z",
        "expires_at": None,
        "last_used_at": None,
        "revoked_at": None,
        "policy": None,
        "grant": None,
    }
    assert may_be_secret(secret) and key["id"].startswith("key_")
    assert asked(owner, secret).status == 200
    listed = owner.get("/keys")
    assert [candidate["name"] for candidate in listed.json["keys"]] == ["owner", "ci"]
    assert secret not in listed.text and secret[18:] not in listed.text
    assert listed.json["keys"][1] == key | {"last_used_at": "2026-02-07T09:10:56.048460Z"}


def test_scopes_mode_and_end_can_be_chosen(owner):
    key = make(
        owner,
        scopes=["proxy:zoho-crm:read", "connections:read", "connections:read"],
        mode="test",
        expires_at="2026-03-01T01:00:00+01:00",
    )["key"]
    assert key["scopes"] == ["connections:read", "proxy:zoho-crm:read"]
    assert (key["mode"], key["prefix"][:8]) == ("test", "mk_test_")
    assert key["expires_at"] == "2026-03-01T00:00:00.000000Z"


@pytest.mark.parametrize("left_out", [{}, {"scopes": None, "mode": None, "expires_at": None}])
def test_what_is_left_out_is_as_the_caller_has_it(control, owner, left_out):
    secret = narrow(owner, "keys:write", "proxy:zoho-crm", mode="test", expires_at="2026-02-08T00:00:00Z")
    key = asked(owner, secret, "POST", "/keys", {"name": "child", **left_out}).json["key"]
    assert key["scopes"] == ["keys:write", "proxy:zoho-crm"]
    assert (key["mode"], key["expires_at"]) == ("test", "2026-02-08T00:00:00.000000Z")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"name": ""}',
        b'{"name": "  "}',
        b'{"name": 7}',
        b'{"name": null}',
        b'{"name": "a\\u001b[2Jb"}',
        b'{"name": "two\\nlines"}',
        json.dumps({"name": "x" * 101}).encode(),
        b'{"name": "ci", "scopes": "proxy"}',
        b'{"name": "ci", "scopes": []}',
        b'{"name": "ci", "scopes": [null]}',
        b'{"name": "ci", "scopes": {"proxy": true}}',
        b'{"name": "ci", "mode": "prod"}',
        b'{"name": "ci", "mode": ""}',
        b'{"name": "ci", "mode": ["live"]}',
        b'{"name": "ci", "expires_at": ""}',
        b'{"name": "ci", "expires_at": 1900000000}',
        b'{"name": "ci", "expires_at": true}',
        b'{"name": "ci", "expires_at": "tomorrow"}',
        b'{"name": "ci", "expires_at": "2026-03-01"}',
        b'{"name": "ci", "expires_at": "2026-03-01T00:00:00"}',
        b'{"name": "ci", "expires_at": "2026-02-07T09:10:56.048460Z"}',
        b'{"name": "ci", "expires_at": "0001-01-01T00:00:00+23:59"}',
        b'{"name": "ci", "expires_at": "9999-12-31T23:59:59-23:59"}',
        b'{"name": "ci", "expires_at": "2026-03-01T00:00:00Z\\u0000"}',
        json.dumps({"name": "ci", "expires_at": "9" * 5000}).encode(),
    ],
)
def test_what_can_not_be_a_key_is_refused_and_told_what_can(control, owner, body):
    answer = control.call("POST", "/keys", key=owner.key, body=body)
    assert (answer.status, answer.code) == (400, "body_invalid")
    assert answer.json["detail"] != answer.json["message"] and len(answer.body) < 1000
    assert len(owner.get("/keys").json["keys"]) == 1


@pytest.mark.parametrize(
    "scope", ["proxy:crm", "proxy:zoho_crm", "admin", "", "proxy:zoho-crm:write", "x" * 5000]
)
def test_a_scope_nobody_knows_is_refused_and_told_which_there_are(owner, scope):
    answer = owner.call("POST", "/keys", {"name": "ci", "scopes": ["proxy", scope]})
    assert (answer.status, answer.code) == (400, "scope_unknown")
    assert "keys:write" in answer.json["detail"] and len(answer.body) < 1500


@pytest.mark.parametrize(
    ("own", "wanted", "named"),
    [
        (["keys:write"], ["connections:read"], "connections:read"),
        (["keys:write"], ["proxy:zoho-crm:read"], "proxy:zoho-crm:read"),
        (["keys:write", "proxy:zoho-crm:read"], ["proxy:zoho-crm"], "proxy:zoho-crm"),
        (["keys:write", "proxy:zoho-crm"], ["proxy:zoho-crm", "proxy:read"], "proxy:read"),
        (["keys:write", "connections:read", "proxy:zoho-crm"], ["connections:read"], "proxy:read"),
        (["keys:write"], EVERYTHING.texts(), EVERYTHING.texts()[0]),
    ],
)
def test_no_key_makes_one_that_may_do_more(owner, own, wanted, named):
    answer = asked(owner, narrow(owner, *own), "POST", "/keys", {"name": "child", "scopes": wanted})
    assert (answer.status, answer.code) == (403, "scope_missing")
    assert named in answer.json["message"]
    assert len(owner.get("/keys").json["keys"]) == 2


def test_no_key_makes_one_that_lives_longer_or_reaches_further(owner):
    secret = narrow(owner, "keys:write", mode="test", expires_at="2026-02-08T00:00:00Z")
    for body in ({"mode": "live"}, {"expires_at": "2026-02-08T00:00:00.000001Z"}):
        answer = asked(owner, secret, "POST", "/keys", {"name": "child", **body})
        assert (answer.status, answer.code, answer.json["error"]["type"]) == (
            403,
            "rights_exceeded",
            "permission",
        )
    sooner = {"name": "child", "mode": "test", "expires_at": "2026-02-08T01:00:00+01:00"}
    assert asked(owner, secret, "POST", "/keys", sooner).status == 200


def test_no_key_gets_the_secret_of_one_that_may_do_more(owner):
    [first] = owner.get("/keys").json["keys"]
    own = make(owner, scopes=["keys:write"])
    answer = asked(owner, own["secret"], "POST", f"/keys/{first['id']}/rotate")
    assert (answer.status, answer.code) == (403, "scope_missing")
    assert owner.get("/keys").status == 200
    assert asked(owner, own["secret"], "POST", f"/keys/{own['key']['id']}/rotate").status == 200


def test_a_key_ends_when_it_was_to_end(control, owner):
    secret = make(owner, expires_at="2026-02-07T09:11:00Z")["secret"]
    assert asked(owner, secret).status == 200
    control.clock.advance(3.9)
    assert asked(owner, secret).status == 200
    control.clock.advance(0.1)
    never = control.call("GET", "/connections")
    assert asked(owner, secret).alike() == never.alike() and never.status == 401
    [_, key] = owner.get("/keys").json["keys"]
    assert key["expires_at"] == "2026-02-07T09:11:00.000000Z" and key["revoked_at"] is None


def test_a_revoked_key_stays_in_the_list_and_works_no_more(control, owner):
    created = make(owner)
    assert asked(owner, created["secret"]).status == 200
    changes = control.changes
    answer = owner.call("DELETE", f"/keys/{created['key']['id']}")
    assert answer.json["key"]["revoked_at"] == "2026-02-07T09:10:56.048460Z"
    assert control.changes == changes + 1, "the data plane is told to forget it"
    assert asked(owner, created["secret"]).status == 401
    control.clock.advance(1)
    assert owner.call("DELETE", f"/keys/{created['key']['id']}").json == answer.json
    assert owner.get("/keys").json["keys"][1]["revoked_at"] == answer.json["key"]["revoked_at"]


def test_after_a_rotation_both_secrets_work_until_the_overlap_ends(control, owner):
    created = make(owner, name="rotated")
    path, old = f"/keys/{created['key']['id']}/rotate", created["secret"]
    assert asked(owner, old).status == 200
    changes = control.changes
    rotated = owner.call("POST", path, {"overlap_seconds": 60}).json
    new = rotated["secret"]
    assert control.changes == changes + 1
    assert rotated["key"] == created["key"] | {
        "prefix": new[:18],
        "last_used_at": "2026-02-07T09:10:56.048460Z",
    }
    assert new != old and may_be_secret(new)
    assert [key["id"] for key in owner.get("/keys").json["keys"]].count(created["key"]["id"]) == 1
    control.clock.advance(59.9)
    assert {asked(owner, secret).status for secret in (old, new)} == {200}
    control.clock.advance(0.1)
    assert (asked(owner, old).status, asked(owner, new).status) == (401, 200)


def test_a_key_says_when_its_old_secret_was_last_used(control, owner):
    created = make(owner)
    path = f"/keys/{created['key']['id']}"
    rotated = owner.call("POST", f"{path}/rotate", {"overlap_seconds": 600}).json

    def old():
        return owner.get(path).json["key"]["old_secrets"]

    [unused] = old()
    assert unused == {
        "prefix": created["secret"][:18],
        "ends_at": "2026-02-07T09:20:56.048460Z",
        "last_used_at": None,
    }
    control.clock.advance(10)
    assert asked(owner, created["secret"]).status == 200
    assert old()[0]["last_used_at"] == "2026-02-07T09:11:06.048460Z"
    control.run(control.rooms.keys.note_uses())
    control.clock.advance(10)
    assert asked(owner, rotated["secret"]).status == 200
    assert old()[0]["last_used_at"] == "2026-02-07T09:11:06.048460Z", "the use of the new one does not count"
    owner.call("POST", f"{path}/rotate")
    assert [each["last_used_at"] for each in old()] == [
        "2026-02-07T09:11:06.048460Z",
        "2026-02-07T09:11:16.048460Z",
    ]
    control.clock.advance(600)
    assert len(old()) == 1


def test_a_second_rotation_lets_no_secret_live_longer_than_the_first_did(control, owner):
    created = make(owner)
    path = f"/keys/{created['key']['id']}/rotate"
    second = owner.call("POST", path, {"overlap_seconds": 10}).json["secret"]
    third = owner.call("POST", path, {"overlap_seconds": 100}).json["secret"]
    assert {asked(owner, secret).status for secret in (created["secret"], second, third)} == {200}
    control.clock.advance(10)
    assert [asked(owner, secret).status for secret in (created["secret"], second, third)] == [401, 200, 200]
    control.clock.advance(90)
    assert [asked(owner, secret).status for secret in (second, third)] == [401, 200]


def test_an_overlap_of_0_ends_the_old_secret_at_once_and_usually_it_is_an_hour(control, owner):
    created = make(owner)
    path = f"/keys/{created['key']['id']}/rotate"
    second = owner.call("POST", path, {"overlap_seconds": 0}).json["secret"]
    assert (asked(owner, created["secret"]).status, asked(owner, second).status) == (401, 200)
    third = owner.call("POST", path).json["secret"]
    control.clock.advance(3599)
    assert asked(owner, second).status == 200
    control.clock.advance(1)
    assert (asked(owner, second).status, asked(owner, third).status) == (401, 200)


def test_a_revoked_key_works_with_none_of_its_secrets(control, owner):
    created = make(owner)
    path = f"/keys/{created['key']['id']}"
    second = owner.call("POST", f"{path}/rotate").json["secret"]
    owner.call("DELETE", path)
    assert [asked(owner, secret).status for secret in (created["secret"], second)] == [401, 401]


@pytest.mark.parametrize("state", ["revoked", "expired"])
def test_a_key_that_has_ended_gets_no_new_secret(control, owner, state):
    key = make(owner, expires_at="2026-02-07T09:11:00Z")["key"]
    if state == "revoked":
        owner.call("DELETE", f"/keys/{key['id']}")
    else:
        control.clock.advance(60)
    answer = owner.call("POST", f"/keys/{key['id']}/rotate")
    assert (answer.status, answer.code) == (409, "key_inactive")
    assert state in answer.json["message"]


@pytest.mark.parametrize("overlap", [-1, 1.5, "60", True, 2_592_001, 10**30, []])
def test_an_overlap_that_can_not_be_is_refused(owner, overlap):
    created = make(owner)
    answer = owner.call("POST", f"/keys/{created['key']['id']}/rotate", {"overlap_seconds": overlap})
    assert (answer.status, answer.code) == (400, "body_invalid")
    assert asked(owner, created["secret"]).status == 200


def test_the_secret_that_is_to_end_makes_none_that_goes_on(control, owner):
    created = make(owner)
    path = f"/keys/{created['key']['id']}/rotate"
    owner.call("POST", path, {"overlap_seconds": 60})
    answer = asked(owner, created["secret"], "POST", path)
    assert (answer.status, answer.code) == (403, "rights_exceeded")
    child = asked(owner, created["secret"], "POST", "/keys", {"name": "child"}).json["key"]
    assert child["expires_at"] == "2026-02-07T09:11:56.048460Z"


@pytest.mark.parametrize(
    ("rights", "code"),
    [
        ({"scopes": ["keys:write"]}, "scope_missing"),
        ({"mode": "test"}, "rights_exceeded"),
        ({"expires_at": "2026-02-08T00:00:00Z"}, "rights_exceeded"),
    ],
)
def test_a_key_revokes_none_that_may_do_more_than_itself(owner, rights, code):
    victim, caller = make(owner), make(owner, **rights)
    path = f"/keys/{victim['key']['id']}"
    answer = asked(owner, caller["secret"], "DELETE", path)
    assert (answer.status, answer.code) == (403, code)
    assert "give out" not in answer.json["message"]
    assert asked(owner, victim["secret"]).status == 200
    # What it may do itself, it may take from others, and from itself.
    for key in (make(owner, **rights), caller):
        assert asked(owner, caller["secret"], "DELETE", f"/keys/{key['key']['id']}").status == 200


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ({"scope": ["proxy:zoho-crm:read"]}, "scopes"),
        ({"expires_in": "90d"}, "expires_at"),
        ({"Mode": "test"}, "mode"),
        ({"read_only": True}, None),
    ],
)
def test_a_wish_that_nobody_knows_makes_no_key(owner, body, meant):
    answer = owner.call("POST", "/keys", {"name": "agent", **body})
    assert (answer.status, answer.code) == (400, "body_invalid")
    assert repr(next(iter(body))) in answer.json["message"]
    assert (f"Did you mean {meant}?" in answer.json["message"]) == (meant is not None)
    assert len(owner.get("/keys").json["keys"]) == 1


def test_another_accounts_keys_look_missing(owner, stranger):
    created = make(owner)
    for method, tail in (("DELETE", ""), ("POST", "/rotate")):
        theirs = stranger.call(method, f"/keys/{created['key']['id']}{tail}")
        nobodys = stranger.call(method, f"/keys/key_nobody{tail}")
        assert (theirs.status, theirs.code) == (404, "key_unknown")
        assert theirs.text.replace(created["key"]["id"], "key_nobody") == nobodys.text
    assert [key["name"] for key in stranger.get("/keys").json["keys"]] == ["stranger"]
    assert asked(owner, created["secret"]).status == 200


def test_no_secret_is_kept_anywhere(owner, tmp_path):
    created = make(owner)
    rotated = owner.call("POST", f"/keys/{created['key']['id']}/rotate").json
    hidden = [answer["secret"][18:].encode() for answer in (created, rotated)]
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files and not [file for file in files if any(part in file.read_bytes() for part in hidden)]


def test_a_key_that_was_revoked_while_it_was_looked_up_is_not_remembered(control, owner, monkeypatch):
    created, keys = make(owner), control.rooms.keys
    look_up = store.key_of_secret

    async def and_revoked(tx, *secret):
        row = await look_up(tx, *secret)
        keys.clear()  # As when another process revokes it between this reading and what comes of it.
        return row

    monkeypatch.setattr(store, "key_of_secret", and_revoked)
    assert asked(owner, created["secret"]).status == 200
    monkeypatch.undo()
    control.run(revoke_unseen(control, created["key"]["id"]))
    assert asked(owner, created["secret"]).status == 401


async def revoke_unseen(control, key_id):
    async with control.rooms.database.transaction() as tx:
        await store.revoke(tx, key_id)


def test_many_keys_are_told_apart_by_what_is_shown_of_them(owner):
    keys_made = [make(owner, name=f"key {number}") for number in range(20)]
    listed = owner.get("/keys").json["keys"][1:]
    assert sorted(key["prefix"] for key in listed) == sorted(key["secret"][:18] for key in keys_made)
