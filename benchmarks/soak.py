"""Whether memory stays flat under hours of mixed work: python -m benchmarks.soak --minutes 60.

Reads, searches and writes at both origins, at a steady pace. Prints the memory as it goes, and its slope at the end.
"""

import argparse
import asyncio
import random
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import linear_regression
from typing import Any

import aiohttp

from benchmarks import data, leads, machine
from benchmarks.gateway import APP
from benchmarks.run import LEADS
from benchmarks.server import Server, running
from moorage.rooms import Urls, open_rooms
from moorage.settings import load
from moorage.storage.migrate import migrate

_CALLERS = 8
_KEPT_IDS = 2_000
_LOOKS = 60  # At the memory, in the whole run.
_WARM_UP = 0.2  # Part of the run that fills caches, and is left out of the slope.
_FIELDS = ",".join(leads.FIVE_FIELDS)


def main() -> None:
    options = _options()
    print("\n".join(machine.description()), flush=True)
    options.data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=options.data) as name:
        home = Path(name)
        data.copy(data.prepare(options.data, LEADS), home / "crm")
        key, client = asyncio.run(_access(home))
        with running(home) as server:
            asyncio.run(_soak(server, key, client, options.minutes * 60, options.rate))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=200, help="calls a second (200)")
    default = Path(tempfile.gettempdir()) / "moorage-bench"
    parser.add_argument("--data", type=Path, default=default, help=f"where the leads are kept ({default})")
    return parser.parse_args()


async def _access(home: Path) -> tuple[str, dict[str, str]]:
    """An API key that leads to the organisation, and what a client signs in with at the CRM's own origin."""
    settings = load({"MOORAGE_HOME": str(home)})
    migrate(settings.database_url)
    async with open_rooms(settings, Urls("", "")) as rooms:
        account = await rooms.keys.first_account()
        await rooms.connect_inside(await rooms.connections.create(account, APP), data.SLUG)
        _, key = await rooms.keys.create(account, "soak")
        return key, await rooms.crm.credentials(await rooms.crm.organisations.find(data.SLUG))


async def _soak(server: Server, key: str, client: dict[str, str], seconds: float, rate: float) -> None:
    until = time.monotonic() + seconds
    async with aiohttp.ClientSession() as session:
        gateway = _Origin(session, f"{server.gateway}/{APP}", f"Bearer {key}")
        crm = _Origin(session, server.crm, f"Zoho-oauthtoken {client['access_token']}", client)
        work = [_Caller((gateway, crm)[n % 2], n).work(until, _CALLERS / rate) for n in range(_CALLERS)]
        looks, counts = await asyncio.gather(_watch(server.pid, seconds), asyncio.gather(*work))
    print(f"Calls: {dict(sum(counts, Counter()))}.")
    settled = looks[int(len(looks) * _WARM_UP) :]
    slope = linear_regression(*zip(*settled, strict=True)).slope
    print(f"Memory: {settled[0][1]:.1f} MB after the warm-up, {settled[-1][1]:.1f} MB at the end.")
    print(f"Slope: {slope:+.2f} MB per hour.")


async def _watch(pid: int, seconds: float) -> list[tuple[float, float]]:
    """The memory at several times, in hours; mapped files are not counted."""
    looks = []
    for _ in range(_LOOKS):
        await asyncio.sleep(seconds / _LOOKS)
        memory = machine.memory_mb(pid, "Pss_Anon")
        assert memory is not None, "without /proc there is no memory to look at"
        looks.append((time.monotonic() / 3600, memory))
        print(f"{len(looks) * seconds / _LOOKS:6.0f} s  {memory:7.1f} MB", flush=True)
    return looks


class _Origin:
    """One of the two origins, asked with what it asks for."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: str,
        authorization: str,
        client: dict[str, str] | None = None,
    ) -> None:
        self._session, self._base, self._client = session, base, client
        self._authorization = authorization

    async def call(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        """The answer's document, None for an empty one. A token that has ended is renewed once."""
        status, document = await self._once(method, path, body, params)
        if status == 401 and self._client is not None:
            await self._renew(self._client)
            status, document = await self._once(method, path, body, params)
        # What is to be changed or deleted may be gone: another caller was quicker.
        gone = status == 400 and method in {"PUT", "DELETE"}
        assert status < 300 or gone, (method, path, status, document)
        return document

    async def _once(self, method: str, path: str, body: Any, params: dict[str, str]) -> tuple[int, Any]:
        headers = {"Authorization": self._authorization}
        url = f"{self._base}/crm/v8/{path}"
        async with self._session.request(method, url, json=body, params=params, headers=headers) as answer:
            return answer.status, await answer.json() if await answer.read() else None

    async def _renew(self, client: dict[str, str]) -> None:
        form = {name: client[name] for name in ("client_id", "client_secret", "refresh_token")}
        url = f"{self._base}/oauth/v2/token"
        async with self._session.post(url, data=form | {"grant_type": "refresh_token"}) as answer:
            self._authorization = f"Zoho-oauthtoken {(await answer.json())['access_token']}"


class _Caller:
    """Does one thing after the other, chosen by chance; deletes about as many records as it inserts."""

    def __init__(self, origin: _Origin, number: int) -> None:
        self._call = origin.call
        self._chance = random.Random(number)
        self._following = LEADS + number * 10_000_000
        self._ids: list[str] = []

    async def work(self, until: float, pause: float) -> Counter[str]:
        count: Counter[str] = Counter()
        steps = [self._list, self._get, self._search, self._insert, self._update, self._delete]
        while time.monotonic() < until:
            started = time.monotonic()
            [step] = self._chance.choices(steps, [30, 30, 15, 10, 10, 5])
            await step()
            count[step.__name__.strip("_")] += 1
            await asyncio.sleep(max(0.0, started + pause - time.monotonic()))
        return count

    async def _list(self) -> None:
        page = await self._call("GET", "Leads", fields=_FIELDS, per_page=str(self._chance.choice((20, 200))))
        self._ids = [record["id"] for record in page["data"]] + self._ids[:_KEPT_IDS]
        for _ in range(self._chance.randrange(3)):
            token = page["info"]["next_page_token"]
            size = str(page["info"]["per_page"])
            page = await self._call("GET", "Leads", fields=_FIELDS, per_page=size, page_token=token)

    async def _get(self) -> None:
        if self._ids:
            await self._call("GET", f"Leads/{self._chance.choice(self._ids)}")

    async def _search(self) -> None:
        lead = next(leads.leads(self._chance.randrange(LEADS), 1))
        searched = self._chance.choice(
            [
                {"email": lead["Email"]},
                {"criteria": f"(Last_Name:starts_with:{lead['Last_Name'][:6]})"},
                {"word": lead["Description"].split()[2]},
            ]
        )
        await self._call("GET", "Leads/search", fields=_FIELDS, **searched)

    async def _insert(self) -> None:
        amount = self._chance.choice((1, 5))
        records = list(leads.leads(self._following, amount))
        self._following += amount
        await self._call("POST", "Leads", {"data": records})

    async def _update(self) -> None:
        if self._ids:
            one = {"id": self._chance.choice(self._ids), "Company": f"Soaked {self._chance.random()}"}
            await self._call("PUT", "Leads", {"data": [one]})

    async def _delete(self) -> None:
        # On average as many as were inserted since.
        gone = [self._ids.pop() for _ in range(min(6, len(self._ids)))]
        if gone:
            await self._call("DELETE", "Leads", ids=",".join(gone))


if __name__ == "__main__":
    main()
