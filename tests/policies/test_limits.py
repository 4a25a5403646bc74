"""`GET /limits/calls`: the rate of an account, and what is spent of the budgets of its keys."""

from moorage.policies.model import Budget

DAY = {"counts": "calls", "most": 10, "per_seconds": 86_400}


def test_it_shows_what_is_spent_in_the_present_span(control, owner, stranger):
    key = owner.call("POST", "/keys", {"name": "limited"}).json["key"]["id"]
    put = owner.call("PUT", f"/keys/{key}/policy", {"mode": "cautious", "budgets": [DAY]})
    assert put.status == 200, put.text
    purses, budget = control.rooms.purses, Budget("calls", 10, 86_400)
    purses.purse(key, [budget]).take(3)
    control.run(purses.settle())
    expected = {
        **DAY,
        "key_id": key,
        "connection_id": None,
        "spent": 1,
        "ends_at": "2026-02-08T00:00:00.000000Z",
    }
    assert owner.get("/limits/calls").json == {"rate": None, "budgets": [expected]}
    assert stranger.get("/limits/calls").json["budgets"] == []
    control.clock.advance(86_400)
    assert [one["spent"] for one in owner.get("/limits/calls").json["budgets"]] == [0]


def test_it_names_the_rate_of_an_account(control, owner):
    control.rooms.limiter.rate, control.rooms.limiter.burst = 5.0, 10.0
    assert owner.get("/limits/calls").json["rate"] == {"per_second": 5.0, "at_once": 10}
