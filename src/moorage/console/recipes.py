"""Texts by which programs use a connection: as they are copied from a page, they work."""

import json
import shlex
from collections.abc import Mapping
from urllib.parse import quote

# The ways to use a connection, and what each is called.
EXAMPLES: Mapping[str, str] = {
    "curl": "curl",
    "python": "Python",
    "javascript": "JavaScript",
    "mcp": "MCP",
    "maton": "Maton SDK",
}
CALLS: Mapping[str, str] = {"zoho-crm": "/crm/v8/Leads?fields=Last_Name,Company&per_page=3"}
KEY = "MOORAGE_API_KEY"


def recipes(base_url: str, app: str, name: str | None = None, check: str | None = None) -> dict[str, str]:
    """The text for each of EXAMPLES. With a `name`, calls go through that connection, by its id or alias.

    `check` is the path of a harmless call of the app. Every text takes the API key from the environment.
    """
    path = f"/{app}{CALLS.get(app) or check or '/'}"
    return {
        "curl": curl("GET", f"{base_url}{path}", name),
        "python": _python(base_url, path, name),
        "javascript": _javascript(base_url, path, name),
        "mcp": _mcp(base_url, name),
        "maton": _maton(base_url, path, name),
    }


def curl(method: str, url: str, name: str | None = None, body: str | None = None) -> str:
    """The command of a shell that makes a call; `body` is JSON."""
    begin = "curl" if method == "GET" else f"curl -X {shlex.quote(method)}"
    lines = [f"{begin} {shlex.quote(url)}", f'-H "Authorization: Bearer ${KEY}"']
    if name:
        lines.append(f"-H {shlex.quote(f'Maton-Connection: {name}')}")
    if body is not None:
        lines.append(f"-H 'Content-Type: application/json' --data {shlex.quote(body)}")
    return " \\\n  ".join(lines)


def _python(base_url: str, path: str, name: str | None) -> str:
    header = f', "Maton-Connection": {json.dumps(name)}' if name else ""
    return f"""\
import os, urllib.request

headers = {{"Authorization": f"Bearer {{os.environ['{KEY}']}}"{header}}}
request = urllib.request.Request({json.dumps(base_url + path)}, headers=headers)
with urllib.request.urlopen(request) as answer:
    print(answer.status, answer.read().decode())
"""


def _javascript(base_url: str, path: str, name: str | None) -> str:
    header = f', "Maton-Connection": {json.dumps(name)}' if name else ""
    return f"""\
const headers = {{Authorization: `Bearer ${{process.env.{KEY}}}`{header}}};
const answer = await fetch({json.dumps(base_url + path)}, {{headers}});
console.log(answer.status, await answer.text());
"""


def mcp_url(base_url: str, name: str | None = None) -> str:
    return f"{base_url}/mcp/c/{quote(name, safe='')}" if name else f"{base_url}/mcp"


def _mcp(base_url: str, name: str | None) -> str:
    headers = {"Authorization": f"Bearer ${{{KEY}}}"}
    entry = {"type": "http", "url": mcp_url(base_url, name), "headers": headers}
    return json.dumps({"mcpServers": {"moorage": entry}}, indent=2)


def _maton(base_url: str, path: str, name: str | None) -> str:
    connection = f", connection={json.dumps(name)}" if name else ""
    return f"""\
import os
from maton_ai import Maton

maton = Maton(os.environ["{KEY}"], base_url={json.dumps(base_url)}{connection})
print(maton.api.get({json.dumps(path)}))
"""


# The SDK of Zoho for Python reads records of the embedded CRM, with what `moorage crm credentials` prints.
ZOHO_SDK = """\
import json
from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.crm.api import HeaderMap, Initializer, ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.record import GetRecordsParam, RecordOperations

with open("credentials.json") as file:
    known = json.load(file)
environment = DataCenter.Environment(known["api_domain"], known["token_url"], known["api_domain"])
secrets = {name: known[name] for name in ("client_id", "client_secret", "refresh_token")}
Initializer.initialize(environment, OAuthToken(**secrets))

parameters = ParameterMap()
parameters.add(GetRecordsParam.fields, "Last_Name,Company")
found = RecordOperations("Leads").get_records(parameters, HeaderMap()).get_object()
for lead in found.get_data() if found else ():
    print(lead.get_key_value("Last_Name"), "of", lead.get_key_value("Company"))
"""


def credentials(organisation: str | None) -> str:
    """The command that prints what an SDK of Zoho needs, for an organisation of the embedded CRM."""
    chosen = f" --org {shlex.quote(organisation)}" if organisation else ""
    return f"moorage crm credentials{chosen} --json >credentials.json"
