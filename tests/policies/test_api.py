"""Policies over the control API: who may see and change them, and what would be decided."""

import json

import pytest

from moorage.keys.scopes import EVERYTHING
from moorage.people.model import new_person
from moorage.people.rights import caller

READONLY = {"mode": "readonly"}
RULE = {"name": "no deals", "action": "deny", "modules": ["Deals"]}
DELETION = {"app": "zoho-crm", "method": "DELETE", "path": "/crm/v8/Leads/1"}


@pytest.fixture
def made(control, owner):
    """Makes a key; returns its id and its secret. By itself a key that is open makes it, and one that is open."""
    account = owner.account
    _, opener = control.run(
        control.rooms.keys.create(account, "opener", policy={"mode": "open"}, scopes=EVERYTHING)
    )
    owner.opener = opener

    def make(by=opener, **body):
        answer = owner.control.call("POST", "/keys", key=by, body=encoded({"name": "agent", **body}))
        return (answer.json["key"]["id"], answer.json["secret"]) if answer.status == 200 else answer

    return make


def inside(owner):
    owner.control.organisation("acme")
    return owner.connect("acme")


def encoded(document):
    return json.dumps(document).encode()


def put(owner, key_id, policy, by=None, query=""):
    return owner.control.call(
        "PUT", f"/keys/{key_id}/policy{query}", key=by or owner.opener, body=encoded(policy)
    )


def attempt(owner, by=None, **described):
    return owner.control.call(
        "POST", "/policies/try", key=by or owner.key, body=encoded({**DELETION, **described})
    )


def test_a_policy_is_kept_as_it_was_given(owner, made):
    key_id, _ = made()
    budget = {"counts": "records", "most": 100, "per_seconds": 3600}
    policy = {"mode": "cautious", "rules": [RULE], "budgets": [budget], "needs_name": True}
    answer = put(owner, key_id, policy)
    assert answer.status == 200 and answer.json["policy"] == policy
    read = owner.call("GET", f"/keys/{key_id}/policy").json
    assert read["policy"] == policy and read["connections"] == {}
    assert owner.call("DELETE", f"/keys/{key_id}/policy").json["policy"] is None


def test_a_policy_for_one_connection_goes_before_that_for_all(owner, made):
    connection, (key_id, _) = inside(owner)["id"], made(by=owner.key)
    assert attempt(owner, key=key_id).json["source"] == "environment"
    put(owner, key_id, {"mode": "strict"})
    tried = attempt(owner, key=key_id).json
    assert (tried["action"], tried["source"], tried["policy"]["mode"]) == ("ask", "key", "strict")
    shown = put(owner, key_id, READONLY, query=f"?connection={connection}").json
    assert (shown["connection_id"], shown["policy"]["mode"], shown["source"]) == (
        connection,
        "readonly",
        "connection",
    )
    assert attempt(owner, key=key_id).json["action"] == "deny"
    assert owner.call("GET", f"/keys/{key_id}/policy").json["connections"].keys() == {connection}
    owner.call("DELETE", f"/keys/{key_id}/policy?connection={connection}")
    assert attempt(owner, key=key_id).json["source"] == "key"


@pytest.mark.parametrize(
    ("policy", "named"),
    [
        ({"mode": "loose"}, "mode"),
        ({"mode": "cautios"}, "policy.mode can't be 'cautios'. Did you mean cautious?"),
        ({"rules": [{**RULE, "action": "deney"}]}, "rules[0].action can't be 'deney'. Did you mean deny?"),
        ({"rules": [{"action": "deny"}]}, "name"),
        ({"rules": [{**RULE, "name": ""}]}, "rules[0].name"),
        ({"rules": [RULE, RULE]}, "no deals"),
        ({"rules": [{**RULE, "module": "x"}]}, "module"),
        ({"rules": [{**RULE, "modules": []}]}, "rules[0].modules"),
        ({"rules": [{**RULE, "kinds": ["reads"]}]}, "rules[0].kinds can't be 'reads'. Did you mean read?"),
        ({"rules": [{**RULE, "kinds": [1]}]}, "kinds"),
        ({"rules": [{**RULE, "methods": ["get"]}]}, "'get'"),
        ({"rules": [{**RULE, "path": "crm"}]}, "'crm'"),
        ({"rules": [{**RULE, "path": "/**/**"}]}, "/**/**"),
        ({"rules": [{**RULE, "operations": ["POST /crm/v8/coq"]}]}, "Did you mean POST /crm/v8/coql?"),
        ({"rules": [RULE] * 51}, "50"),
        ({"rules": {}}, "rules"),
        ({"budgets": [{"counts": "calls", "most": 0, "per_seconds": 1}]}, "budgets[0]"),
        ({"budgets": [{"counts": "calls", "most": 1}]}, "per"),
        ({"budgets": [{"counts": "calls", "most": 1, "per_seconds": 60}] * 2}, "two budgets"),
        ({"needs_name": 1}, "needs_name"),
        ({"rules": ["x"]}, "rules[0]"),
        ({"rules": [{**RULE, "name": "\ud800"}]}, "not JSON"),
        ({"rules": [{**RULE, "name": "\0"}]}, "rules[0].name"),
        ({"budgets": [{"counts": "calls", "most": 10**30, "per_seconds": 1}]}, "budgets[0]"),
    ],
)
def test_what_is_wrong_with_a_policy_is_named(owner, made, policy, named):
    answer = put(owner, made()[0], policy)
    assert answer.status == 400 and named.lower() in answer.json["message"].lower(), answer.json
    assert made(policy=policy).status == 400


def test_an_app_that_there_is_not_is_no_missing_connection(owner):
    answer = attempt(owner, app="zoho-crn")
    assert (answer.status, answer.code) == (404, "app_unknown")
    assert "Did you mean zoho-crm?" in answer.json["message"]


def test_a_name_is_needed_of_all_connections_or_of_none(owner, made):
    connection = inside(owner)["id"]
    answer = put(owner, made()[0], {"needs_name": True}, query=f"?connection={connection}")
    assert (answer.status, answer.code) == (400, "policy_invalid")


def test_a_key_never_changes_its_own_policy(owner, made):
    key_id, secret = made()
    for method, body in (("PUT", READONLY), ("DELETE", None)):
        answer = owner.control.call(
            method, f"/keys/{key_id}/policy", key=secret, body=encoded(body) if body else b""
        )
        assert (answer.status, answer.code) == (403, "rights_exceeded")


def test_a_key_does_not_limit_a_key_that_may_do_more(owner, made):
    """Else it could make the owner's key useless, until somebody repairs that at the server."""
    [owners] = [key["id"] for key in owner.call("GET", "/keys").json["keys"] if key["name"] == "owner"]
    equal, scopes = made(scopes=["policies:write"]), ["policies:write", "proxy:read"]
    limited = made(scopes=scopes)
    for method, body in (("PUT", READONLY), ("DELETE", None)):
        sent = encoded(body) if body else b""
        answer = owner.control.call(method, f"/keys/{owners}/policy", key=limited[1], body=sent)
        assert (answer.status, answer.code) == (403, "scope_missing")
        assert owner.control.call(method, f"/keys/{equal[0]}/policy", key=limited[1], body=sent).status == 200


@pytest.mark.parametrize("policy", [{"mode": "cautious"}, {"mode": "open", "rules": [RULE]}])
def test_a_key_with_a_policy_gets_around_it_by_no_other_key(owner, made, policy):
    """All that a key with every scope can do: make keys, take the secrets of others, and change their policies."""
    open_key, _ = made()
    held_id, held = made(policy=policy, scopes=EVERYTHING.texts())
    child_id, child = made(by=held)
    assert owner.call("GET", f"/keys/{child_id}/policy").json["policy"] == {
        "rules": [], "budgets": [], "needs_name": False, **policy
    }  # fmt: skip
    assert made(by=held, policy={"mode": "open"}).code == "rights_exceeded"
    rotated = owner.control.call("POST", f"/keys/{open_key}/rotate", key=held)
    assert (rotated.status, rotated.code) == (403, "rights_exceeded")
    assert owner.control.call("POST", f"/keys/{held_id}/rotate", key=held).status == 200
    assert put(owner, child_id, {"mode": "open"}, by=held).code == "rights_exceeded"
    assert put(owner, held_id, {"mode": "open"}, by=child).code == "rights_exceeded"
    assert owner.control.call("DELETE", f"/keys/{child_id}/policy", key=held).code == "rights_exceeded"


def test_a_key_may_hand_on_less_than_it_may_do_itself(owner, made):
    _, held = made(policy={"mode": "cautious"}, scopes=EVERYTHING.texts())
    child_id, _ = made(by=held)
    rules = [{**RULE, "action": "ask"}]
    assert put(owner, child_id, {"mode": "strict", "rules": rules}, by=held).status == 200
    assert (
        put(owner, child_id, {"mode": "strict", "rules": [{**RULE, "action": "allow"}]}, by=held).status
        == 403
    )
    assert put(owner, child_id, READONLY, by=held).status == 200


def test_a_key_with_a_limiting_policy_gets_no_scope_that_changes_unless_it_is_named(owner, made):
    made(name="1", policy={"mode": "cautious"})
    made(name="2", policy={"mode": "open"})
    made(name="3", policy={"mode": "cautious"}, scopes=["keys:write"])
    by_name = {key["name"]: key for key in owner.call("GET", "/keys").json["keys"]}
    cautious, open_, named = (by_name[name] for name in "123")
    assert set(cautious["scopes"]) == {*EVERYTHING.reading.texts()} and "proxy" in cautious["scopes"]
    assert open_["scopes"] == EVERYTHING.texts() and named["scopes"] == ["keys:write"]
    assert (cautious["policy"]["mode"], open_["policy"]["mode"]) == ("cautious", "open")


def test_a_policy_in_a_new_key_needs_the_scope_of_policies(owner, made):
    _, plain = made(scopes=["keys:write"])
    answer = made(by=plain, scopes=["keys:write"], policy=READONLY)
    assert answer.code == "scope_missing" and "policies:write" in answer.json["message"]


def test_new_keys_are_cautious_with_live_accounts_and_give_nothing_laxer(owner, made):
    """The owner's key has no policy of its own, so the environment of a connection decides."""
    assert made(by=owner.key, policy={"mode": "open"}).code == "rights_exceeded"
    key_id, _ = made(by=owner.key)
    assert put(owner, key_id, {"mode": "open"}, by=owner.key).code == "rights_exceeded"
    assert put(owner, key_id, {"mode": "strict"}, by=owner.key).status == 200
    assert owner.call("DELETE", f"/keys/{key_id}/policy").status == 200
    assert owner.call("GET", f"/keys/{key_id}/policy").json["defaults"]["live"] == "cautious"


def test_what_would_be_decided_is_told_with_its_reason(owner, made):
    inside(owner)
    rule = {"name": "ask for leads", "action": "ask", "path": "/crm/v7/Leads/*"}
    tried = attempt(owner, policy={"mode": "open", "rules": [rule]}).json
    assert (tried["action"], tried["rule"], tried["source"]) == ("ask", "ask for leads", "tried")
    assert tried["operation"]["kind"] == "destructive" and tried["operation"]["records"] == 1
    calls = {"__composite_requests": [{"method": "GET", "uri": "/crm/v8/Deals"}]}
    described = {"method": "POST", "path": "/crm/v8/__composite_requests", "body": calls}
    tried = attempt(owner, **described, policy={"rules": [RULE]}).json
    assert (tried["action"], tried["rule"]) == ("deny", "no deals")
    tried = attempt(owner, method="GET", headers=["X-HTTP-Method-Override"], policy={"mode": "cautious"}).json
    assert tried["action"] == "ask"


def test_a_key_that_only_reads_is_told_so(owner, made):
    inside(owner)
    key_id, _ = made(scopes=["proxy:read"])
    assert attempt(owner, key=key_id).json["action"] == "deny"
    assert attempt(owner, key=key_id, method="GET").json["action"] == "allow"


def test_a_key_that_calls_no_app_is_told_so(owner, made):
    inside(owner)
    key_id, _ = made(scopes=["connections:read"])
    tried = attempt(owner, key=key_id, method="GET").json
    assert tried["action"] == "deny" and "proxy:zoho-crm:read" in tried["reason"]


def test_a_described_call_has_to_name_its_connection_as_a_real_one_has_to(owner, made):
    connection = inside(owner)["id"]
    key_id, _ = made(policy={"needs_name": True})
    for described in ({"key": key_id}, {"policy": {"needs_name": True}}):
        answer = attempt(owner, **described)
        assert (answer.status, answer.code) == (409, "connection_name_required")
        assert connection in answer.json["detail"]
        assert attempt(owner, **described, connection=connection).json["action"] == "allow"


@pytest.mark.parametrize(
    ("described", "named"),
    [
        ({"method": "delete"}, "method"), ({"path": "crm"}, "path"), ({"path": "/\ud800"}, "not JSON"),
        ({"app": 1}, "app"),
        ({"headers": ["a b"]}, "headers"), ({"headers": "x"}, "headers"), ({"policy": {"mode": "x"}}, "mode"),
        ({"path": "/" + "a" * 20_000}, "path"), ({"policy": []}, "policy"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_description_is_named(owner, described, named):
    inside(owner)
    answer = attempt(owner, **described)
    assert answer.status == 400 and named in answer.json["message"]


def test_no_policy_limits_those_that_a_person_gives(control, owner):
    """A key without a policy may not give an open one. A person in charge may: a person decides about policies."""
    person = caller(new_person(owner.account, "Ada", "ada@example.com", "owner"))
    inside = [("Authorization", control.rooms.keys.inside(person))]
    laxer = encoded({"name": "agent", "policy": {"mode": "open"}})
    assert control.call("POST", "/keys", body=laxer, key=owner.key).code == "rights_exceeded"
    made = control.call("POST", "/keys", body=laxer, headers=inside)
    assert (made.status, made.json["key"]["policy"]["mode"]) == (200, "open")
    path = f"/keys/{made.json['key']['id']}/policy"
    assert control.call("PUT", path, body=encoded(READONLY), headers=inside).status == 200
    assert control.call("DELETE", path, headers=inside).status == 200


def test_another_account_finds_neither_key_nor_connection(owner, stranger, made):
    connection, (key_id, _) = inside(owner)["id"], made()
    for method, body in (("GET", b""), ("PUT", encoded(READONLY)), ("DELETE", b"")):
        told = owner.control.call(method, f"/keys/{key_id}/policy", key=stranger.key, body=body)
        assert (told.status, told.code) == (404, "key_unknown")
        told = owner.control.call(
            method, f"/keys/{key_id}/policy?connection={connection}", key=stranger.key, body=body
        )
        assert (told.status, told.code) == (404, "connection_unknown")
    assert attempt(owner, by=stranger.key, key=key_id).status == 404
    assert attempt(owner, by=stranger.key, connection=connection).status == 404
