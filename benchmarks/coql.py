"""Queries over HTTP, against the statements they run on the database: by an index, with a join, and with groups."""

import asyncio
import json
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks import data, machine
from benchmarks.bare import BareReads, Statement, overheard
from benchmarks.figures import QUERIES
from benchmarks.load import Candidates, Load, cpu_ratio, cpu_us, raw, rounds, times_longer, written
from benchmarks.plan import access
from benchmarks.run import Run
from benchmarks.scene import organisation_file
from benchmarks.server import Server, running
from moorage.clock import SystemClock
from moorage.crm.metadata.standard import DEMO
from moorage.crm.service import CrmService
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.storage.sqlite.storage import SqliteStorage
from moorage.http.message import Request, Response

_CONNECTIONS = 32
_ACCOUNTS, _PEOPLE = 20, 300  # So many contacts of each account, of which an answer has 200.
_COLUMNS = "Last_Name, First_Name, Email, Phone, Title, Department, Created_Time, Email_Opt_Out, Description"
_QUERIES = {
    "by_index": f"select {_COLUMNS} from Contacts where Account_Name = '{{}}' limit 200",
    "one_join": f"select {_COLUMNS}, Account_Name.Industry from Contacts where Account_Name = '{{}}' limit 200",
    "groups": (
        "select Department, COUNT(id), MAX(Created_Time) from Contacts where Account_Name = '{}' group by Department"
    ),
}
_PATH = "/crm/v8/coql"


def measure(run: Run) -> dict[str, list[float]]:
    """Every figure of queries. Raises ServerFailed, LoadFailed."""
    run.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=run.folder) as name, ExitStack() as stack:
        home = Path(name)
        organisation, token, asked = asyncio.run(_prepared(home / "crm"))
        server = stack.enter_context(running(home))
        stack.enter_context(machine.on_core(machine.SERVER_CORE))
        candidates: Candidates = {}
        for query, bodies in asked.items():
            candidates[query] = _load(stack, server, token, list(bodies)).run
            bare = BareReads(organisation_file(home), organisation, list(bodies.values()))
            stack.callback(bare.close)
            candidates[f"{query} bare"] = bare.run
        samples = rounds(candidates, run)
    figures: dict[str, list[float]] = {}
    for query in QUERIES:
        ours, bare_ones = samples[query], samples[f"{query} bare"]
        figures[f"coql.{query}.per_second"] = [one.per_second for one in ours]
        figures[f"coql.{query}.bare_per_second"] = [one.per_second for one in bare_ones]
        figures[f"coql.{query}.ratio"] = times_longer(ours, bare_ones)
        figures[f"coql.{query}.cpu_us"] = cpu_us(ours)
        figures[f"coql.{query}.cpu_ratio"] = cpu_ratio(ours, bare_ones)
    return figures


def _load(stack: ExitStack, server: Server, token: str, bodies: Sequence[bytes]) -> Load:
    headers = {"Authorization": f"Zoho-oauthtoken {token}"}
    file = stack.enter_context(written([raw("POST", _PATH, headers, body) for body in bodies]))
    return Load(server.crm, file, _CONNECTIONS, server.pid)


async def _prepared(folder: Path) -> tuple[Organisation, str, dict[str, dict[bytes, list[Statement]]]]:
    """An organisation with contacts, a token, and by query its bodies with the statements that each runs."""
    clock = SystemClock()
    with overheard() as heard:
        service = CrmService(SqliteStorage(folder, clock), folder, clock, "http://127.0.0.1")
        await service.organisations.create(data.SLUG, DEMO, sample=False)
        organisation, token = await access(service, data.SLUG)
        accounts = await organisation.store.write(lambda transaction: _filled(organisation, transaction))
        asked: dict[str, dict[bytes, list[Statement]]] = {}
        for name, query in _QUERIES.items():
            bodies = [json.dumps({"select_query": query.format(account)}).encode() for account in accounts]
            asked[name] = {body: await _statements(service, token, body, heard) for body in bodies}
        await service.close()
    return organisation, token, asked


async def _statements(
    service: CrmService, token: str, body: bytes, heard: list[Statement]
) -> list[Statement]:
    heard.clear()
    headers = [(b"authorization", b"Zoho-oauthtoken " + token.encode())]
    answer = service.answer(Request("POST", _PATH.encode(), b"", headers, body))
    response = answer if isinstance(answer, Response) else await answer
    assert response.status == 200, response
    return heard.copy()


def _filled(organisation: Organisation, transaction: Transaction) -> list[int]:
    """Write the accounts and their contacts; gives the ids of the accounts."""
    modules = organisation.catalog.modules
    accounts, contacts = modules["Accounts"], modules["Contacts"]
    ids = list(transaction.new_ids(_ACCOUNTS))
    names = [{"id": account, accounts.fields["Account_Name"].column: f"Account {account}"} for account in ids]
    transaction.insert(accounts, names)
    people = iter(transaction.new_ids(_ACCOUNTS * _PEOPLE))
    columns = {name: contacts.fields[name].column for name in contacts.fields}
    for number in range(_PEOPLE):
        values = {
            "Last_Name": f"Name {number}",
            "First_Name": "First",
            "Phone": f"+1 555 010 {number:04}",
            "Title": "Head of Procurement",
            "Department": ("Sales", "Support", "Research")[number % 3],
            "Email_Opt_Out": number % 2,
            "Created_Time": transaction.now,
            "Description": "A contact who was made up for a measurement of queries.",
        }
        row = {columns[name]: value for name, value in values.items()}
        rows = [row | {"id": next(people), columns["Account_Name"]: account} for account in ids]
        transaction.insert(
            contacts, [person | {columns["Email"]: f"{person['id']}@example.com"} for person in rows]
        )
    return ids
