"""The screens over 200,000 leads and 100,000 calls. How long they take is measured by `script/bench --only console`."""

import asyncio
import json
import shutil
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from moorage import settings
from moorage.rooms import Urls, open_rooms
from tests.console.many import (
    CALLS,
    FAILED,
    LEADS,
    TEAPOTS,
    TOWN,
    add_calls,
    add_leads,
    last_name,
    request_id,
    revenue,
)
from tests.console.visitor import Visitor
from tests.flows.conftest import environment, finish, start
from tests.waiting import wait_until

# The rows that a grid has made: the place of each among all records, from 0, and what its first cell shows.
ROWS = """JSON.stringify([...document.querySelectorAll('.grid-space [role=row]')].map(row =>
  [Number(row.getAttribute('aria-rowindex')) - 2, row.querySelector('a')?.innerText]))"""


@pytest.fixture(scope="module")
def many(begun, tmp_path_factory):
    """A server with all of them: its owner, the paths of its leads, and the query for those calls alone."""
    home = tmp_path_factory.mktemp("many") / "home"
    folder, api_key = begun
    shutil.copytree(folder, home)
    account, connection = asyncio.run(names_in(home))
    added = add_leads(home / "crm")
    last = datetime.fromtimestamp(add_calls(home / "requests.db", account, connection), UTC)
    server = start(home, api_key=api_key)
    times = [
        moment.isoformat(timespec="milliseconds")
        for moment in (last - timedelta(hours=1), last + timedelta(milliseconds=1))
    ]
    those = "since:{} until:{}".format(*(time.replace("+00:00", "Z") for time in times))
    owner = Visitor(server).join("owner")
    yield SimpleNamespace(owner=owner, leads=f"/console/crm/{connection}/Leads", added=added, those=those)
    finish(server)


async def names_in(home):
    """The ids of the account and of the connection that a first start makes."""
    async with open_rooms(settings.load(environment(home)), Urls("", "")) as rooms:
        account = await rooms.keys.first_account()
        [connection] = await rooms.connections.search(account, limit=1)
        return account, connection.id


def test_a_grid_shows_the_right_rows_wherever_one_scrolls(many, tab):
    server, added = many.owner.server, many.added
    query = {
        "select_query": f"select Last_Name from Leads where id is not null order by id limit {LEADS - added}"
    }
    samples = [
        lead["Last_Name"]
        for lead in json.loads(server.call("POST", "/zoho-crm/crm/v8/coql", query)[2])["data"]
    ]
    names = [*map(last_name, reversed(range(added))), *reversed(samples)]  # The newest are first.
    page = tab(many.owner, draws=True)
    page.open(f"{server.gateway}{many.leads}?columns=Last_Name,City,Annual_Revenue")
    page.wait(f"document.querySelector('[role=grid]')?.getAttribute('aria-rowcount') == '{LEADS + 1}'")
    for part, row in ((0, 0), (0.5, LEADS // 2), (1, LEADS - 1)):
        page.run(
            f"(grid => {{ grid.scrollTop = grid.scrollHeight * {part}; }})(document.querySelector('.grid'))"
        )
        page.wait(
            f"[...document.querySelectorAll('.grid-space a')].some(link => link.innerText == {names[row]!r})"
        )
        page.wait(
            "[...document.querySelectorAll('.grid-space [role=row]')].every(row => row.querySelector('a'))"
        )
        made = dict(json.loads(page.run(ROWS)))
        assert made == {row: names[row] for row in made}
        assert len(made) < 60
    assert f"{LEADS:,}" in page.run("document.querySelector('h1').innerText")
    assert page.complaints == []
    # If there were more, the API would not give those in the middle.
    page.run(
        "(grid => { grid.rows.total = 500_000; grid.rows.load(2_500, 2_500); })(document.querySelector('m-grid'))"
    )
    page.wait(
        "document.querySelector('m-grid [role=status]').innerText.includes('the first and the last 100,000')"
    )


def test_views_of_many_leads_have_the_right_ones(many):
    towns = "field=City&is=is&value=Rareton&columns=Last_Name"
    found = many.owner.twin(f"{many.leads}?{towns}&count=1")
    assert found["total"] == LEADS // TOWN
    newest = [last_name(number) for number in range(0, many.added, TOWN)][::-1]
    assert [lead["Last_Name"] for lead in found["records"]] == newest[:50]
    second = many.owner.twin(f"{many.leads}{found['links']['next']}")
    assert [lead["Last_Name"] for lead in second["records"]] == newest[50:]
    manytown = (
        f"{many.leads}?field=City&is=is&value=Manytown&columns=Last_Name&sort=Annual_Revenue&order=desc"
    )
    richest = sorted((number for number in range(many.added) if number % TOWN), key=revenue, reverse=True)
    records = many.owner.twin(manytown)["records"]
    assert [lead["Last_Name"] for lead in records] == [last_name(number) for number in richest[:50]]
    [found] = many.owner.twin(f"{many.leads}?word={last_name(123_456)}&columns=Last_Name")["records"]
    assert found["Last_Name"] == last_name(123_456)


def test_home_counts_a_part_of_many_calls_with_each_visit(begun, tmp_path):
    home = tmp_path / "home"
    folder, api_key = begun
    shutil.copytree(folder, home)
    account, connection = asyncio.run(names_in(home))
    add_calls(home / "requests.db", account, connection)
    server = start(home, api_key=api_key)
    try:
        owner = Visitor(server).join("owner")
        note = "are not counted yet. The next visit counts more."
        assert note in owner.open("/console").words
        assert owner.twin("/console")["hour"]["calls"] < CALLS
        hour = wait_until(lambda: (found := owner.twin("/console")["hour"])["is_all"] and found)
        assert (hour["calls"], hour["share"]) == (CALLS, 10)
        assert note not in owner.open("/console").words
    finally:
        finish(server)


def test_many_calls_are_counted_found_and_opened(many):
    owner = many.owner

    def calls(query, cursor=""):
        return owner.twin(f"/console/requests?q={quote(query)}&whole=true&cursor={cursor}")

    # How far one look counts depends on the time that it takes. The next one goes on.
    counted = wait_until(
        lambda: (page := calls(many.those))["summary"]["calls"] == CALLS and page["summary"], 60
    )
    failed = CALLS // FAILED + len([number for number in TEAPOTS if number % FAILED])
    assert counted["errors"] == failed
    assert sum(bucket["calls"] for bucket in counted["buckets"]) == CALLS
    assert (
        f"{CALLS:,} calls, {failed:,} with an error"
        in owner.open(f"/console/requests?q={quote(many.those)}").words
    )
    newest = calls(many.those)["requests"]
    assert [call["request_id"] for call in newest] == [request_id(CALLS - 1 - index) for index in range(50)]
    # A look that takes too long leads on, as the link "Older" does.
    found, cursor = [], ""
    while cursor is not None:
        page = calls(f"{many.those} status:418", cursor)
        found += [call["request_id"] for call in page["requests"]]
        cursor = page["next_cursor"]
    assert found == [request_id(number) for number in TEAPOTS[::-1]]


def test_one_goes_back_to_the_oldest_of_many_calls(many):
    owner, number = many.owner, 60
    page = owner.open(f"/console/requests/{request_id(number)}")
    assert "/crm/v8/Leads" in page.words
    place = owner.twin(page.at)["request"]["number"]
    page = owner.open(f"/console/requests?cursor={place}")
    shown = []
    while True:
        shown += [call["request_id"] for call in owner.twin(page.at)["requests"]]
        if 'rel="next"' not in page.text:
            break
        page = owner.open(
            "/console/requests"
            + page.text.rpartition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        )
    assert shown == [request_id(older) for older in reversed(range(number))]
