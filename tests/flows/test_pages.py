"""What README and the pages have people copy, done as it is printed; only hosts and folders differ.

The tutorial has a test of its own (test_tutorial.py), and so has the walk of connecting Zoho (test_zoho_page.py).
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from moorage.client import Moorage
from tests.flows.conftest import finish, start
from tests.flows.visitor import Visitor
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]


def section(page, heading):
    """The text below a heading of a page, up to the next heading."""
    text = (ROOT / page).read_text()
    match = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, heading
    return match.group(1)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    server = start(tmp_path_factory.mktemp("pages") / "home")
    yield server
    finish(server)


@pytest.fixture
def copy(own, tmp_path):
    """Run what a block shows after its prompts, or a whole Python program; gives what that printed."""

    def copy(block, kind="console"):
        lines = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
        script = "\n".join(lines) if kind == "console" else block
        here = script.replace("http://127.0.0.1:8787", own.gateway).replace("/tmp/", f"{tmp_path}/")
        program = (
            ["/bin/sh", "-ec", here] if kind == "console" else [sys.executable, "-W", "ignore", "-c", here]
        )
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            program,
            env={**own.environment, "PATH": path, "MOORAGE_URL": own.gateway},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, (here, done.stderr)
        return done.stdout

    return copy


def blocks(text, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def test_the_readme_reads_a_lead_by_the_command_and_from_python(copy):
    readme = (ROOT / "README.md").read_text()
    [answer] = blocks(readme, "json")
    [by_command] = [block for block in blocks(readme, "console") if "moorage api" in block]
    assert json.loads(copy(by_command)) == json.loads(answer)
    [program] = blocks(readme, "python")
    assert int(copy(f'{program}print(len(leads["data"]))', "python")) > 10


def test_zohos_own_sdk_reads_leads_with_what_it_is_given(copy):
    page = section("docs/crm/accounts.md", "With Zoho's own SDK")
    [commands], [program] = blocks(page, "console"), blocks(page, "python")
    copy(commands)
    assert "Achterberg of Achterberg Greenhouses" in copy(program, "python").splitlines()


def test_the_calls_that_the_page_of_the_command_line_shows_succeed(copy):
    [calls] = blocks(section("docs/cli.md", "`moorage api`"), "console")
    told = copy(calls)
    assert told.count('"code":"SUCCESS"') == 3


# Programs of the pages of the CRM, each with a pattern of what it prints.
PROGRAMS = [
    ("docs/crm/accounts.md", "With a program of your own", r".+"),
    ("docs/crm/fields.md", "Ids of other programs", r"Gill"),
    ("docs/crm/settings.md", "Duplicates of leads", r"SUCCESS"),
    ("docs/crm/settings.md", "Currencies", r"0\.92 €"),
    ("docs/crm/settings.md", "Variables", r"12\.5"),
    ("docs/crm/settings.md", "Global picklists", r"Sales_region"),
    ("docs/crm/settings.md", "Pipelines", r"Pipeline created successfully"),
    ("docs/crm/settings.md", "Users", r"Nia Okoye"),
    ("docs/crm/settings.md", "Business hours, holidays and the fiscal year", r"Epiphany"),
    ("docs/crm/settings.md", "Roles and profiles", r"Role added"),
    ("docs/crm/settings.md", "Dependencies of picklists", r"Rating 1"),
    ("docs/crm/settings.md", "Tags", r"\['Oars'\]"),
    ("docs/crm/settings.md", "Views of your own", r"([\d.]+\n?)+"),
    ("docs/crm/settings.md", "Processes and rules", r"204\nRECORD_NOT_IN_PROCESS"),
    ("docs/crm/records.md", "Merges", r"[\w ]+"),
    ("docs/crm/records.md", "Meetings", r"[\w ]+"),
    ("docs/crm/records.md", "Sharing", r".+ read_write"),
    ("docs/crm/related.md", "Notes of a record", r"High at 4"),
    ("docs/crm/related.md", "Related lists", r".+ has \d+"),
    ("docs/crm/related.md", "Relations of many to many", r"Invited"),
    ("docs/crm/emails.md", "E-mails of a record", r"Tide to ida@example\.com"),
    ("docs/crm/emails.md", "Attachments and images", r"4 o'clock"),
    ("docs/crm/queries.md", "Queries", r"(\d+ [\w &]+\n?){3}"),
    ("docs/crm/bulk.md", "Bulk reads", r"COMPLETED 200"),
    ("docs/crm/bulk.md", "Backups", r"True"),
    ("docs/crm/bulk.md", "Composite requests", r"\[201, 201\]"),
    ("docs/crm/bulk.md", "Bulk writes", r"COMPLETED 1"),
    ("docs/crm/bulk.md", "Many records at once", r"COMPLETED True"),
    ("docs/crm/notifications.md", "Notifications", r"insert Contacts \['\d+'\] only the CRM knows this"),
]


@pytest.mark.parametrize(
    ("page", "heading", "printed"), PROGRAMS, ids=[heading for _, heading, _ in PROGRAMS]
)
def test_a_program_of_the_crms_pages_prints_what_it_should(copy, page, heading, printed):
    [program] = blocks(section(page, heading), "python")
    if "credentials.json" in program:
        copy("$ moorage crm credentials --json >credentials.json")
    assert re.fullmatch(f"(?:{printed})\n?", copy(program, "python"))


def test_every_example_of_the_crms_pages_is_run():
    tested = Path(__file__).read_text()
    elsewhere = {"Move it to PostgreSQL"}  # test_org_move.py of the command line
    for page in (ROOT / "docs" / "crm").glob("*.md"):
        for part in re.split(r"^#+ ", page.read_text(), flags=re.MULTILINE):
            heading = part.partition("\n")[0]
            if (blocks(part, "python") or blocks(part, "console")) and heading not in elsewhere:
                assert f'"docs/crm/{page.name}", "{heading}"' in tested


def test_an_organisation_is_made_kept_and_put_back_as_the_page_shows(copy):
    [commands] = blocks(section("docs/crm/organisations.md", "Organisations"), "console")
    told = copy(commands).splitlines()
    assert [line.split()[0] for line in told] == ["Created", "Saved", "Restored", "Reset"]


def test_a_record_gets_the_attachment_that_the_page_uploads(copy):
    [commands] = blocks(section("docs/crm/files.md", "Attachments"), "console")
    assert copy(commands).endswith('"File_Name":"tide.txt"\n')
    [commands] = blocks(section("docs/crm/files.md", "Files in fields"), "console")
    assert copy(commands) == "High at 4\n"


def test_a_lead_gets_the_photo_that_the_page_uploads(copy):
    [commands] = blocks(section("docs/crm/files.md", "Photos"), "console")
    assert "photo uploaded successfully" in copy(commands)


def test_clients_are_registered_as_the_page_shows(copy):
    [commands] = blocks(section("docs/crm/accounts.md", "Clients"), "console")
    outcome = copy("\n".join(commands.splitlines()[:2]))
    client = re.findall(r"client_id +(\S+)", outcome)[-1]
    assert copy(commands.splitlines()[2].replace("1000.…", client)).startswith("1000.")


def test_the_python_client_reads_and_explains_an_error_as_its_page_shows(copy):
    page = (ROOT / "docs" / "client.md").read_text()
    reads, refused, _, _ = blocks(page, "python")
    assert re.fullmatch(r"(.+ of .+\n){3}", copy(reads, "python"))
    [printed] = re.findall(r"This prints `(.+)`\.", page)
    assert copy(refused, "python").strip() == printed


def test_the_fixture_that_the_page_shows_gives_a_test_a_moorage_of_its_own(copy, tmp_path):
    [fixture] = [
        block for block in blocks(section("docs/client.md", "In a test"), "python") if "fixture" in block
    ]
    (tmp_path / "test_shown.py").write_text(fixture)
    told = copy("$ python -m pytest -q -p no:cacheprovider test_shown.py")
    assert "1 passed" in told


def test_a_program_waits_for_a_person_as_the_page_shows(copy, own):
    [held] = blocks(section("docs/client.md", "A call that waits for a person"), "python")
    made = json.loads(own.call("POST", "/keys", {"name": "agent", "policy": {"mode": "strict"}})[2])
    owner = Visitor(own)
    owner.join()

    def approve():
        waiting = own.get("/approvals?state=waiting")[1]["approvals"]
        for approval in waiting:
            owner.open(approval["link"])
            owner.decide({"for": "once"})
        return waiting

    with ThreadPoolExecutor(1) as threads:
        client = f"from moorage.client import Moorage\nmoorage = Moorage({made['secret']!r})\n"
        printed = threads.submit(copy, client + held, "python")
        wait_until(approve)
        assert printed.result(60).endswith("\nSUCCESS\n")


def test_the_client_has_every_method_that_its_page_lists_and_no_other():
    table = section("docs/client.md", "The control API")
    listed = set()
    for row in re.findall(r"^\| (`\w+\..+?) \|", table, re.MULTILINE):
        group = re.match(r"`(\w+)", row)[1]
        listed |= {f"{group}.{method}" for method in re.findall(r"(\w+)\(", row)}
    client = Moorage("mk_live_none")
    assert listed == {
        f"{group}.{method}"
        for group in ("approvals", "audit", "connections", "keys", "organisations", "policies", "requests")
        for method in dir(getattr(client, group))
        if not method.startswith("_")
    }


def test_a_key_for_an_agent_reads_and_does_no_more(copy, own):
    [command] = blocks(section("docs/api.md", "A key for an agent"), "console")
    key = {"Authorization": f"Bearer {copy(command).strip()}"}
    leads = "/zoho-crm/crm/v8/Leads"
    assert own.call("GET", f"{leads}?fields=Last_Name", headers=key)[0] == 200
    record = {"data": [{"Last_Name": "Hopper"}]}
    for method, path, body in (
        ("POST", leads, record),
        ("POST", "/keys", {"name": "k"}),
        ("GET", "/connections", None),
    ):
        status, _, answer = own.call(method, path, body, headers=key)
        assert (status, json.loads(answer)["error"]["code"]) == (403, "scope_missing"), path


def test_a_field_of_ones_own_is_made_and_used_as_the_page_shows(copy, tmp_path, own):
    page = section("docs/crm/fields.md", "Fields of your own")
    [command], [field] = blocks(page, "console"), blocks(page, "json")
    (tmp_path / "field.json").write_text(field)
    assert json.loads(copy(command))["fields"][0]["code"] == "SUCCESS"
    [name] = re.findall(r"`api_name` follows from the label \(`(\w+)`\)", page)
    _, _, answer = own.call("POST", "/zoho-crm/crm/v8/Leads", {"data": [{"Last_Name": "Tall", name: 190}]})
    lead = json.loads(answer)["data"][0]["details"]["id"]
    assert own.get(f"/zoho-crm/crm/v8/Leads/{lead}?fields={name}")[1]["data"][0][name] == 190


def test_a_formula_is_made_and_worked_out_as_the_page_shows(copy, tmp_path, own):
    page = section("docs/crm/fields.md", "Formulas")
    [command], [field] = blocks(page, "console"), blocks(page, "json")
    (tmp_path / "formula.json").write_text(field)
    before = own.get("/zoho-crm/crm/v8/Leads?fields=No_of_Employees&per_page=200")[1]["data"]
    assert json.loads(copy(command))["fields"][0]["code"] == "SUCCESS"
    after = own.get("/zoho-crm/crm/v8/Leads?fields=No_of_Employees,Size&per_page=200")[1]["data"]
    assert len(after) == len(before) > 10 and {lead["Size"] for lead in after} == {"large", "small"}
    assert all((lead["Size"] == "large") == ((lead["No_of_Employees"] or 0) > 100) for lead in after)
    record = {"Last_Name": "Many", "No_of_Employees": 101}
    _, _, answer = own.call("POST", "/zoho-crm/crm/v8/Leads", {"data": [record]})
    lead = json.loads(answer)["data"][0]["details"]["id"]
    found = own.get("/zoho-crm/crm/v8/Leads/search?criteria=(Size:equals:large)")[1]["data"]
    assert lead in {other["id"] for other in found}


def test_a_lead_is_converted_as_the_page_shows(copy, tmp_path, own):
    page = section("docs/crm/records.md", "Conversions")
    [command], [request] = blocks(page, "console"), blocks(page, "json")
    (tmp_path / "convert.json").write_text(request)
    _, _, answer = own.call(
        "POST", "/zoho-crm/crm/v8/Leads", {"data": [{"Last_Name": "Won", "Company": "Won & Co"}]}
    )
    lead = json.loads(answer)["data"][0]["details"]["id"]
    outcome = json.loads(copy(command.replace("$LEAD", lead)))["data"][0]
    assert outcome["details"]["Deals"]["name"] == "A pilot"
    assert own.get(f"/zoho-crm/crm/v8/Leads/{lead}?fields=Converted__s")[1]["data"][0]["Converted__s"] is True


def test_a_lead_is_cloned_as_the_page_shows(copy, tmp_path, own):
    page = section("docs/crm/bulk.md", "Many records at once")
    [command], [request] = blocks(page, "console"), blocks(page, "json")
    (tmp_path / "clone.json").write_text(request)
    lead = own.get("/zoho-crm/crm/v8/Leads?fields=id&per_page=1")[1]["data"][0]["id"]
    assert json.loads(copy(command.replace("$LEAD", lead)))["data"][0]["message"] == "record added"


def keys_of(answer):
    """The keys of a JSON answer, those inside of it as paths; of a list, those of its first element."""
    if isinstance(answer, list):
        return keys_of(answer[0]) if answer else set()
    if not isinstance(answer, dict):
        return set()
    return set(answer) | {f"{key}.{inner}" for key, value in answer.items() for inner in keys_of(value)}


@pytest.mark.parametrize(
    ("heading", "path"),
    [
        ("Connections", "/connections/{id}"),
        ("`GET /apps/{app}/default`", "/apps/zoho-crm/default"),
        ("`GET /connections/{id}/diagnosis`", "/connections/{id}/diagnosis"),
        ("`GET /apps`", "/apps"),
        ("Organisations", "/organisations/demo"),
        ("Health", "/readyz"),
    ],
)
def test_an_answer_that_the_page_of_the_api_shows_has_the_keys_of_a_real_one(own, heading, path):
    [example] = blocks(section("docs/api.md", heading), "json")
    connection = own.get("/connections")[1]["connections"][0]["id"]
    status, answer = own.get(path.replace("{id}", connection))
    # Which scopes an app has is not the page's affair.
    shown, real = (
        {key for key in keys_of(document) if ".scopes." not in key}
        for document in (json.loads(example), answer)
    )
    assert status == 200 and shown == real


def test_the_key_that_the_page_of_the_api_shows_has_the_keys_of_a_real_one(own):
    example = blocks(section("docs/api.md", "Keys"), "json")[0]
    assert keys_of(json.loads(example)["key"]) == keys_of(own.get("/keys")[1]["keys"])


def test_a_connection_is_deleted_and_an_organisation_filled_as_the_page_of_the_api_shows(own):
    own.call("POST", "/organisations", {"slug": "shown", "sample": False})
    [body, answer] = [
        json.loads(text)
        for text in re.findall(
            r"(\{\"(?:records|ids)\".*\})`?", section("docs/api.md", "`POST /organisations/{slug}/seed`")
        )
    ]
    status, _, seeded = own.call("POST", "/organisations/shown/seed", body)
    assert status == 200 and keys_of(json.loads(seeded)) == keys_of(answer)
    _, _, created = own.call("POST", "/connections", {"app": "zoho-crm", "organisation": "shown"})
    connection = json.loads(created)["connection"]["id"]
    [example] = blocks(section("docs/api.md", "`DELETE /connections/{id}`"), "json")
    deleted = json.loads(own.call("DELETE", f"/connections/{connection}")[2])
    assert deleted | {"connection_id": "…"} == json.loads(example)
    own.call("DELETE", "/organisations/shown")


def shown(block, own):
    """What a block shows behind its command, as a pattern; an ellipsis stands for anything."""
    lines = "".join(line for line in block.splitlines(keepends=True) if not line.startswith("$ "))
    return re.escape(lines.replace("http://127.0.0.1:8787", own.gateway)).replace("…", ".*")


def test_the_commands_that_tell_moorage_of_a_client_print_what_the_page_shows(own):
    [listed] = blocks(section("docs/zoho.md", "1. Know your callback URL"), "console")
    assert re.fullmatch(shown(listed, own), own.run("client", "list").stdout)
    [told] = blocks(section("docs/zoho.md", "3. Give the client to Moorage"), "console")
    command = told.splitlines()[0].removeprefix("$ moorage ").split()
    printed = own.run(*command, typed="a-secret\n").stdout
    assert re.fullmatch(shown(told, own), f"Client secret:\n{printed}")  # At a terminal it asks.
    own.run("client", "delete", "zoho-crm", "--yes")


def test_the_doctor_begins_as_the_page_shows(own):
    [block] = blocks(section("docs/cli.md", "`moorage doctor`"), "console")
    assert own.run("doctor").stdout.splitlines()[0] == block.splitlines()[1]


def test_a_record_is_locked_as_the_page_says(copy):
    [commands] = blocks(section("docs/crm/records.md", "Locks"), "console")
    assert '"message":"record added"' in copy(commands).replace(" ", "").replace(
        "recordadded", "record added"
    )


def test_a_deleted_record_comes_back_as_the_page_says(copy):
    [commands] = blocks(section("docs/crm/records.md", "Recycle bin"), "console")
    assert "record restored" in copy(commands)


def test_what_happened_to_a_record_is_told_as_the_page_says(copy):
    [commands] = blocks(section("docs/crm/records.md", "Timeline"), "console")
    assert "audited_time" in copy(commands)


def test_a_fixture_of_the_request_log_answers_in_a_test(copy, tmp_path):
    page = section("docs/requests.md", "Calls as files")
    [fixture], [program] = blocks(page, "json"), blocks(page, "python")
    own = fixture.replace("http://127.0.0.1:8787", "http://127.0.0.1:1")
    (tmp_path / "call.json").write_text(own)
    assert copy(program.replace("http://127.0.0.1:8787", "http://127.0.0.1:1"), "python") == ""
