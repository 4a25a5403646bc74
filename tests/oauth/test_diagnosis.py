"""Diagnoses of connections: each cause is real, and is named without changing anything."""

import asyncio
import json
import socket
from contextlib import closing

import msgspec
import pytest

from moorage.connections.model import Upstream
from moorage.oauth.diagnosis import service as looking
from moorage.oauth.errors import AccountsUnreachable, ReconnectNeeded
from moorage.oauth.model import AccessToken, Client
from moorage.oauth.tokens.renewal import BUDGET, WINDOW
from moorage.oauth.transport.contract import HttpReply
from tests.control import Caller, Control
from tests.oauth.conftest import HOUR, access, read_again
from tests.oauth.elsewhere import Elsewhere

TABLES = ("connections", "secrets", "refresh_leases", "refresh_mints", "oauth_clients", "connect_attempts")
GRANT_ENDS = "Open the connection's url and connect it again."


@pytest.fixture
def elsewhere(control):
    return Elsewhere(control)


@pytest.fixture
def account(elsewhere):
    return elsewhere.account("eu")


@pytest.fixture
def outside(account, owner):
    return account.connect(owner, "eu")


def table_rows(control):
    """All that a diagnosis must leave as it is."""

    async def read():
        async with control.rooms.database.transaction() as tx:
            run = tx.connection.exec_driver_sql
            return {table: (await run(f"SELECT * FROM {table}")).all() for table in TABLES}

    return control.run(read())


def secrets(control):
    """Everything in the vault in the clear."""

    async def opened():
        for row in kept_rows:
            yield (await control.rooms.vault.get(row.owner_id, row.kind)).value

    async def all_of_them():
        return [value async for value in opened()]

    kept_rows = table_rows(control)["secrets"]
    return control.run(all_of_them())


def diagnose(caller, connection_id):
    """The whole answer, which holds no secret and cost nothing."""
    control, before = caller.control, table_rows(caller.control)
    hidden = secrets(control)
    answer = caller.get(f"/connections/{connection_id}/diagnosis")
    assert answer.status == 200, answer.text
    assert table_rows(control) == before
    assert [secret for secret in hidden if secret in answer.text] == []
    return answer.json


def only(caller, connection_id):
    [finding] = diagnose(caller, connection_id)["findings"]
    assert finding.keys() == {"code", "severity", "cause", "evidence", "fix"}
    return finding


def is_told(finding, code, severity="problem"):
    assert (finding["code"], finding["severity"]) == (code, severity), finding
    return all(finding[key] for key in ("cause", "evidence", "fix"))


# Well


def test_a_connection_that_works_is_said_to(control, owner, connected):
    told = diagnose(owner, connected.id)
    assert (told["connection_id"], told["app"], told["status"]) == (connected.id, "zoho-crm", "ACTIVE")
    assert told["healthy"] is True and told["url"].startswith("http://gateway.test/connect/?session_token=")
    [finding] = told["findings"]
    assert (finding["code"], finding["severity"], finding["fix"]) == ("connected", "ok", None)
    assert "/crm/v8/org with the token was answered with 200" in finding["evidence"]
    assert "expires at 2026-02-07 10:10:56 UTC" in finding["evidence"]


def test_a_connection_to_an_app_is_tried_at_both_of_its_hosts_and_no_token_is_made(owner, elsewhere, outside):
    assert diagnose(owner, outside.id)["healthy"] is True
    asked = sorted((call.method, call.url) for call in elsewhere.calls)
    assert asked == [("GET", "https://accounts.zoho.eu/"), ("GET", "https://www.zohoapis.eu/crm/v8/org")]


def test_a_token_that_has_ended_is_no_fault_and_goes_nowhere(control, owner, elsewhere, outside):
    control.clock.advance(HOUR)
    finding = only(owner, outside.id)
    assert finding["severity"] == "ok" and "will renew it" in finding["cause"]
    assert [call.headers for call in elsewhere.calls if "Authorization" in call.headers] == []


# What the other side refuses


def test_tokens_that_were_taken_back_are_told(control, owner, connected):
    crm = control.crm
    crm.accounts.revoke(access(control, connected).value)
    finding = only(owner, connected.id)
    assert is_told(finding, "INVALID_TOKEN")
    assert "/crm/v8/org with the token was answered with 401 INVALID_TOKEN" in finding["evidence"]
    assert (
        "it was revoked" in finding["cause"]
        and "Make a call" in finding["fix"]
        and GRANT_ENDS in finding["fix"]
    )
    assert diagnose(owner, connected.id)["healthy"] is False


def test_a_grant_that_is_gone_is_told_once_a_renewal_was_refused(control, owner, outside, account):
    control.crm.accounts.revoke(account.tokens.refresh_token)
    with pytest.raises(ReconnectNeeded):
        access(control, outside, instead_of=account.tokens.access_token)
    told = diagnose(owner, outside.id)
    assert (told["status"], told["healthy"]) == ("FAILED", False)
    [finding] = told["findings"]
    assert is_told(finding, "invalid_code") and finding["fix"] == GRANT_ENDS
    assert "FAILED since 2026-02-07 09:10:56 UTC; the reason noted is invalid_code" in finding["evidence"]


def test_a_client_that_was_deleted_there_is_told(control, owner, outside, account):
    control.crm.clients.remove(account.client.client_id)
    with pytest.raises(AccountsUnreachable):
        access(control, outside, instead_of=account.tokens.access_token)
    told = diagnose(owner, outside.id)
    [finding] = [candidate for candidate in told["findings"] if candidate["code"] == "invalid_client"]
    assert (
        told["healthy"] is False
        and is_told(finding, "invalid_client")
        and "moorage client list" in finding["fix"]
    )


def test_a_wrong_client_secret_is_told(control, owner, elsewhere, outside, account):
    elsewhere.know(Client(account.client.client_id, "not-the-secret"))
    with pytest.raises(AccountsUnreachable):
        access(control, outside, instead_of=account.tokens.access_token)
    finding = only(owner, outside.id)
    assert is_told(finding, "invalid_client_secret") and "moorage client set" in finding["fix"]


def test_a_token_of_another_data_centre_is_told_with_what_each_side_says(owner, elsewhere, account):
    strayed = account.connect(owner, "us")
    finding = only(owner, strayed.id)
    assert is_told(finding, "INVALID_TOKEN")
    assert "https://www.zohoapis.com/crm/v8/org with the token was answered with 401" in finding["evidence"]
    assert "leads to the data centre us, metadata says us" in finding["evidence"]
    assert "a token from another data centre would be refused in the same way" in finding["evidence"]


@pytest.mark.parametrize(
    "wrong",
    [{"base_url": "https://www.zohoapis.com"}, {"metadata": {"data_centre": "in"}}],
    ids=["host", "told"],
)
def test_calls_that_go_to_another_data_centre_than_the_tokens_come_from_are_told(owner, account, wrong):
    strayed = account.connect(owner, "eu", **wrong)
    finding = diagnose(owner, strayed.id)["findings"][0]
    assert is_told(finding, "wrong_data_centre") and finding["fix"] == GRANT_ENDS
    assert "tokens come from accounts.zoho.eu (eu)" in finding["evidence"]


def test_scopes_that_do_not_cover_the_call_are_told_and_leave_it_healthy(owner, account):
    narrow = account.connect(
        owner, "eu", scopes="ZohoCRM.modules.ALL", metadata={"scopes_missing": ["ZohoCRM.org.ALL"]}
    )
    told = diagnose(owner, narrow.id)
    missing, mismatch = told["findings"]
    assert is_told(missing, "scopes_missing", "warning") and "ZohoCRM.org.ALL" in missing["evidence"]
    assert is_told(mismatch, "OAUTH_SCOPE_MISMATCH", "warning") and told["healthy"] is True


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (HttpReply(429, b'{"code": "TOO_MANY_REQUESTS"}'), "throttled"),
        (HttpReply(403, b'{"code": "NO_PERMISSION"}'), "call_refused"),
        (HttpReply(302, b""), "call_refused"),
    ],
    ids=lambda value: getattr(value, "status", value),
)
def test_other_answers_are_worth_a_warning(owner, elsewhere, outside, reply, code):
    elsewhere.faults["www.zohoapis.eu"] = reply
    finding = only(owner, outside.id)
    assert is_told(finding, code, "warning")
    assert f"answered with {reply.status}" in finding["evidence"]


def test_an_api_that_has_trouble_is_told(owner, elsewhere, outside):
    elsewhere.faults["www.zohoapis.eu"] = HttpReply(500, b"<html>")
    finding = only(owner, outside.id)
    assert is_told(finding, "api_failing") and "answered with 500" in finding["evidence"]


def test_a_401_that_says_nothing_more_means_the_token(owner, elsewhere, outside):
    elsewhere.faults["www.zohoapis.eu"] = HttpReply(401, b"go away")
    assert is_told(only(owner, outside.id), "INVALID_TOKEN")


# What is missing here


def test_a_connection_that_nobody_connected_is_told(control, owner):
    control.organisation("acme")
    told = diagnose(owner, owner.connect()["id"])
    [finding] = told["findings"]
    assert is_told(finding, "not_connected", "warning") and told["healthy"] is False


def test_with_nothing_to_connect_to_the_operator_is_told_how(owner):
    waiting, client = diagnose(owner, owner.connect()["id"])["findings"]
    assert is_told(waiting, "not_connected", "warning") and is_told(client, "oauth_client_missing")
    assert "moorage client set zoho-crm" in client["fix"]


def test_a_client_that_was_forgotten_here_is_told(control, owner, outside):
    control.run(control.rooms.oauth_clients.delete("zoho", None))
    finding = only(owner, outside.id)
    assert is_told(finding, "oauth_client_missing") and "zoho in eu" in finding["evidence"]
    assert "moorage client set zoho-crm --data-centre eu" in finding["fix"]


def test_an_organisation_that_is_gone_is_told(control, owner, connected):
    control.crm.organisations.delete("acme")
    finding = only(owner, connected.id)
    assert is_told(finding, "organisation_unknown") and "leads to acme" in finding["evidence"]


def test_what_made_it_fail_and_lasts_is_told_once(control, owner, connected):
    control.crm.organisations.delete("acme")
    control.clock.advance(HOUR)
    with pytest.raises(ReconnectNeeded):
        access(control, connected)
    finding = only(owner, connected.id)
    assert is_told(finding, "organisation_unknown")
    assert "FAILED since" in finding["evidence"] and "leads to acme" in finding["evidence"]


def test_a_data_centre_that_the_app_no_longer_has_is_told(owner, account):
    strayed = account.connect(owner, "eu")
    provider = account._elsewhere.control.rooms.providers._by_name
    known = provider["zoho-crm"]
    provider["zoho-crm"] = msgspec.structs.replace(known, data_centres={"us": known.data_centres["us"]})
    finding = only(owner, strayed.id)
    assert (
        is_told(finding, "data_centre_unknown")
        and "its metadata has the data centre eu" in finding["evidence"]
    )


def test_an_app_that_is_gone_is_told(control, owner, connected):
    del control.rooms.providers._by_name["zoho-crm"]
    assert is_told(only(owner, connected.id), "app_unknown")


def activated(control, connection, token, refresh=None, upstream=None):
    def keep(tx):
        return control.rooms.tokens.keep(tx, connection.id, token, refresh)

    facts = dict(connection.metadata)
    control.run(control.rooms.connections.activate(connection, upstream or connection.upstream, facts, keep))
    return read_again(control, connection)


@pytest.mark.parametrize(("seconds", "severity"), [(60, "warning"), (-60, "problem")])
def test_a_missing_refresh_token_is_told_before_and_after_the_end(
    control, owner, connected, seconds, severity
):
    now = access(control, connected)
    token = AccessToken(now.value, control.clock.timestamp() + seconds)
    activated(control, connected, token)
    finding = only(owner, connected.id)
    assert is_told(finding, "no_refresh_token", severity) and "no refresh token" in finding["evidence"]


def test_a_missing_token_is_told(control, owner, connected):
    async def shred():
        async with control.rooms.database.transaction() as tx:
            await control.rooms.vault.shred_in(tx, connected.id)

    control.run(shred())
    assert is_told(only(owner, connected.id), "token_missing")


def test_a_vault_that_does_not_open_is_told(tmp_path):
    with closing(Control(tmp_path / "home", {"MOORAGE_VAULT_KEY": "11" * 32})) as right:
        right.organisation("acme")
        owner = Caller(right, "owner")
        connection = owner.connect("acme")
    with closing(Control(tmp_path / "home", {"MOORAGE_VAULT_KEY": "22" * 32})) as wrong:
        answer = wrong.call("GET", f"/connections/{connection['id']}/diagnosis", key=owner.key)
    [finding] = answer.json["findings"]
    assert is_told(finding, "vault_locked") and "MOORAGE_VAULT_KEY" in finding["fix"]
    assert answer.json["healthy"] is False


def test_a_vault_without_a_key_is_told_and_has_no_url_signed(control, owner, connected):
    (control.settings.home / "vault.key").unlink()
    answer = owner.get(f"/connections/{connected.id}/diagnosis")
    assert (answer.status, answer.json["url"]) == (200, None)
    assert is_told(answer.json["findings"][0], "vault_locked")


# Renewals that fail


def test_a_budget_that_is_used_up_is_told(control, owner, outside, account):
    token = account.tokens.access_token
    for _ in range(BUDGET):
        token = access(control, outside, instead_of=token).value
    finding = only(owner, outside.id)
    assert is_told(finding, "refresh_limited", "warning")
    assert "9 of 9 within ten minutes; the next is possible at 2026-02-07 09:20:56 UTC" in finding["evidence"]
    control.clock.advance(HOUR - WINDOW / 2)
    token = access(control, outside).value
    for _ in range(BUDGET - 1):
        token = access(control, outside, instead_of=token).value
    control.clock.advance(WINDOW)
    assert diagnose(owner, outside.id)["healthy"] is True


def ask_too_often(control, account):
    """Somebody else makes tokens of the same refresh token, as many as the accounts server gives."""
    for _ in range(10):
        control.crm.accounts.refresh(account.client, account.tokens.refresh_token)


def test_an_accounts_server_that_is_asked_too_often_is_told(control, owner, outside, account):
    control.clock.advance(HOUR)
    ask_too_often(control, account)
    with pytest.raises(AccountsUnreachable):
        access(control, outside)
    finding = only(owner, outside.id)
    assert is_told(finding, "Access Denied") and "no other program makes" in finding["fix"]
    assert "The last renewal failed. The last reason: Access Denied." in finding["evidence"]
    assert "next try is possible at 2026-02-07 10:10:5" in finding["evidence"]


def test_an_accounts_server_that_failed_lately_is_told_while_the_token_lives(
    control, owner, elsewhere, outside
):
    elsewhere.faults["accounts.zoho.eu"] = HttpReply(503, b"<html>")
    with pytest.raises(AccountsUnreachable):
        access(control, outside, instead_of=access(control, outside).value)
    failed, failing = diagnose(owner, outside.id)["findings"]
    assert is_told(failed, "accounts_silent", "warning") and "answered 503" in failed["evidence"]
    assert is_told(failing, "accounts_failing", "warning")


# Hosts and clocks


@pytest.mark.parametrize("ahead", [-121, 121])
def test_clocks_that_are_apart_are_told(owner, elsewhere, outside, ahead):
    elsewhere.clock = ahead
    finding = only(owner, outside.id)
    assert is_told(finding, "clock_skew", "warning")
    assert "accounts.zoho.eu says 2026-02-07 09:" in finding["evidence"]
    assert "www.zohoapis.eu says" in finding["evidence"]
    assert "this machine 2026-02-07 09:10:56 UTC" in finding["evidence"]


def test_clocks_may_be_a_little_apart(owner, elsewhere, outside):
    elsewhere.clock = 119
    assert diagnose(owner, outside.id)["findings"][0]["code"] == "connected"
    elsewhere.faults["www.zohoapis.eu"] = HttpReply(200, b"{}", 253_402_300_799.0 + 86_400)
    assert "an impossible date" in only(owner, outside.id)["evidence"]


@pytest.mark.parametrize(
    ("host", "code"), [("accounts.zoho.eu", "accounts_unreachable"), ("www.zohoapis.eu", "api_unreachable")]
)
def test_a_host_that_can_not_be_reached_is_told(owner, elsewhere, outside, host, code):
    elsewhere.silence(host)
    finding = only(owner, outside.id)
    assert is_told(finding, code) and host in finding["evidence"] and host in finding["fix"]


def test_a_host_that_says_nothing_is_told_in_time(owner, elsewhere, outside, monkeypatch):
    async def silent(call):
        await asyncio.Event().wait()

    monkeypatch.setattr(looking, "PROBE_SECONDS", 0.01)
    monkeypatch.setattr(owner.control.rooms.accounts, "_outside", silent)
    told = diagnose(owner, outside.id)["findings"]
    assert [finding["code"] for finding in told] == ["accounts_unreachable", "api_unreachable"]
    assert "www.zohoapis.eu did not answer" in told[1]["evidence"]


def nobodys_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def test_ports_that_nobody_listens_at_are_told_over_real_sockets(tmp_path):
    folder = tmp_path / "home" / "providers"
    folder.mkdir(parents=True)
    api, accounts = nobodys_port(), nobodys_port()
    (folder / "example.toml").write_text(
        f"""
        name = "example"
        title = "Example"
        authorization = "Bearer {{access_token}}"
        authorize_path = "/authorize"
        token_path = "/token"
        [[identity]]
        path = "/me"
        [identity.facts]
        user = "email"
        [data_centres.here]
        api = "http://127.0.0.1:{api}"
        accounts = "http://127.0.0.1:{accounts}"
        """
    )
    with closing(Control(tmp_path / "home")) as control:
        owner = Caller(control, "owner")
        control.run(control.rooms.oauth_clients.set("example", None, Client("id", "client-secret")))
        created = owner.call("POST", "/connections", {"app": "example"}).json["connection"]
        connection = control.run(control.rooms.connections.get(owner.account, created["id"]))
        upstream = Upstream("remote", f"http://127.0.0.1:{api}", data_centre="here")
        activated(control, connection, AccessToken("access-token", None), upstream=upstream)
        told = diagnose(owner, created["id"])
    first, second = told["findings"]
    assert is_told(first, "accounts_unreachable") and str(accounts) in first["evidence"]
    assert is_told(second, "api_unreachable") and str(api) in second["evidence"]


# Who may ask, and how often the other side is asked


def test_those_who_ask_at_once_share_one_look(control, owner, elsewhere, outside):
    looks = control.together(*(control.rooms.diagnoses.diagnose(outside) for _ in range(20)))
    assert len(looks) == 20 and len(set(map(id, looks))) == 1
    assert len(elsewhere.calls) == 2
    diagnose(owner, outside.id)
    assert len(elsewhere.calls) == 4


def test_a_caller_who_goes_away_does_not_end_the_look_of_the_others(control, owner, outside):
    async def both():
        diagnoses = control.rooms.diagnoses
        first = asyncio.create_task(diagnoses.diagnose(outside))
        second = asyncio.create_task(diagnoses.diagnose(outside))
        await asyncio.sleep(0)
        first.cancel()
        return (await second).is_healthy, len(diagnoses._running.under_way())

    assert control.run(both()) == (True, 0)


def narrow(owner, scopes, **more):
    created = owner.call("POST", "/keys", {"name": "narrow", "scopes": scopes, **more}).json
    return lambda target: owner.control.call("GET", target, key=created["secret"])


def test_a_key_that_only_reads_gets_no_url(owner, connected):
    answer = narrow(owner, ["connections:read"])(f"/connections/{connected.id}/diagnosis")
    assert (answer.status, answer.json["url"]) == (200, None) and "session_token" not in answer.text


def test_what_is_out_of_reach_looks_missing(owner, stranger, outside):
    path = f"/connections/{outside.id}/diagnosis"
    assert stranger.get(path).status == 404
    assert narrow(owner, ["connections:read"], mode="test")(path).status == 404
    assert (
        owner.get(f"/connections/{'0' * 8}-0000-4000-8000-{'0' * 12}/diagnosis").code == "connection_unknown"
    )


# Secrets


@pytest.mark.parametrize("status", [401, 403, 500])
def test_an_app_that_sends_a_token_back_does_not_have_it_shown(control, owner, elsewhere, outside, status):
    token = "shown.nowhere-1"
    activated(control, outside, AccessToken(token, None), "refresh-shown-nowhere")
    elsewhere.faults["www.zohoapis.eu"] = HttpReply(status, json.dumps({"code": token}).encode())
    assert "answered with" in only(owner, outside.id)["evidence"]


def test_a_reason_that_holds_a_secret_is_not_shown_whole(control, owner, outside, account):
    async def fail():
        async with control.rooms.database.transaction() as tx:
            reason = f"bad token {account.tokens.refresh_token} of {account.client_secret}"
            await control.rooms.connections.fail_in(tx, outside, reason)

    control.run(fail())
    told = diagnose(owner, outside.id)["findings"]
    assert "bad token … of …" in told[0]["evidence"]


def test_nothing_else_is_read_into_a_code(owner, elsewhere, outside):
    for code in ("\x1b[2J", "x" * 101, "", 7, None, ["a"]):
        elsewhere.faults["www.zohoapis.eu"] = HttpReply(403, json.dumps({"code": code}).encode())
        assert only(owner, outside.id)["evidence"].endswith("was answered with 403.")
