from contextlib import closing, contextmanager
from datetime import timedelta

import pytest

from moorage.keys.model import checksum, new_secret, public_part
from tests.control import Caller
from tests.control_database import Held
from tests.control_database import on_both as database_settings  # noqa: F401


def sent(authorization):
    return [("Authorization", authorization)] if authorization is not None else []


@pytest.fixture
def revoked(control):
    """The key of somebody who had one."""
    former = Caller(control, "former")
    assert former.get("/connections").status == 200
    [key] = control.run(control.rooms.keys.list(former.account))
    control.run(control.rooms.keys.revoke(former.account, key.id))
    return former.key


def forged(key):
    """A key of the right form whose public part, which `GET /keys` shows, is that of another."""
    prefix = public_part(key)
    body = prefix.removeprefix("mk_") + new_secret("live")[len(prefix) : -6]
    return f"mk_{body}{checksum(body)}"


def test_no_malformed_unknown_and_revoked_keys_are_told_apart_to_nobody(control, owner, revoked):
    mistyped = owner.key[:-1] + ("a" if owner.key[-1] != "a" else "b")
    headers = [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Bearer " + "x" * 49,
        "Bearer " + "x" * 5000,
        f"Bearer {mistyped}",
        f"Bearer {forged(owner.key)}",
        f"Bearer {forged(revoked)}",
        f"Bearer {revoked}",
        f"Bearer {owner.key} x",
        f"Bearer {owner.key},",
        f"Bearer {owner.key.lower()}",
        "Bearer \xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4\xf3\xf2\xf1\xf0",
        owner.key,
        f"Basic {owner.key}",
        f"Token {owner.key}",
        f"Zoho-oauthtoken {owner.key}",
        f"Bearer\t{owner.key}",
    ]
    for method, path in (("GET", "/connections"), ("POST", "/connections"), ("DELETE", "/connections/x")):
        answers = [control.call(method, path, headers=sent(header)) for header in headers]
        assert {answer.status for answer in answers} == {401}
        assert {answer.code for answer in answers} == {"key_invalid"}
        assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
        assert all(answer.alike() == answers[0].alike() for answer in answers)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_schemes_case_and_the_space_around_a_key_do_not_matter(control, owner, scheme):
    header = sent(f"{scheme} {owner.key} ")
    assert control.call("GET", "/connections", headers=header).status == 200


def test_the_key_counts_nowhere_but_in_its_header(control, owner):
    for path in (f"/connections?key={owner.key}", f"/connections?access_token={owner.key}"):
        assert control.call("GET", path).status == 401
    assert control.call("GET", "/connections", headers=[("X-Api-Key", owner.key)]).status == 401
    assert control.call("GET", "/connections", headers=[("Cookie", f"key={owner.key}")]).status == 401


def test_nothing_is_read_of_a_request_before_its_key(control):
    assert control.call("POST", "/connections", body=b"{").status == 401
    assert control.call("GET", "/connections?limit=x").status == 401
    assert control.call("GET", "/connections/x").status == 401


def test_a_revoked_key_stops_at_once_where_it_was_revoked(control, owner, revoked):
    header = sent(f"Bearer {revoked}")
    assert control.call("GET", "/connections", headers=header).status == 401
    assert owner.get("/connections").status == 200


def last_used(control, owner, rooms=None):
    [key] = control.run((rooms or control.rooms).keys.list(owner.account))
    return key.last_used_at


def test_use_is_shown_at_once_and_written_later(control, owner):
    assert last_used(control, owner) is None
    owner.get("/connections")
    assert last_used(control, owner) == control.clock.now()
    with another(control) as other:
        assert last_used(control, owner, other) is None
        control.run(control.rooms.keys.note_uses())
        assert last_used(control, owner, other) == control.clock.now()


def test_a_use_that_was_noted_ahead_of_now_holds_up_no_later_one(control, owner):
    control.clock.advance(2 * 86_400)
    owner.get("/connections")
    control.run(control.rooms.keys.note_uses())
    control.clock.advance(-2 * 86_400)
    owner.get("/connections")
    control.run(control.rooms.keys.note_uses())
    assert last_used(control, owner) == control.clock.now()


@contextmanager
def another(control):
    """The same data folder as another process has it."""
    with control.another() as rooms:
        yield rooms


@contextmanager
def held(control):
    """Another program's write lock on the control database, as a full disk keeps all from writing."""
    with closing(Held(control.settings)) as other:
        other.hold()
        yield
        other.let_go()


def test_who_calls_is_found_without_writing(control, owner):
    with held(control):
        assert owner.get("/connections").status == 200
        assert control.call("GET", "/connections", headers=sent("Bearer " + "x" * 40)).status == 401
        control.rooms.keys.clear()
        assert owner.get("/connections").status == 200


def test_what_no_key_can_be_costs_no_question_to_the_database(control, owner, monkeypatch):
    owner.get("/connections")
    asked = []
    monkeypatch.setattr(control.rooms.database, "_lent", lambda *_: asked.append(1))
    for number in range(100):
        wrong = new_secret("live") if number % 2 else f"wrong-key-{number:030}"
        assert control.call("GET", "/connections", headers=sent(f"Bearer {wrong}")).status == 401
    assert asked == []


def test_a_key_that_another_process_has_just_made_works_at_once(control, owner):
    assert control.call("GET", "/connections", headers=sent("Bearer " + "x" * 40)).status == 401
    with another(control) as other:
        _, secret = control.run(other.keys.create(owner.account, "new"))
        assert control.call("GET", "/connections", headers=sent(f"Bearer {secret}")).status == 200


def test_a_remembered_key_ends_when_it_ends(control, owner):
    ends = control.clock.now() + timedelta(seconds=30)
    _, secret = control.run(control.rooms.keys.create(owner.account, "short", expires_at=ends))
    assert control.call("GET", "/connections", headers=sent(f"Bearer {secret}")).status == 200
    control.clock.advance(30)
    assert control.call("GET", "/connections", headers=sent(f"Bearer {secret}")).status == 401


def test_the_secret_is_kept_nowhere(control, owner, tmp_path):
    owner.get("/connections")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files and not [file for file in files if owner.key.encode() in file.read_bytes()]
