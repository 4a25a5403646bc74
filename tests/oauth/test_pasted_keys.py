"""Apps that are connected with a key of theirs: no OAuth client is needed, whatever is done with the connection."""

from contextlib import closing
from urllib.parse import urlencode

import pytest

from moorage.oauth.transport.contract import HttpReply, Unanswered
from tests.control import Caller, Control, token_of
from tests.person import OWN_FORM

PROVIDER = """
name = "example"
title = "Example"
method = "API_KEY"
authorization = "Bearer {access_token}"
[data_centres.here]
api = "https://api.example.test"
[[identity]]
path = "/me"
[identity.facts]
user = "email"
"""


@pytest.fixture
def control(tmp_path):
    folder = tmp_path / "home" / "providers"
    folder.mkdir(parents=True)
    (folder / "example.toml").write_text(PROVIDER)
    with closing(Control(tmp_path / "home")) as control:
        control.rooms.accounts._outside = answering
        yield control


async def refusing(call):
    return HttpReply(200, b'{"ok": false, "error": "invalid_auth"}')


async def answering(call):
    known = call.headers.get("Authorization") == "Bearer key-of-somebody"
    return HttpReply(200, b'{"email": "ana@example.test", "error": null}') if known else HttpReply(401, b"")


@pytest.fixture
def owner(control):
    return Caller(control, "owner")


@pytest.fixture
def pasted(control, owner):
    connection = owner.call("POST", "/connections", {"app": "example"}).json["connection"]
    form = {"session_token": token_of(connection["url"]), "place": "here", "key": "key-of-somebody"}
    assert control.call("POST", "/connect/", body=urlencode(form).encode(), headers=OWN_FORM).status == 200
    return connection["id"]


def test_a_connection_that_is_deleted_is_said_to_have_nowhere_to_be_revoked(owner, pasted):
    gone = owner.call("DELETE", f"/connections/{pasted}").json
    assert gone["revocation"]["status"] == "unsupported"
    assert "account's settings" in gone["revocation"]["message"]


def test_a_connection_that_the_app_refuses_can_not_be_given_another_key(control, pasted):
    async def access():
        async with control.rooms.database.transaction() as tx:
            connection = await control.rooms.connections.find_in(tx, pasted)
        return await control.rooms.tokens.access(connection)

    assert not control.run(access()).renewable


def test_a_connection_that_works_is_diagnosed_so(owner, pasted):
    told = owner.get(f"/connections/{pasted}/diagnosis").json
    [finding] = told["findings"]
    assert told["healthy"] and "The token does not expire." in finding["evidence"]
    assert "https://api.example.test/me with the token was answered with 200" in finding["evidence"]


def test_a_connection_that_is_refused_with_a_status_that_says_yes_is_told(control, owner, pasted):
    control.rooms.accounts._outside = refusing
    told = owner.get(f"/connections/{pasted}/diagnosis").json
    [finding] = told["findings"]
    assert (finding["code"], told["healthy"]) == ("INVALID_TOKEN", False)
    assert "was answered with 200 invalid_auth" in finding["evidence"]


async def silent(call):
    raise Unanswered("api.example.test can't be reached.", sent=False)


async def troubled(call):
    return HttpReply(503, b"")


@pytest.mark.parametrize(("app", "told"), [(silent, "can&#39;t be reached"), (troubled, "answered with 503")])
def test_a_connection_that_could_not_be_tried_says_so(control, owner, app, told):
    control.rooms.accounts._outside = app
    connection = owner.call("POST", "/connections", {"app": "example"}).json["connection"]
    form = {"session_token": token_of(connection["url"]), "place": "here", "key": "key-of-somebody"}
    page = control.call("POST", "/connect/", body=urlencode(form).encode(), headers=OWN_FORM)
    assert page.status == 200 and "was not verified" in page.text and told in page.text
    metadata = owner.get(f"/connections/{connection['id']}").json["connection"]["metadata"]
    assert metadata["not_verified"]
