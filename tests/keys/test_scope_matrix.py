"""Every route of the gateway's own origin, and the scope that it asks for."""

import json
import re

import pytest
from starlette.routing import Route

from moorage.keys.scopes import EVERYTHING
from tests.calls import log_call

OPEN = None
OWN = "own"  # Any key may call it, about what is its own.
PERSON = "person"  # Only a person may call it, in the console.
# Scopes that let a key see what is not its own, at routes that need none.
WIDENING = {"approvals:read"}
# A path and a method to the scope that is needed. Whoever adds a route says here who may call it.
MATRIX = {
    ("/audit", "GET"): "audit:read",
    ("/audit/chain", "GET"): "audit:read",
    ("/limits/calls", "GET"): "policies:read",
    ("/limits/tokens", "GET"): "connections:read",
    ("/apps", "GET"): "connections:read",
    ("/apps/{app}/default", "GET"): "connections:read",
    ("/apps/{app}/default", "PUT"): "connections:write",
    ("/apps/{app}/default", "DELETE"): "connections:write",
    ("/connections", "GET"): "connections:read",
    ("/connections", "POST"): "connections:write",
    ("/connections/import", "POST"): "connections:write",
    ("/connections/prune", "POST"): "connections:write",
    ("/connections/{connection_id}", "GET"): "connections:read",
    ("/connections/{connection_id}", "PATCH"): "connections:write",
    ("/connections/{connection_id}", "DELETE"): "connections:write",
    ("/connections/{connection_id}/diagnosis", "GET"): "connections:read",
    ("/connections/{connection_id}/tokens", "GET"): "connections:read",
    ("/organisations", "GET"): "organisations:read",
    ("/organisations", "POST"): "organisations:write",
    ("/organisations/{slug}", "GET"): "organisations:read",
    ("/organisations/{slug}", "DELETE"): "organisations:write",
    ("/organisations/{slug}/reset", "POST"): "organisations:write",
    ("/organisations/{slug}/seed", "POST"): "organisations:write",
    ("/organisations/{slug}/snapshots", "GET"): "organisations:read",
    ("/organisations/{slug}/snapshots", "POST"): "organisations:write",
    ("/organisations/{slug}/snapshots/{name}", "DELETE"): "organisations:write",
    ("/organisations/{slug}/restore", "POST"): "organisations:write",
    ("/keys", "GET"): "keys:read",
    ("/keys", "POST"): "keys:write",
    ("/keys/{key_id}", "GET"): "keys:read",
    ("/keys/{key_id}", "DELETE"): "keys:write",
    ("/keys/{key_id}/rotate", "POST"): "keys:write",
    ("/requests", "GET"): "requests:read",
    ("/requests/connections", "GET"): "requests:read",
    ("/requests/summary", "GET"): "requests:read",
    ("/requests/keys", "GET"): "requests:read",
    ("/requests/tail", "GET"): "requests:read",
    ("/requests/{request_id}", "GET"): "requests:read",
    ("/keys/{key_id}/policy", "GET"): "policies:read",
    ("/keys/{key_id}/policy", "PUT"): "policies:write",
    ("/keys/{key_id}/policy", "DELETE"): "policies:write",
    ("/policies/try", "POST"): "policies:read",
    # A session token opens the page that connects; everybody may know whether the server is well.
    ("/connect/", "GET"): OPEN,
    ("/connect/", "POST"): OPEN,
    ("/connect/callback", "GET"): OPEN,
    # Pages for people: no key opens them, and tests/people says who gets in.
    ("/sign-in", "GET"): OPEN,
    ("/sign-in", "POST"): OPEN,
    ("/sign-in/code", "POST"): OPEN,
    ("/sign-out", "POST"): OPEN,
    ("/welcome", "GET"): OPEN,
    ("/welcome", "POST"): OPEN,
    ("/enter", "GET"): OPEN,
    ("/enter", "POST"): OPEN,
    ("/me", "GET"): PERSON,
    ("/me", "PATCH"): PERSON,
    ("/me/password", "POST"): PERSON,
    ("/me/sessions/{session_id}", "DELETE"): PERSON,
    ("/me/second-factor", "GET"): PERSON,
    ("/me/second-factor", "POST"): PERSON,
    ("/me/second-factor/on", "POST"): PERSON,
    ("/me/second-factor/off", "POST"): PERSON,
    ("/settings", "GET"): PERSON,
    ("/people", "GET"): PERSON,
    ("/people", "POST"): PERSON,
    ("/people/{person_id}", "GET"): PERSON,
    ("/people/{person_id}", "PATCH"): PERSON,
    ("/people/{person_id}", "DELETE"): PERSON,
    ("/people/{person_id}/reset", "POST"): PERSON,
    ("/people/{person_id}/sign-out", "POST"): PERSON,
    # Held calls: tests/approvals/test_routes.py says who sees and who decides.
    ("/approvals", "GET"): OWN,
    ("/approvals/{approval_id}", "GET"): OWN,
    ("/approvals/{approval_id}/answer", "GET"): OWN,
    ("/approvals/{approval_id}/cancel", "POST"): OWN,
    ("/approvals/{approval_id}/contents", "GET"): PERSON,
    ("/approvals/{approval_id}/approve", "POST"): PERSON,
    ("/approvals/{approval_id}/decline", "POST"): PERSON,
    ("/approvals/grants/{grant_id}/end", "POST"): PERSON,
    # A tool is refused what its key may not do; tests/mcp and tests/flows/test_mcp.py say more.
    ("/mcp", "POST"): OWN,
    ("/mcp/c/{account}", "POST"): OWN,
    ("/mcp/ops", "POST"): OWN,
    ("/mcp/lab", "POST"): OWN,
    # Says how this server is called, and nothing of who uses it.
    ("/llms.txt", "GET"): OPEN,
    ("/mcp/maton", "POST"): OWN,
    # Programs that people let act: tests/grants says who gets what.
    ("/.well-known/oauth-protected-resource", "GET"): OPEN,
    ("/.well-known/oauth-protected-resource/mcp", "GET"): OPEN,
    ("/.well-known/oauth-protected-resource/mcp/c/{account}", "GET"): OPEN,
    ("/.well-known/oauth-protected-resource/mcp/maton", "GET"): OPEN,
    ("/.well-known/oauth-protected-resource/mcp/ops", "GET"): OPEN,
    ("/.well-known/oauth-protected-resource/mcp/lab", "GET"): OPEN,
    ("/.well-known/oauth-authorization-server", "GET"): OPEN,
    ("/.well-known/openid-configuration", "GET"): OPEN,
    ("/oauth/authorize", "GET"): OPEN,
    ("/oauth/authorize", "POST"): OPEN,
    ("/oauth/token", "POST"): OPEN,
    ("/oauth/revoke", "POST"): OPEN,
    ("/oauth/register", "POST"): OPEN,
    ("/grants", "GET"): PERSON,
    ("/grants/{grant_id}/end", "POST"): PERSON,
    ("/healthz", "GET"): OPEN,
    ("/readyz", "GET"): OPEN,
}
GUARDED = [entry for entry, scope in MATRIX.items() if scope not in {OPEN, OWN, PERSON}]
ANY_KEY = [entry for entry, scope in MATRIX.items() if scope == OWN]
PERSONS = [entry for entry, scope in MATRIX.items() if scope == PERSON]
BODIES = {
    ("/connections", "POST"): {"app": "zoho-crm"},
    ("/connections/prune", "POST"): {"older_than_seconds": 0},
    ("/connections/{connection_id}", "PATCH"): {"alias": "other"},
    ("/keys", "POST"): {"name": "child", "scopes": ["keys:write"]},
    ("/keys/{key_id}/policy", "PUT"): {"mode": "readonly"},
    ("/policies/try", "POST"): {"app": "zoho-crm", "method": "GET", "path": "/crm/v8/Leads"},
    ("/organisations", "POST"): {"slug": "other", "sample": False},
    ("/organisations/{slug}/seed", "POST"): {"records": {}},
    ("/organisations/{slug}/snapshots", "POST"): {"name": "kept"},
    ("/organisations/{slug}/restore", "POST"): {"snapshot": "kept"},
}


def routes(control):
    routes = control._app._app._app._app.routes
    assert all(isinstance(route, Route) for route in routes)
    return [route.path for route in routes]


def operations(control):
    for path in routes(control):
        if path.split("/")[1] in {
            "console",
            "assets",
        }:  # Pages and their files: tests/console says who gets in.
            continue
        allowed = control.call("LOCK", path).headers["allow"].split(", ")
        yield from ((path, method) for method in allowed if method != "HEAD")


@pytest.fixture
def call(control, owner):
    """Calls a route with a key of the owner's that has these scopes, on things that are there."""
    control.organisation("acme")
    owner.call("POST", "/organisations/acme/snapshots", {"name": "kept"})
    connection = owner.connect("acme")["id"]

    def call(entry, scopes, method=None):
        # Keys are changed by keys that may do no less.
        may = "policies:write" if entry[0].endswith("/policy") else "keys:write"
        target = owner.call("POST", "/keys", {"name": "target", "scopes": [may]}).json["key"]["id"]
        created = owner.call("POST", "/keys", {"name": "caller", "scopes": scopes})
        log_call(control, owner.account, request_id=target)
        return send(control, entry, created.json["secret"], connection, target, method)

    return call


def path_of(entry, connection, target):
    """The request of the log has the id of the key that it was made with."""
    others = {"approval_id": "x", "person_id": "x", "grant_id": "x", "session_id": "x", "request_id": target}
    names = {"account": "x", "app": "zoho-crm", "slug": "acme", "name": "kept", **others}
    return entry[0].format(connection_id=connection, key_id=target, **names)


def send(control, entry, key, connection="x", target="x", method=None):
    path = path_of(entry, connection, target)
    bodies = BODIES | {("/apps/{app}/default", "PUT"): {"connection_id": connection}}
    if entry == ("/connections/import", "POST"):
        bodies[entry] = {"app": "zoho-crm", "organisation": "acme", "access_token": _token(control)}
    body = json.dumps(bodies[entry]).encode() if entry in bodies else b""
    return control.call(method or entry[1], path, key=key, body=body)


def _token(control):
    """An access token of acme, or of nobody if there is no acme."""
    has_acme = ("acme", "acme") in control.run(control.rooms.embedded.organisations())
    return control.run(control.rooms.embedded.grant("acme")).access.value if has_acme else "1000.x"


def test_every_route_says_who_may_call_it(control):
    assert set(operations(control)) == set(MATRIX)


def test_every_scope_of_the_control_api_opens_something():
    assert {MATRIX[entry] for entry in GUARDED} | WIDENING == EVERYTHING.control


def test_without_a_key_only_what_is_open_answers(control):
    for entry in MATRIX:
        assert (send(control, entry, None).status == 401) == (entry in [*GUARDED, *ANY_KEY, *PERSONS]), entry


def test_what_only_people_do_no_key_does(control, owner):
    for entry in PERSONS:
        answer = send(control, entry, owner.key)
        assert (answer.status, answer.code) == (403, "person_needed"), entry


@pytest.mark.parametrize("entry", GUARDED, ids=str)
def test_the_scope_is_enough(call, entry):
    assert call(entry, [MATRIX[entry]]).status == 200


def test_all_other_scopes_together_are_not(call):
    for entry in GUARDED:
        answer = call(entry, [scope for scope in EVERYTHING.texts() if scope != MATRIX[entry]])
        assert (answer.status, answer.code) == (403, "scope_missing"), entry
        assert answer.json["error"]["type"] == "permission"
        assert re.search(rf"{MATRIX[entry]}\b", answer.json["message"]), entry
        assert MATRIX[entry] in answer.json["detail"]


def test_asking_for_the_head_alone_needs_the_same(call):
    for entry in [entry for entry in GUARDED if entry[1] == "GET"]:
        others = [scope for scope in EVERYTHING.texts() if scope != MATRIX[entry]]
        assert call(entry, others, method="HEAD").status == 403, entry
        assert call(entry, [MATRIX[entry]], method="HEAD").status == 200, entry


def test_what_is_somebody_elses_looks_missing(control, owner, stranger):
    connection = owner.connect()["id"]
    target = owner.call("POST", "/keys", {"name": "target"}).json["key"]["id"]
    log_call(control, owner.account, request_id=target)
    for entry in [entry for entry in GUARDED if "_id}" in entry[0]]:
        answer = send(control, entry, stranger.key, connection, target)
        assert answer.status == 404, entry
        missing = send(control, entry, stranger.key).text
        assert answer.text.replace(connection, "x").replace(target, "x") == missing, entry


def test_what_a_call_does_not_know_is_refused_and_named(control, owner):
    """In the query of every call, and in every body that there is."""
    control.organisation("acme")
    connection = owner.connect("acme")["id"]
    target = owner.call("POST", "/keys", {"name": "target"}).json["key"]["id"]
    for entry in GUARDED:
        path = path_of(entry, connection, target)
        told = control.call(entry[1], f"{path}?scope=x", key=owner.key)
        assert (told.status, told.code) == (400, "parameter_invalid"), entry
        assert "'scope'" in told.json["message"]
        if entry[1] in {"POST", "PUT", "PATCH"}:
            told = control.call(entry[1], path, key=owner.key, body=b'{"scope": 1}')
            assert (told.status, told.code) == (400, "body_invalid"), entry
            assert "'scope'" in told.json["message"]


def test_a_scope_is_asked_for_before_anything_is_read(control, owner):
    created = owner.call("POST", "/keys", {"name": "none", "scopes": ["proxy"]})
    for entry in GUARDED:
        path = re.sub(r"{\w+}", "%00", entry[0])
        answer = control.call(entry[1], f"{path}?limit=x", key=created.json["secret"], body=b"{")
        assert answer.status == 403, entry
