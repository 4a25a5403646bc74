"""Every screen of the console, at an address where it shows something."""

import json
from dataclasses import dataclass

from moorage.console.site import SCREENS
from tests.waiting import wait_until

# What stands in the place of a parameter of a path, and the pages that are no HTML.
PAGES = {f"/console{page.path}" for pages in SCREENS for page in pages if page.method == "GET"}
NOT_SHOWN = {
    "/console/approvals/{approval_id}/state",
    "/console/audit/export",
    "/console/requests/har",
    "/console/requests/tail",
    "/console/requests/{request_id}/fixture",
    "/console/requests/{request_id}/har",
    "/console/connections/{connection}/labels",
    "/console/connections/{connection}/test",
    "/console/keys/{key_id}/policy/try",
    "/console/crm/{connection}/{module}/choices",
    "/console/crm/{connection}/{module}/count",
    "/console/crm/{connection}/{module}/export",
    "/console/crm/{connection}/{module}/fields",
    "/console/crm/{connection}/{module}/rows",
    "/console/crm/{connection}/{module}/{record}/attachments/{attachment}",
    "/console/crm/{connection}/{module}/{record}/photo",
    "/console/me/name",
    "/console/me/password",
    "/console/me/second-factor",
    "/console/me/second-factor/{way}",
    "/console/query/names",
}
# What has to be in the address of a page for it to show something.
QUERIES = {
    "/console/keys/revoke": "?ids={key_id}",
    "/console/connections/delete": "?ids={connection}",
}


@dataclass
class Screen:
    """`at` is a path with a query; `page` is the path in the form of its route."""

    page: str
    at: str


def held(server, last_name="Held"):
    """The id of a call that waits for a person: it makes a lead of this name."""
    body = {"name": "asks", "mode": "live", "policy": {"mode": "strict"}}
    key = json.loads(server.call("POST", "/keys", body)[2])
    secret = {"Authorization": f"Bearer {key['secret']}"}
    lead = {"data": [{"Last_Name": last_name}]}
    status, _, answer = server.call("POST", "/zoho-crm/crm/v8/Leads", lead, secret)
    assert status == 403, answer
    return json.loads(answer)["error"]["id"]


def logged(server):
    """The id of a call that is in the request log."""
    _, headers, _ = server.call("GET", "/zoho-crm/crm/v8/Leads?fields=Last_Name&per_page=1")
    identity = headers["x-request-id"]
    wait_until(lambda: server.call("GET", f"/requests/{identity}")[0] == 200)
    return identity


def values_of(owner):
    """What stands in the place of each parameter of a path."""
    connection = owner.twin("/console/connections")["connections"][0]["connection_id"]
    lead = owner.twin("/console/query?q=select+id+from+Leads+where+id+is+not+null+limit+1")["result"]["rows"][
        0
    ]
    return {
        "{connection}": connection,
        "{app}": "zoho-crm",
        "{slug}": "demo",
        "{module}": "Leads",
        "{record}": lead["id"],
        "{number}": "1",
        "{request_id}": logged(owner.server),
        "{approval_id}": held(owner.server),
        "{key_id}": owner.twin("/console/keys")["keys"][0]["id"],
        "{person_id}": owner.twin("/console/people")["people"][0]["id"],
    }


def at(page, values):
    """The address of a page with these values in it."""
    for name, value in values.items():
        page = page.replace(name, value)
    return page


def screens(owner, **others):
    """All screens, as an owner sees them. Some need something to show: this makes it, unless it is given."""
    values = values_of(owner) | {f"{{{name}}}": value for name, value in others.items()}
    return [Screen(page, at(page + QUERIES.get(page, ""), values)) for page in sorted(PAGES - NOT_SHOWN)]
