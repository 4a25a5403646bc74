"""Calls of the request log, summed up."""

import pytest

from moorage.access import EVERYWHERE, Reach
from moorage.requests.kinds import Group, Kind, Remembered
from moorage.requests.service import EVERYTHING, Filter, within
from moorage.requests.summary import MOST_BUCKETS, Summary
from tests.calls import log_call, log_calls, noted

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND


@pytest.fixture
def sums(owner):
    def sums(query="", groups="false"):
        return owner.get(f"/requests/summary?groups={groups}&q={query}".replace(" ", "%20")).json["summary"]

    return sums


def test_bars_have_each_call_once_and_say_which_were_errors(control, owner, stranger, sums):
    log_calls(control, [noted(owner.account, status=status) for status in (200, 404, 500)])
    log_call(control, owner.account, status=200, error="broken_off")
    log_call(control, owner.account, status=202, error="approval_required")  # Its caller waits: no error.
    log_call(control, stranger.account, status=500)
    for query in ("", "path:/crm/*"):  # The second needs whole notes.
        found = sums(query)
        assert (found["calls"], found["errors"]) == (5, 3)
        assert [sum(bucket[what] for bucket in found["buckets"]) for what in ("calls", "errors")] == [5, 3]
    assert (found["step_seconds"], found["counted_since"]) == (120, found["since"])
    assert found["terms"] == [{"field": "path", "text": "path:/crm/*"}]
    assert sums("status:404")["calls"] == 1
    assert sums("until:10m")["calls"] == 0


def test_errors_are_grouped_by_what_they_have_in_common(control, owner, sums):
    [key] = owner.get("/keys").json["keys"]
    for id_, path, status in (("r1", "1", 404), ("r2", "2", 404), ("r3", "2", 429), ("r4", "2", 200)):
        control.clock.advance(60)  # So their order does not depend on how long it takes to write each.
        log_call(
            control, owner.account, key=key["id"], path=f"/x/{path}", status=status, request_id=id_, app="one"
        )
    found = sums(groups="true")
    first, second = found["groups"]
    assert (first["status"], first["count"], first["request_id"]) == (404, 2, "r2")
    assert (first["endpoint"], first["key"]) == ("GET /x/*", {"id": key["id"], "name": "owner"})
    assert first["first"] < first["last"]
    assert (second["status"], found["other_errors"]) == (429, 0)
    assert sums("status:429", groups="true")["groups"] == [second]
    assert "groups" not in sums()


def test_a_key_sees_only_sums_of_what_it_may_use(control, owner):
    log_call(control, owner.account, environment="live", connection="x")
    log_call(control, owner.account)

    def counted(reach):
        return sum(
            control.run(control.rooms.request_sums.of(owner.account, within(reach), later(control))).calls
        )

    assert (counted(EVERYWHERE), counted(Reach(embedded_only=True))) == (2, 1)


@pytest.mark.parametrize("groups", [False, True])
@pytest.mark.parametrize("wanted", [EVERYTHING, Filter(lambda _call: True)], ids=["all", "some"])
def test_it_ends_in_time_and_says_from_when_on_it_has_counted(control, owner, wanted, groups):
    for index in range(3):
        log_call(control, owner.account, request_id=f"r{index}", status=404)
    found = control.run(
        control.rooms.request_sums.of(owner.account, wanted, later(control), groups=groups, longest=-1)
    )
    assert sum(found.calls) == 1
    assert found.since < found.counted_since < found.until


def test_what_it_remembers_of_blocks_changes_nothing(control, owner, sums):
    for status in (200, 404):
        log_calls(control, [noted(owner.account, status=status)] * 2)
        before = sums(groups="true")
        assert sums(groups="true") == before
    assert (before["calls"], before["errors"], before["groups"][0]["count"]) == (4, 2, 2)
    control.rooms.clock.advance(3600)
    assert sums()["calls"] == 0


def later(control):
    return control.run(control.rooms.requests.newest()) + 5 * SECOND


@pytest.mark.parametrize(
    ("since", "until", "step", "length"),
    [
        (None, None, 120, 3600),
        (NOW - 30 * SECOND, None, 1, 30),
        (NOW - 86_400 * SECOND, None, 1800, 86_400),
        (-(10**18), None, 604_800, 366 * 86_400),
        (NOW + SECOND, NOW - SECOND, 1, 1),
        (None, NOW * 1000, 120, 3600),
        (None, -(10**18), 120, 3600),
    ],
)
def test_its_time_has_an_end_and_few_bars(since, until, step, length):
    found = Summary.of(since, until, NOW, groups=False)
    assert (found.step // SECOND, (found.until - found.since) // SECOND) == (step, length)
    assert found.first <= found.since < found.until <= NOW
    assert found.first + len(found.calls) * found.step >= found.until
    assert len(found.calls) <= MOST_BUCKETS


def test_groups_of_the_newest_blocks_are_remembered_longest():
    remembered, kind = Remembered(most=4), Kind(None, 404, "upstream", "one", "GET /x", "key_1")
    remembered.keep({first: {kind: Group(1, first, first, b"r")} for first in (5, 4, 3)})
    assert [first for first in range(9) if remembered.get(first)] == [3, 4, 5]
    remembered.keep({first: {kind: Group(1, first, first, b"r")} for first in (2, 6)})
    assert [first for first in range(9) if remembered.get(first)] == [5, 6]


def test_errors_are_grouped_by_the_time_that_is_asked_for(control, owner, sums):
    """Also those of a block that began before it, whose groups may be remembered."""
    earlier = noted(owner.account, status=404, request_id="r1")
    earlier.began -= 1800
    log_calls(control, [earlier, noted(owner.account, status=404, request_id="r2")])
    for _ in range(2):
        assert [group["count"] for group in sums(groups="true")["groups"]] == [2]
        [group] = sums("since:10m", groups="true")["groups"]
        assert (group["count"], group["request_id"], group["first"]) == (1, "r2", group["last"])
