"""The user's specification, request by request: its own examples, with only the hosts changed.

`seed.txt` is a copy of that text. Its line breaks inside code were lost, so they are put back; one address in it was
garbled to `[email protected]`, and so was the search by e-mail.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.storages import on_both_storages

pytestmark = on_both_storages
TEXT = (Path(__file__).parent / "seed.txt").read_text()
CODE = re.findall(r"```bash python <<'EOF' (.*?) EOF ```", TEXT)
STATEMENT = re.compile(r" (?=(?:req|data|criteria) = |req\.add_header|print\(|import urllib\.parse)")


def prepared(code: str, server) -> str:
    code = STATEMENT.sub("\n", code)
    code = code.replace("Leads/[email protected]", "Leads/search?email=someone@acme.example")
    code = code.replace("[email protected]", "someone@acme.example")
    return code.replace("https://gateway.maton.ai", server.gateway).replace(
        "https://ctrl.maton.ai", server.gateway
    )


def run(code: str, server) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"MATON_API_KEY": server.api_key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{code}\n{done.stderr}"
    return json.loads(done.stdout)


@pytest.fixture
def ids(server):
    """Real ids in the place of the document's."""
    lead = {"Last_Name": "Maclead (Sample)", "First_Name": "Christopher", "Email": "someone@acme.example"}
    _, _, body = server.call("POST", "/zoho-crm/crm/v8/Leads", {"data": [lead, {"Last_Name": "Smithson"}]})
    first, second = (record["details"]["id"] for record in json.loads(body)["data"])
    _, roles = server.get("/zoho-crm/crm/v8/settings/roles")
    _, profiles = server.get("/zoho-crm/crm/v8/settings/profiles")
    _, users = server.get("/zoho-crm/crm/v8/users?type=CurrentUser")
    _, connections = server.get("/connections?status=ACTIVE")
    return {
        "Leads/7243485000000597000": f"Leads/{first}",
        "7243485000000619001": second,
        "users/7243485000000590001": f"users/{users['users'][0]['id']}",
        "roles/7243485000000026005": f"roles/{roles['roles'][0]['id']}",
        "profiles/7243485000000026011": f"profiles/{profiles['profiles'][0]['id']}",
        "e55c5bac-241a-4cc8-9db5-50d2cad09136": connections["connections"][0]["connection_id"],
    }


def test_the_document_holds_the_examples_this_reads():
    assert len(CODE) == 28


@pytest.mark.parametrize("number", range(28))
def test_every_python_example_works(server, ids, number):
    code = prepared(CODE[number], server)
    for theirs, ours in ids.items():
        code = code.replace(theirs, ours)
    if "{connection_id}" in code:
        created = json.loads(server.call("POST", "/connections", {"app": "zoho-crm"})[2])
        code = code.replace("{connection_id}", created["connection"]["connection_id"])
    answer = run(code, server)
    assert answer
    for outcome in answer.get("data", []) if "method='P" in code or "method='D" in code else []:
        assert outcome["code"] == "SUCCESS"


def test_the_javascript_example_works(server):
    (code,) = re.findall(r"```javascript (.*?) ```", TEXT)
    code = code.replace("https://gateway.maton.ai", server.gateway).replace("; const data", ";\nconst data")
    script = f"{code}\nconsole.log(JSON.stringify(data));"
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        env={"MATON_API_KEY": server.api_key, "PATH": "/usr/bin:/usr/local/bin:/opt/homebrew/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"][0].keys() == {"id", "First_Name", "Last_Name", "Email"}


def test_the_requests_example_works(server):
    (code,) = re.findall(r"```python (import os import requests.*?)```", TEXT.replace("\n", " "))
    code = code.replace("import os import requests", "import os, requests;").replace(") data =", ")\ndata =")
    code = prepared(code.strip(), server) + "\nimport json; print(json.dumps(data))"
    assert run(code, server)["info"]["per_page"] == 200


def shown(after: str) -> dict:
    """The JSON of the response that the document shows after some heading or example."""
    part = TEXT[TEXT.index(after) :]
    text = re.search(r"\*\*Response:\*\* ```json (.*?) ```", part).group(1)
    return json.loads(text.replace("[...]", "[]"))


def missing(theirs, ours, path="$"):
    """Keys that the document shows and an answer lacks, and values of another type."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        lost = [f"{path}.{key}" for key in theirs.keys() - ours.keys()]
        return lost + [
            m for k in theirs.keys() & ours.keys() for m in missing(theirs[k], ours[k], f"{path}.{k}")
        ]
    if isinstance(theirs, list) and isinstance(ours, list) and theirs and ours:
        return missing(theirs[0], ours[0], f"{path}[0]")
    same = (
        theirs is None
        or ours is None
        or isinstance(ours, type(theirs))
        or {type(theirs), type(ours)} <= {int, float}
    )
    return [] if same else [f"{path} is {type(ours).__name__}"]


READS = {
    "**Example - List Leads:**": "Leads?fields=First_Name,Last_Name,Email,Phone,Company",
    "### Organization Details": "org",
    "### Users": "users?type=AllUsers",
    "### Modules Metadata": "settings/modules",
    "### Fields Metadata": "settings/fields?module=Leads",
    "### Layouts Metadata": "settings/layouts?module=Leads",
    "### Roles": "settings/roles",
    "### Profiles": "settings/profiles",
    "### Search Records": "Leads/search?criteria=(Last_Name:starts_with:Mac)",
}


@pytest.mark.parametrize("heading", READS)
def test_answers_have_every_key_the_document_shows(server, ids, heading):
    assert ids
    status, answer = server.get(f"/zoho-crm/crm/v8/{READS[heading]}")
    assert status == 200
    assert missing(shown(heading), answer) == []


def test_a_connection_has_every_key_the_document_shows(server):
    _, answer = server.get("/connections")
    connection = answer["connections"][0]
    theirs = shown("### Get Connection")["connection"]
    assert missing(theirs, connection) == []
    for name in ("creation_time", "last_updated_time"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", connection[name])
    assert connection["url"].startswith(f"{server.gateway}/connect/?session_token=")


def test_writes_answer_as_the_document_shows(server):
    path = "/zoho-crm/crm/v8/Leads"
    status, _, body = server.call("POST", path, {"data": [{"Last_Name": "Smith"}]})
    answer = json.loads(body)
    assert status == 201
    assert answer["data"][0].keys() == shown("**Example - Create Lead:**")["data"][0].keys()
    record = answer["data"][0]["details"]["id"]
    _, _, body = server.call("PUT", path, {"data": [{"id": record, "Phone": "+1-555-9999"}]})
    assert missing(shown("### Update Records"), json.loads(body)) == []
    _, _, body = server.call("DELETE", f"{path}?ids={record}&wf_trigger=true")
    deleted = shown("### Delete Records")
    deleted["data"][0]["details"]["id"] = record
    assert json.loads(body) == deleted


def test_the_documents_statuses_hold(server):
    leads = "/zoho-crm/crm/v8/Leads?fields=Last_Name"
    assert server.call("GET", leads, headers={"Authorization": ""})[0] == 401
    assert server.call("GET", leads, headers={"Authorization": "Bearer mk_wrong"})[0] == 401
    assert server.call("GET", "/crm/v8/Leads")[0] == 404
    assert server.call("GET", "/zoho-crm/crm/v8/Leads")[0] == 400
    assert server.call("GET", "/zoho-crm/crm/v8/Services__s?fields=id")[0:3:2] == (204, b"")
    assert server.call("GET", leads, headers={"Maton-Connection": "nothing"})[0] == 404
    pending = json.loads(server.call("POST", "/connections", {"app": "zoho-crm"})[2])["connection"][
        "connection_id"
    ]
    assert server.call("GET", leads, headers={"Maton-Connection": pending})[0] == 400
