"""The screen of limits."""

import json
from datetime import UTC, datetime, timedelta

from moorage.console import limits
from moorage.console.frame import PAGES
from tests.flows.storages import each_storage


@each_storage
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


def test_tokens_are_drawn_where_they_were_made_in_the_last_hour():
    made_at = (datetime.now(UTC) - timedelta(minutes=30)).isoformat()
    tokens = {
        "connection_id": "c",
        "made": 9,
        "most_made": 10,
        "live": 9,
        "most_live": 15,
        "made_at": [made_at],
    }
    tokens["next_possible_at"] = datetime.now(UTC).isoformat()
    connection = {
        "connection_id": "c",
        "alias": "eu",
        "app": "zoho-crm",
        "environment": "live",
        "status": "ACTIVE",
    }
    shown = limits._with_tokens([{**connection, "metadata": {"organisation": "<b>"}}], [tokens])
    assert 49 <= shown[0]["tokens"]["ticks"][0] <= 50
    environment = PAGES._environment
    source = environment.loader.get_source(environment, "limits.html")[0]
    alone = source.replace('{% extends "frame.html" %}', "")
    text = environment.from_string(alone).render(connections=shown, root="")
    assert "9 of 10 made" in text and 'x="50.0"' in text
    assert "&lt;b&gt;" in text
