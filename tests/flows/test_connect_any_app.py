"""Every shipped app is connected by a whole server, with nothing changed in its file but the hosts."""

import json
import re
import ssl

import pytest

from moorage.oauth.apps.files import read_provider
from moorage.oauth.apps.providers import SHIPPED
from tests.certificate import certify
from tests.flows.conftest import finish, start
from tests.flows.walker import Walker
from tests.oauth.generic_provider import HOME, GenericProvider, ticked

APPS = {file.stem: read_provider(file) for file in sorted(SHIPPED.glob("*.toml"))}


def each(chosen):
    apps = {name: app for name, app in APPS.items() if chosen(app)}
    return pytest.mark.parametrize("app", apps.values(), ids=apps)


signs_in = each(lambda app: app.method == "OAUTH2")
refreshes = each(lambda app: app.refreshes)
pastes_a_key = each(lambda app: app.method == "API_KEY")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return tmp_path_factory.mktemp("tls") / "pair.pem"


@pytest.fixture(scope="module")
def outside(certificate):
    context, _ = certify(certificate, "127.0.0.1")
    provider = GenericProvider(context)
    for app in APPS.values():
        provider.add(app)
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory, outside, certificate):
    """One whose apps all live at the generic provider, and which trusts its certificate."""
    home = tmp_path_factory.mktemp("any-app") / "home"
    (home / "providers").mkdir(parents=True)
    home.chmod(0o700)
    for name in APPS:
        text = (SHIPPED / f"{name}.toml").read_text(encoding="utf-8")
        (home / "providers" / f"{name}.toml").write_text(outside.declaration(name, text), encoding="utf-8")
    clients = {app.client_name: outside.client(app.client_name) for app in APPS.values() if app.signs_in}
    server = start(home, SSL_CERT_FILE=str(certificate), MOORAGE_OAUTH_CLIENTS=json.dumps(clients))
    outside.callback = f"{server.gateway}/connect/callback"
    yield server
    finish(server)


@pytest.fixture(autouse=True)
def nothing_was_refused(outside):
    outside.faults.clear()
    yield
    assert outside.faults == []


@pytest.fixture
def connect(server, certificate):
    """Connects an app as a person does; gives the last page, and the connection as the API shows it."""

    def connect(app, **members):
        status, _, body = server.call("POST", "/connections", {"app": app.name})
        assert status == 200, body
        connection = json.loads(body)["connection"]
        walker = Walker(ssl.create_default_context(cafile=str(certificate)))
        page = walker.submit(walker.open(connection["url"]), place=place_of(app), **members)
        return page, server.get(f"/connections/{connection['connection_id']}")[1]["connection"]

    return connect


def place_of(app):
    """What a person chooses. Zoho finds out by itself where an account lives."""
    return "detect" if app.client_name == "zoho" else centre_of(app)


def centre_of(app):
    return HOME if app.client_name == "zoho" else list(app.data_centres)[-1]


def facts_of(app, outside):
    return {name: outside.fact(app, name) for identity in app.identity for name in identity.facts}


def call(server, app, connection, target="/v1/things?x=a%20b"):
    headers = {"Maton-Connection": connection["connection_id"]}
    return server.call("GET", f"/{app.name}{target}", headers=headers)


@signs_in
def test_a_person_connects_it_and_is_shown_whose_account_it_is(connect, outside, app):
    page, connection = connect(app)
    facts = facts_of(app, outside)
    assert page.heading == f"Connected to {facts.get('organisation') or facts.get('user') or app.title}"
    assert (connection["status"], connection["method"]) == ("ACTIVE", "OAUTH2")
    chosen = {"scopes": ticked(app)} if app.scopes else {}
    declared = app.data_centres[centre_of(app)].environment
    kind = {} if declared is None else {"environment": declared}
    assert connection["metadata"] == {**facts, "data_centre": centre_of(app), **chosen, **kind}


@signs_in
def test_calls_reach_its_api_in_the_accounts_data_centre_with_its_header(connect, server, outside, app):
    _, connection = connect(app)
    status, _, body = call(server, app, connection)
    assert (status, json.loads(body)) == (200, {"target": "/v1/things?x=a%20b"})
    name, centre, target, authorization = outside.calls[-1]
    assert (name, centre, target) == (app.name, centre_of(app), "/v1/things?x=a%20b")
    assert re.fullmatch(re.sub(r"\{.+\}", "[0-9a-f]{16}", app.authorization), authorization)
    assert outside.accepts(authorization)


@refreshes
def test_a_token_that_its_api_refuses_is_renewed(connect, server, outside, app):
    _, connection = connect(app)
    call(server, app, connection)
    spent = outside.calls[-1][-1]
    outside.end(spent)
    assert call(server, app, connection)[0] == 200
    assert outside.calls[-2][-1] == spent != outside.calls[-1][-1]
    assert server.get(f"/connections/{connection['connection_id']}")[1]["connection"]["status"] == "ACTIVE"


@signs_in
def test_deleting_it_takes_its_tokens_back_where_the_app_can_do_so(connect, server, outside, app):
    _, connection = connect(app)
    call(server, app, connection)
    authorization = outside.calls[-1][-1]
    status, _, body = server.call("DELETE", f"/connections/{connection['connection_id']}")
    assert status == 200
    assert json.loads(body)["revocation"]["status"] == ("revoked" if app.revoke_path else "unsupported")
    assert outside.accepts(authorization) == (app.revoke_path is None)


@pastes_a_key
def test_a_key_is_pasted_and_calls_carry_it(connect, server, outside, app):
    page, connection = connect(app, key="rk_test_1")
    facts = facts_of(app, outside)
    assert page.heading == f"Connected to {facts['organisation']}"
    assert (connection["status"], connection["method"]) == ("ACTIVE", "API_KEY")
    assert connection["metadata"] == {**facts, "data_centre": centre_of(app)}
    assert call(server, app, connection)[0] == 200
    assert outside.calls[-1][-1] == app.authorization.replace("{access_token}", "rk_test_1")
    _, _, body = server.call("DELETE", f"/connections/{connection['connection_id']}")
    assert json.loads(body)["revocation"]["status"] == "unsupported"
    assert call(server, app, connection)[0] == 404
