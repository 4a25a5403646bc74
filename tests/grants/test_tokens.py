"""Codes and tokens: each for one program, one resource and one use, in all processes."""

import asyncio
import json
import re

import pytest

from moorage.grants.issuing import ACCESS_TOKENS
from moorage.grants.model import ACCESS_SECONDS, CODE_SECONDS, LEEWAY_SECONDS, REFRESH_SECONDS
from moorage.grants.tokens import is_formed
from moorage.secret_names import without_secrets
from tests.audit.entries import entries_of
from tests.control import GATEWAY
from tests.grants.program import MCP, Program, key_of

KINDS = {"access_token": "at", "refresh_token": "rt"}


@pytest.fixture
def other_process(control):
    with control.another() as rooms:
        yield rooms


def refused(answer, error="invalid_grant"):
    assert (answer.status, answer.json["error"]) == (400, error), answer.text
    assert answer.headers["cache-control"] == "no-store"
    return True


def test_a_code_gives_tokens_that_stand_for_the_key(owner, ada, browser, program):
    answer = program.exchange(program.ask(browser)["code"])
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", ACCESS_SECONDS, "mcp")
    for name, kind in KINDS.items():
        assert re.fullmatch(rf"mo_{kind}_[0-9A-Za-z]{{46}}", tokens[name])  # As docs/security.md says.
        assert is_formed(kind, tokens[name]) and tokens[name] not in without_secrets(
            f'{{"a": "{tokens[name]}"}}'
        )
        assert not is_formed(kind, f"{tokens[name][:-1]}{'0' if tokens[name][-1] != '0' else '1'}")
    caller, key = program.principal(tokens["access_token"]), key_of(owner)
    assert (caller.key_id, caller.account_id, caller.name) == (key["id"], owner.account, "Harbour Agent")
    assert caller.scopes.texts() == key["scopes"]
    assert program.principal(tokens["refresh_token"]) is None


def test_only_digests_are_stored_and_nothing_is_logged(control, ada, browser, program, caplog):
    code = program.ask(browser)["code"]
    tokens = program.exchange(code).json

    async def read():
        async with control.rooms.database.reading() as tx:
            tables = "grant_clients", "grants", "grant_codes", "grant_tokens", "audit_entries", "api_keys"
            return [(await tx.connection.exec_driver_sql(f"SELECT * FROM {name}")).all() for name in tables]

    text = repr(control.run(read()))
    assert len(text) > 1000
    text += caplog.text
    assert "grant.given" in text
    assert not any(secret in text for secret in (code, tokens["access_token"], tokens["refresh_token"]))


def test_a_code_works_once_and_its_second_use_ends_what_it_gave(control, owner, ada, browser, program):
    code = program.ask(browser)["code"]
    tokens = program.exchange(code).json
    assert refused(program.exchange(code))
    assert program.principal(tokens["access_token"]) is None
    assert refused(program.refresh(tokens["refresh_token"]))
    assert key_of(owner)["revoked_at"] is not None
    ended = [entry for entry in entries_of(control, owner.account) if entry["action"] == "grant.ended"]
    assert len(ended) == 1 and ended[0]["actor"]["kind"] == "server"
    assert "used twice" in ended[0]["after"]["reason"]


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "w" * 43},
        {"redirect_uri": "http://127.0.0.1:3001/back"},
        {"resource": f"{MCP}/c/sales"},
        {"client_id": "client_other"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_code_that_somebody_else_tries_is_worth_nothing_any_more(owner, ada, browser, program, changes):
    code = program.ask(browser)["code"]
    assert refused(program.exchange(code, **changes))
    assert refused(program.exchange(code))
    assert key_of(owner)["revoked_at"] is not None


def test_a_code_lasts_a_minute(control, ada, browser, program):
    code = program.ask(browser)["code"]
    control.clock.advance(CODE_SECONDS)
    assert refused(program.exchange(code))


NEEDED = ["client_id", "code", "redirect_uri", "code_verifier"]


def test_what_a_program_leaves_out_is_named(ada, browser, program):
    for name in NEEDED:
        answer = program.exchange("mo_ac_x", **{name: None})
        assert refused(answer, "invalid_request") and name in answer.json["error_description"]


def test_a_token_is_for_its_resource_and_what_is_below_it(control, ada, browser, program):
    token = program.signed_in(browser)["access_token"]
    for path in ("", "/c/sales", "/maton"):
        assert program.principal(token, f"{MCP}{path}") is not None
    for other in (GATEWAY, f"{MCP}s", "https://elsewhere.example/mcp"):
        assert program.principal(token, other) is None, other


def test_a_token_for_one_account_is_for_no_other(control, owner, ada, browser, program):
    control.organisation("acme")
    connection = owner.connect("acme", alias="sales")["id"]
    resource = f"{MCP}/c/sales"
    brought = program.ask(browser, changes={"resource": resource}, **{f"connection.{connection}": "on"})
    token = program.exchange(brought["code"], resource=resource).json["access_token"]
    assert program.principal(token, resource) is not None
    for other in (MCP, f"{MCP}/c/sales-eu", f"{MCP}/c/other", f"{MCP}/maton"):
        assert program.principal(token, other) is None, other


def test_the_rest_of_moorage_knows_no_such_token(control, ada, browser, program):
    """Its audience is the MCP server."""
    tokens = program.signed_in(browser)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        for path in ("/keys", "/connections", "/requests", "/approvals", "/grants"):
            answer = control.call("GET", path, key=token)
            assert (answer.status, answer.code) == (401, "key_invalid")


def test_a_key_of_a_grant_gets_no_secret(owner, ada, browser, program):
    program.signed_in(browser)
    answer = owner.call("POST", f"/keys/{key_of(owner)['id']}/rotate")
    assert (answer.status, answer.code) == (409, "key_of_grant")


def test_a_refresh_token_is_used_up_by_new_ones(control, ada, browser, program):
    first = program.signed_in(browser)
    control.clock.advance(ACCESS_SECONDS)
    assert program.principal(first["access_token"]) is None
    second = program.refresh(first["refresh_token"]).json
    assert program.principal(second["access_token"]) is not None
    assert second["refresh_token"] != first["refresh_token"]
    control.clock.advance(ACCESS_SECONDS)
    third = program.refresh(second["refresh_token"], resource=MCP).json
    assert program.principal(third["access_token"]) is not None


def test_an_old_refresh_token_ends_the_grant(control, owner, ada, browser, program):
    first = program.signed_in(browser)
    second = program.refresh(first["refresh_token"]).json
    control.clock.advance(LEEWAY_SECONDS)
    assert refused(program.refresh(first["refresh_token"]))
    assert program.principal(second["access_token"]) is None
    assert refused(program.refresh(second["refresh_token"]))
    assert key_of(owner)["revoked_at"] is not None


def test_a_program_that_lost_the_answer_gets_the_same_refresh_token_again(control, ada, browser, program):
    first = program.signed_in(browser)["refresh_token"]
    second = program.refresh(first).json["refresh_token"]
    control.clock.advance(LEEWAY_SECONDS - 1)
    assert program.refresh(first).json["refresh_token"] == second
    third = program.refresh(second).json["refresh_token"]
    # The answer has arrived: from here on the first one belongs to nobody.
    assert refused(program.refresh(first))
    assert refused(program.refresh(third))


def test_whoever_else_took_the_lost_answer_is_found_out(control, owner, ada, browser, program):
    first = program.signed_in(browser)["refresh_token"]
    mine, theirs = (program.refresh(first).json["refresh_token"] for _ in range(2))
    assert program.refresh(mine).status == 200
    control.clock.advance(LEEWAY_SECONDS)
    assert refused(program.refresh(theirs))
    assert key_of(owner)["revoked_at"] is not None


def test_two_processes_give_one_refresh_token_to_two_calls_at_once(
    control, ada, browser, program, other_process
):
    first = program.signed_in(browser)["refresh_token"]
    here, there = control.rooms.issuing, other_process.issuing
    calls = [rooms.refresh(first, program.client_id, None) for rooms in (here, there, here, there)]
    issued = control.together(*calls)
    assert len({one.refresh_token for one in issued}) == 1
    assert len({one.access_token for one in issued}) == 4
    for one in issued:
        assert program.principal(one.access_token, rooms=other_process) is not None


def test_two_processes_accept_a_code_once(control, owner, ada, browser, program, other_process):
    from tests.grants.program import BACK, VERIFIER

    code = program.ask(browser)["code"]
    sent = code, program.client_id, BACK, VERIFIER, MCP

    async def both():
        calls = [rooms.issuing.exchange(*sent) for rooms in (control.rooms, other_process)]
        return await asyncio.gather(*calls, return_exceptions=True)

    results = control.run(both())
    assert sorted(type(result).__name__ for result in results) == ["Issued", "Refused"]
    assert key_of(owner)["revoked_at"] is not None


def test_a_refresh_token_that_nobody_uses_ends(control, ada, browser, program):
    token = program.signed_in(browser, days="endless")["refresh_token"]
    control.clock.advance(REFRESH_SECONDS)
    assert refused(program.refresh(token))


def test_what_was_made_while_the_clock_was_ahead_counts_for_nothing_later(control, ada, browser, program):
    days = 2 * 86_400
    control.clock.advance(days)
    browser.sign_in()
    tokens, code = program.signed_in(browser), program.ask(browser)["code"]
    control.clock.advance(-days)
    assert program.principal(tokens["access_token"]) is None
    assert refused(program.refresh(tokens["refresh_token"]))
    assert refused(program.exchange(code))


def test_tokens_end_with_the_key(control, ada, browser, program):
    tokens = program.signed_in(browser, days="1")
    control.clock.advance(24 * 3600 - 60)
    tokens = program.refresh(tokens["refresh_token"]).json
    assert tokens["expires_in"] == 60
    control.clock.advance(60)
    assert program.principal(tokens["access_token"]) is None
    assert refused(program.refresh(tokens["refresh_token"]))


MISFITS = [
    ({"client_id": "client_other"}, "invalid_grant"),
    ({"resource": f"{MCP}/ops"}, "invalid_target"),
    ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
    ({"client_id": None}, "invalid_request"),
    ({"refresh_token": "mo_rt_x"}, "invalid_grant"),
    ({"grant_type": "password"}, "unsupported_grant_type"),
    ({"grant_type": None}, "unsupported_grant_type"),
]


def test_a_refresh_token_is_for_its_program_and_resource(ada, browser, program):
    for changes, error in MISFITS:
        token = program.signed_in(browser)["refresh_token"]
        assert refused(program.refresh(**{"refresh_token": token} | changes), error)
        assert program.refresh(token).status == 200  # Nothing has happened to it.


def test_a_revoked_key_is_dead_here_at_once_and_elsewhere_when_that_notices(
    control, owner, ada, browser, program, other_process
):
    tokens = program.signed_in(browser)
    for rooms in (control.rooms, other_process):
        assert program.principal(tokens["access_token"], rooms=rooms) is not None
    other_process.database.changed()
    assert owner.call("DELETE", f"/keys/{key_of(owner)['id']}").status == 200
    assert program.principal(tokens["access_token"]) is None
    assert other_process.database.changed()  # The server looks every half a second, and forgets.
    other_process.grants.clear()
    assert program.principal(tokens["access_token"], rooms=other_process) is None
    assert refused(program.refresh(tokens["refresh_token"]))


def test_a_grant_ends_with_what_its_person_may_do(control, owner, ada, browser, join, program):
    bob, other = join(owner.account, "operator")
    tokens = program.signed_in(other)
    control.run(control.rooms.people.change_role(owner.account, bob.id, "approver"))
    control.rooms.grants.clear()
    assert program.principal(tokens["access_token"]) is None
    assert refused(program.refresh(tokens["refresh_token"]))
    control.run(control.rooms.people.change_role(owner.account, bob.id, "operator"))
    assert program.principal(tokens["access_token"]) is not None
    control.run(control.rooms.people.remove(owner.account, bob.id))
    control.rooms.grants.clear()
    assert program.principal(tokens["access_token"]) is None


def test_a_program_ends_its_grant(control, owner, ada, browser, program):
    tokens = program.signed_in(browser)
    assert refused(
        program.post("/oauth/revoke", token=tokens["refresh_token"], client_id="client_other"),
        "invalid_client",
    )
    told = program.post("/oauth/revoke", token=tokens["refresh_token"], client_id=program.client_id)
    assert (told.status, told.json) == (200, {})
    assert program.principal(tokens["access_token"]) is None and key_of(owner)["revoked_at"] is not None
    ended = entries_of(control, owner.account)[-2]
    assert (ended["action"], ended["actor"]["kind"]) == ("grant.ended", "key")
    assert program.post("/oauth/revoke", token=tokens["refresh_token"]).status == 200


def test_a_program_takes_one_access_token_back(ada, browser, program):
    tokens = program.signed_in(browser)
    assert program.principal(tokens["access_token"]) is not None
    assert program.post("/oauth/revoke", token=tokens["access_token"]).status == 200
    assert program.principal(tokens["access_token"]) is None
    assert program.refresh(tokens["refresh_token"]).status == 200


def test_a_grant_has_a_few_access_tokens(control, ada, browser, program):
    tokens = program.signed_in(browser)
    first = tokens["access_token"]
    for _ in range(ACCESS_TOKENS):
        control.clock.advance(1)
        tokens = program.refresh(tokens["refresh_token"]).json
    control.rooms.grants.clear()
    assert program.principal(first) is None and program.principal(tokens["access_token"]) is not None


def test_what_nobody_uses_is_removed(control, owner, ada, browser, program):
    program.ask(browser)  # Its program never comes for the code.
    kept = Program(control)
    tokens = kept.signed_in(browser)
    control.clock.advance(CODE_SECONDS)
    control.run(control.rooms.grants.prune())
    states = [key["revoked_at"] is not None for key in owner.get("/keys").json["keys"] if key["grant"]]
    assert sorted(states) == [False, True]
    assert kept.refresh(tokens["refresh_token"]).status == 200


NONSENSE = [
    ("token", b"{}", "application/json"),
    ("token", b"grant_type=refresh_token&grant_type=refresh_token", "application/x-www-form-urlencoded"),
    ("token", b"client_id=%00%ff&grant_type=%ed%a0%80", "application/x-www-form-urlencoded"),
    ("revoke", b"", "application/x-www-form-urlencoded"),
    ("revoke", b"token=%00", "application/x-www-form-urlencoded"),
    ("register", b"[" * 10_000, "application/json"),
    ("register", json.dumps({"redirect_uris": ["http://x\ud800"]}).encode(), "application/json"),
    ("register", json.dumps({"redirect_uris": [1e400, None]}).encode(), "application/json"),
    ("register", json.dumps({"redirect_uris": 1, "client_name": "\0"}).encode(), "application/json"),
]


def test_nothing_that_is_sent_breaks_anything(control):
    for path, body, content_type in NONSENSE:
        answer = control.call("POST", f"/oauth/{path}", body=body, headers=[("Content-Type", content_type)])
        assert answer.status in {200, 400}, answer.text
        assert answer.headers["cache-control"] == "no-store"
