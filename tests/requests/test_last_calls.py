"""When each connection was called last, also when the log has forgotten its calls."""

import pytest

from moorage.requests import last_calls
from moorage.requests.service import Keeping
from tests.calls import log_calls, noted

DAY = 24 * 3600
IDS = ["aaaa", "bbbb", "cccc"]


def called(caller, query=""):
    """The ids of the connections, the last one first."""
    answer = caller.get(f"/requests/connections{query}")
    assert answer.status == 200, answer.text
    return [one["connection_id"] for one in answer.json["connections"]]


def log(control, account, *ids, **members):
    log_calls(control, [noted(account, connection=id_, **members) for id_ in ids])


def test_each_connection_has_the_time_of_its_last_call(control, owner, stranger):
    log(control, owner.account, "aaaa", "bbbb", "aaaa", None)
    control.clock.advance(60)
    log(control, owner.account, "cccc", "bbbb")
    log(control, stranger.account, "dddd")
    assert called(owner) == ["bbbb", "cccc", "aaaa"]
    assert called(owner, "?ids=aaaa,cccc,dddd,eeee") == ["cccc", "aaaa"]
    assert called(stranger) == ["dddd"]
    times = {one["last_call_at"] for one in owner.get("/requests/connections").json["connections"]}
    assert len(times) == 2 and min(times) < max(times)


def test_it_is_known_for_longer_than_calls_and_not_for_ever(control, owner, monkeypatch):
    log(control, owner.account, "aaaa")
    control.clock.advance(2 * DAY)
    control.run(control.rooms.requests.prune(Keeping(100, 1, 1)))
    assert owner.get("/requests").json["requests"] == [] and called(owner) == ["aaaa"]
    control.clock.advance(366 * DAY)
    control.run(control.rooms.requests.prune(Keeping(100, 1, 1)))
    assert called(owner) == []


@pytest.mark.parametrize(
    ("scopes", "mode", "expected"),
    [
        (["proxy:github"], "live", ["bbbb"]),
        (["proxy"], "live", ["bbbb", "cccc", "aaaa"]),
        (["proxy"], "test", ["aaaa"]),
    ],
    ids=["one app", "all", "embedded"],
)
def test_a_narrow_key_sees_its_own_connections(control, owner, scopes, mode, expected):
    log(control, owner.account, "aaaa")
    log(control, owner.account, "cccc", environment="live")
    control.clock.advance(1)
    log(control, owner.account, "bbbb", app="github", environment="live")
    body = {"name": "narrow", "mode": mode, "scopes": ["requests:read", *scopes]}
    owner.key = owner.call("POST", "/keys", body).json["secret"]
    assert sorted(called(owner)) == sorted(expected)


@pytest.mark.parametrize(
    "ids", ["", "a,,b", "%00", "%ED%A0%80", "x", "A", "a" * 65, ",".join(["a"] * 201), "a%20b"]
)
def test_wrong_ids_are_named(owner, ids):
    answer = owner.get(f"/requests/connections?ids={ids}")
    assert (answer.status, answer.code) == (400, "parameter_invalid") and "ids" in answer.json["message"]


def test_an_answer_has_an_end(control, owner, monkeypatch):
    monkeypatch.setattr(last_calls, "MOST_SHOWN", 2)
    log(control, owner.account, *IDS)
    assert len(called(owner)) == 2
