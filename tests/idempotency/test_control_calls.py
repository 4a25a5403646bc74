"""Control calls that are made once, however often a program tries."""

import json

import pytest

from moorage.idempotency import service
from moorage.keys.limits import RateLimiter
from tests.control import control, kept_secrets, owner, stranger  # noqa: F401 (fixtures)
from tests.control_database import (  # noqa: F401 (fixtures)
    control_in_postgresql,
    shared_control_database,
)
from tests.control_database import on_both as database_settings  # noqa: F401 (a fixture)


def headers(name):
    return {"headers": [("Idempotency-Key", name)]}


def made(owner):  # noqa: F811
    return [key["name"] for key in owner.get("/keys").json["keys"]]


def test_the_same_request_is_made_once_and_its_secret_answer_is_sealed(control, owner):  # noqa: F811
    body = {"name": "ci", "scopes": ["keys:read"]}
    first, second = (owner.call("POST", "/keys", body, **headers("a-1")) for _ in range(2))
    assert (first.status, second.status) == (200, 200)
    assert first.json == second.json
    assert made(owner).count("ci") == 1
    secret = first.json["secret"].encode()
    assert not any(
        secret in bytes(value) for row in kept_secrets(control) for value in row if isinstance(value, bytes)
    )
    other = owner.call("POST", "/keys", body, **headers("a-2"))
    assert other.json["secret"] != first.json["secret"]
    assert owner.call("POST", "/keys", body).json["secret"] != first.json["secret"]


def test_another_request_under_the_same_name_is_refused(owner, stranger):  # noqa: F811
    owner.call("POST", "/keys", {"name": "ci"}, **headers("a-1"))
    for path, body in (
        ("/keys", {"name": "other"}),
        ("/connections", {"name": "ci"}),
        ("/keys?a=b", {"name": "ci"}),
    ):
        answer = owner.call("POST", path, body, **headers("a-1"))
        assert (answer.status, answer.code) == (422, "idempotency_key_reused")
    assert made(owner) == ["owner", "ci"]
    assert stranger.call("POST", "/keys", {"name": "theirs"}, **headers("a-1")).status == 200


def test_what_was_refused_can_be_put_right(owner):  # noqa: F811
    refused = owner.call("POST", "/connections", {"app": "absent"}, **headers("a-1"))
    assert refused.status == 400
    assert owner.call("POST", "/connections", {"app": "zoho-crm"}, **headers("a-1")).status == 200


def test_of_requests_at_the_same_time_one_is_made(control, owner):  # noqa: F811
    ask = lambda: control.ask(  # noqa: E731
        "POST", "/keys", key=owner.key, body=json.dumps({"name": "ci"}).encode(), **headers("a-1")
    )
    answers = control.together(ask(), ask(), ask())
    codes = sorted(answer.status for answer in answers)
    assert codes[0] == 200
    assert set(codes) <= {200, 409}
    assert made(owner).count("ci") == 1


def test_a_request_whose_process_ended_is_not_made_again(control, owner, monkeypatch):  # noqa: F811
    class Ended(BaseException):
        """Nothing that was still to be done is done."""

    async def end(*_):
        raise Ended

    monkeypatch.setattr(service.Idempotency, "end", end)
    with pytest.raises(Ended):
        owner.call("POST", "/keys", {"name": "ci"}, **headers("a-1"))
    monkeypatch.undo()
    answer = owner.call("POST", "/keys", {"name": "ci"}, **headers("a-1"))
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (409, "idempotency_key_busy", "2")
    assert made(owner).count("ci") == 1


def test_names_are_kept_for_a_day_and_only_so_many(control, owner, monkeypatch):  # noqa: F811
    monkeypatch.setattr(service, "_LOOK", 2)
    first = owner.call("POST", "/keys", {"name": "ci"}, **headers("a-1")).json
    control.clock.advance(24 * 3600)
    assert owner.call("POST", "/keys", {"name": "ci"}, **headers("a-1")).json != first
    monkeypatch.setattr(service, "MOST_OF_KEY", 2)
    for number in range(2, 5):
        control.clock.advance(1)
        owner.call("POST", "/keys", {"name": "ci"}, **headers(f"a-{number}"))
    assert sum(row.owner_id.startswith("idempotency") for row in kept_secrets(control)) == 2


@pytest.mark.parametrize("name", ["", " ", "x" * 256, "ü", "a\tb", "\x7f"])
def test_a_name_that_is_no_name_is_refused(owner, name):  # noqa: F811
    answer = owner.call("POST", "/keys", {"name": "ci"}, **headers(name))
    assert (answer.status, answer.code) == (400, "idempotency_key_invalid")
    assert made(owner) == ["owner"]


def test_a_call_that_is_made_once_counts_once(control, owner, monkeypatch):  # noqa: F811
    monkeypatch.setattr(control.rooms, "limiter", RateLimiter(1.0, control.clock))  # Two at once.
    statuses = [
        owner.call("POST", "/keys", {"name": "ci"}, **headers(name)).status for name in ("1", "2", "3")
    ]
    assert statuses == [200, 200, 429]


def test_without_a_valid_key_nothing_is_noted(control, owner):  # noqa: F811
    owner.call("POST", "/keys", {"name": "ci"}, **headers("a-1"))
    answer = control.call("POST", "/keys", key="invented-key-of-nobody", body=b"{}", **headers("a-1"))
    assert (answer.status, answer.code) == (401, "key_invalid")
    assert control.call("POST", "/keys", body=b"{}", **headers("a-1")).status == 401


def test_a_revoked_key_gets_no_kept_answer(control, owner):  # noqa: F811
    made = owner.call("POST", "/keys", {"name": "child"}).json
    ask = lambda: control.call("POST", "/keys", key=made["secret"], body=b'{"name":"x"}', **headers("a-1"))  # noqa: E731
    assert ask().status == 200
    owner.call("DELETE", f"/keys/{made['key']['id']}")
    assert ask().status == 401


def test_of_two_authorization_headers_every_layer_takes_the_first(control, owner, stranger):  # noqa: F811
    first = [("Idempotency-Key", "a-1"), ("Authorization", f"Bearer {owner.key}")]
    body = json.dumps({"name": "ci"}).encode()
    answers = [control.call("POST", "/keys", key=stranger.key, body=body, headers=first) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200] and answers[0].json == answers[1].json
    assert made(owner) == ["owner", "ci"] and "ci" not in made(stranger)
    assert owner.call("POST", "/keys", {"name": "ci"}, **headers("a-1")).json == answers[0].json
