"""The screen of limits."""

import json


def test_it_shows_budgets_with_what_is_spent_and_calls_over_the_day(owner):
    server = owner.server
    key = json.loads(server.call("POST", "/keys", {"name": "limited"})[2])
    path = f"/keys/{key['key']['id']}/policy"
    budget = {"counts": "calls", "most": 7, "per_seconds": 86_400}
    assert server.call("PUT", path, {"mode": "open", "budgets": [budget]})[0] == 200
    page = owner.open("/console/limits")
    assert "limited" in page.words
    assert "0 of 7 spent" in page.text
    assert "nothing outside limits it" in page.words
    assert "does not limit how fast" in page.words
    [shown] = [one for one in owner.twin("/console/limits")["budgets"] if one["key_id"] == key["key"]["id"]]
    assert (shown["most"], shown["spent"], shown["share"]) == (7, 0, 0)


def test_every_role_sees_it(join):
    assert join("support").open("/console/limits").status == 200
