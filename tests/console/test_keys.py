"""The screens of keys and policies, on a whole server."""

import json
import re

import pytest

from tests.flows.storages import each_storage
from tests.waiting import wait_until

HOSTILE = "<img src=x onerror=alert(1)> \"'{{7*7}}"


@pytest.fixture
def made(owner):
    """Makes a key in the console; gives its id, its secret and the page that shows it."""

    def make(name="made here", **typed):
        owner.open("/console/keys/new?preset=agent")
        form = {"name": name, "calls": "all", "mode": "live", "days": "30", "policy": "cautious"}
        page = owner.send("/keys/new", **{**form, "scope.connections:read": "on", **typed})
        assert page.status == 200, page.words
        secret = re.search(r'<pre id="secret">(mk_\w+)</pre>', page.text)[1]
        return re.search(r"console/keys/(key_[\w-]+)", page.text)[1], secret, page

    return make


@each_storage
def test_a_key_is_made_shown_once_rotated_and_revoked(server, owner, made):
    key, secret, page = made(HOSTILE)
    assert "<img" not in page.text
    for words in (
        "shown this once",
        f"export MOORAGE_API_KEY={secret}",
        "curl",
        "mcpServers",
        "moorage mcp install --client claude",
    ):
        assert words in page.words, words
    shown = owner.open(f"/console/keys/{key}")
    assert HOSTILE in shown.words
    assert "<img" not in shown.text + owner.open("/console/keys").text
    assert secret not in shown.text + json.dumps(owner.twin(f"/console/keys/{key}"))
    assert owner.twin(f"/console/keys/{key}")["rights"] == ["see connections", "call all apps"]
    owner.open(f"/console/keys/{key}")
    rotated = owner.send("/rotate", overlap="86400")
    assert "The old secret ends in a day." in rotated.words
    told = owner.open(f"/console/keys/{key}").words
    assert f"{secret[:18]}… ends in 24 h" in told
    assert "It was never used." in told
    assert owner.send("/rotate", overlap="7").status == 400
    owner.open(f"/console/keys/{key}/revoke")
    assert "is revoked" in owner.send("/revoke").words
    assert owner.twin(f"/console/keys/{key}")["key"]["state"] == "revoked"
    assert key not in [one["id"] for one in owner.twin("/console/keys")["keys"]]
    assert key in [one["id"] for one in owner.twin("/console/keys?show=all")["keys"]]


def test_a_second_click_makes_no_second_key(owner):
    owner.open("/console/keys/new")
    page, typed = owner.page, {"name": "twice", "calls": "all", "mode": "live", "days": "", "policy": "open"}
    first = owner.send("/keys/new", **typed)
    owner.page = page
    assert re.findall("mk_live_[0-9A-Za-z]{48}", owner.send("/keys/new", **typed).text) == re.findall(
        "mk_live_[0-9A-Za-z]{48}", first.text
    )
    assert [one["name"] for one in owner.twin("/console/keys?q=twice")["keys"]] == ["twice"]


def test_a_form_that_can_not_be_comes_back_with_what_was_typed(owner):
    owner.open("/console/keys/new")
    for typed, words in (
        ({"name": "x" * 101, "calls": "all"}, "up to 100"),
        ({"name": "some", "calls": "some"}, "No connection is chosen"),
        ({"name": "none", "calls": "none"}, "could do nothing"),
        ({"name": "ends", "calls": "all", "days": "7"}, "does not offer"),
    ):
        page = owner.send("/keys/new", **{"mode": "live", "days": "90", "policy": "", **typed})
        assert (page.status, words in page.words) == (400, True), page.words
        assert f'value="{typed["name"]}"' in page.text


@pytest.mark.parametrize("mode", ["open", "cautious", "strict", "readonly"])
def test_what_the_page_says_of_a_call_is_what_happens_to_it(server, made, owner, mode):
    key, secret, _ = made(f"in {mode}", policy=mode)
    owner.open(f"/console/keys/{key}/policy")
    owner.send(
        "/policy", do="rule", name="no tags", action="deny", path="/crm/v8/settings/tags", place="first"
    )
    wait_until(lambda: _happens(server, secret, "GET /crm/v8/settings/tags?module=Leads") == "deny")
    for call in (
        "GET /crm/v8/Leads?fields=Last_Name",
        "POST /crm/v8/Leads",
        "DELETE /crm/v8/Leads?ids=1",
        "GET /crm/v8/settings/tags?module=Leads",
    ):
        page = owner.open(f"/console/keys/{key}/policy?try={call.replace('?', '%3F').replace(' ', '+')}")
        [said] = re.findall(r'verdict.*?class="chip \w+">(\w+)<', page.text, re.DOTALL)
        assert said == _happens(server, secret, call), call
        assert ("The rule 'no tags'" in page.words) == ("tags" in call)


def _happens(server, secret, call):
    method, _, path = call.partition(" ")
    status, _, body = server.call(method, f"/zoho-crm{path}", {"data": []} if method == "POST" else None,
                                  {"Authorization": f"Bearer {secret}"})  # fmt: skip
    code = json.loads(body).get("error", {}).get("code") if status == 403 else None
    return {"approval_required": "ask", "policy_denied": "deny"}.get(code, "allow")


@each_storage
def test_rules_are_added_ordered_and_removed_and_budgets_too(owner, made):
    key, _, _ = made("ruled")
    here = f"/console/keys/{key}/policy"
    owner.open(here)
    owner.send("/policy", do="rule", name=HOSTILE, action="allow", methods="delete", modules="Leads, Deals")
    owner.send("/policy", do="rule", name="first", action="deny", place="first", **{"kind.destructive": "on"})
    page = owner.send("/policy", do="budget", most="100", counts="records", per="86400")
    assert "<img" not in page.text
    assert "100 changed records a day" in page.words
    assert "calls with DELETE of Leads, Deals" in page.words
    rules = owner.twin(here)["policy"]["rules"]
    assert [rule["name"] for rule in rules] == ["first", HOSTILE]
    owner.open(here)
    owner.send("/policy", do="up:1")
    owner.send("/policy", do="unbudget:0")
    page = owner.send("/policy", do="remove:1")
    policy = owner.twin(here)["policy"]
    assert ([rule["name"] for rule in policy["rules"]], policy["budgets"]) == ([HOSTILE], [])
    stale = page
    owner.send("/policy", do="mode", mode="readonly")
    owner.page = stale
    refused = owner.send("/policy", do="take")
    assert (refused.status, "Somebody else has changed" in refused.words) == (409, True)
    wrong = owner.send("/policy", do="rule", name="wrong", action="ask", path="x")
    assert (wrong.status, "path can't be 'x'" in wrong.words, 'value="wrong"' in wrong.text) == (
        400,
        True,
        True,
    )
    owner.open(here)
    assert "This key has no policy." in owner.send("/policy", do="take").words


def test_who_may_only_look_gets_no_form(join, made):
    key, _, _ = made("looked at")
    support = join("support")
    page = support.open(f"/console/keys/{key}/policy?try=DELETE+/crm/v8/Leads/1")
    assert "asks a person first" in page.words
    assert 'name="do"' not in page.text
    assert "is refused" not in support.send("/policy/try", method="POST", path="/crm/v8/Leads").words
    assert '<form method="post"' not in support.open(f"/console/keys/{key}").text
    assert "Make a key" not in support.open("/console/keys").words
    assert "ids" not in support.open("/console/keys").text
    for path in ("new", f"{key}/revoke", f"revoke?ids={key}"):
        assert support.open(f"/console/keys/{path}").status == 403


def test_a_tried_call_is_decided_by_its_body_and_by_the_path_that_people_copy(owner, made):
    key, _, _ = made("with bodies", policy="cautious")
    here = f"/console/keys/{key}/policy"
    owner.open(here)
    owner.send("/policy", do="rule", name="few tags", action="deny", path="/crm/v8/settings/tags")
    calls = [{"method": "GET", "uri": "/crm/v8/Leads", "sub_request_id": "1"}]
    composite = {"method": "POST", "path": "/crm/v8/__composite_requests"}
    for body, said in (
        ({"__composite_requests": calls}, "goes"),
        (
            {"__composite_requests": [*calls, {"method": "DELETE", "uri": "/crm/v8/Leads/1"}]},
            "asks a person first",
        ),
        ({"__composite_requests": [{"method": "GET", "uri": "/crm/v8/settings/tags"}]}, "is refused"),
    ):
        page = owner.send("/policy/try", **composite, body=json.dumps(body))
        assert (page.status, f"This call {said} ." in page.words) == (200, True), page.words
    assert "few tags decides about the tried call" in page.words
    assert "&#34;uri&#34;: &#34;/crm/v8/settings/tags&#34;" in page.text  # What was typed stays.
    three = json.dumps({"data": [{"Last_Name": "x"}] * 3})
    assert (
        "changes up to 3 records"
        in owner.send("/policy/try", method="POST", path="/crm/v8/Leads", body=three).words
    )
    gateway = owner.server.gateway
    for path in ("crm/v8/coql", "/zoho-crm/crm/v8/coql", f"{gateway}/zoho-crm/crm/v8/coql"):
        tried = owner.send(
            "/policy/try", method="POST", path=path, app="google-mail" if "zoho" in path else "zoho-crm"
        )
        assert "POST /crm/v8/coql" in tried.words and "it reads" in tried.words, path
    assert owner.open(f"{here}/try").at == here


def test_a_try_can_fail_and_an_unknown_key_is_a_page(owner, made):
    key, _, _ = made("tried")
    for call in ("%00 /x", "GET /x&app=nothing"):
        page = owner.open(f"/console/keys/{key}/policy?try={call.replace(' ', '+')}")
        assert (page.status, 'aria-invalid="true"' in page.text) == (200, True), call
    for typed, words in (
        ({"path": "/x", "body": '{"a": 1,\n "b" 2}'}, "The body is not JSON, from line 2, column 6 on."),
        ({"path": "/x", "body": "[" * 50_000}, "too deep"),
        ({"path": "/x", "body": "1" * 5000}, "a number that is too long"),
        ({"path": "/x", "body": json.dumps("x" * 66_000)}, "The body is larger than"),
        ({"path": "/x\0" + "y" * 17_000}, "path can't be"),
        ({"path": "http://[", "app": "nothing"}, "There is no app 'nothing'"),
    ):
        page = owner.send("/policy/try", method="GET", **{"app": "zoho-crm", **typed})
        assert page.status in {400, 404, 413}, typed
        assert words in page.words and 'aria-invalid="true"' in page.text, page.words
    for path in ("key_x", "%00", "x" * 900):
        assert owner.open(f"/console/keys/{path}").status in {400, 404}, path


def test_several_keys_are_revoked_after_a_question_and_one_that_fails_hides_no_other(server, owner, made):
    keys = [made(f"several {number}")[0] for number in range(3)]
    listed = owner.open("/console/keys?q=several")
    assert re.findall(r'name="ids" value="(key_[\w-]+)"', listed.text) == keys[::-1]
    asked = owner.open(f"/console/keys/revoke?ids={keys[0]}&ids={keys[1]}&ids=key_x")
    assert all(
        words in asked.words for words in ("Revoke 2 keys?", "several 0", "1 more that you ticked has ended")
    )
    assert [key["id"] for key in asked_twin(owner, keys)] == keys[:2]
    done = owner.send("/keys/revoke", ids=[keys[0], keys[1], "key_x"])
    assert (done.status, "Revoked: 2 of 3 keys" in done.words) == (200, True)
    assert "key_x not done There is no API key" in done.words
    for key in keys[:2]:
        [entry] = owner.twin(f"/console/audit?subject={key}&action=key.revoked")["entries"]
        assert entry["actor"]["name"] == owner.name
    owner.open(f"/console/keys/revoke?ids={keys[0]}&ids={keys[2]}")
    assert "The key is revoked." in owner.send("/keys/revoke").words
    assert "Nothing to revoke" in owner.open(f"/console/keys/revoke?ids={keys[0]}").words


def asked_twin(owner, keys):
    return owner.twin(f"/console/keys/revoke?ids={keys[0]}&ids={keys[1]}")["keys"]


def test_nothing_or_too_much_that_was_ticked_is_told(owner):
    for query, words in (
        ("", "Nothing was ticked."),
        ("&".join(f"ids=k{n}" for n in range(201)), "Tick up to 200."),
    ):
        page = owner.open(f"/console/keys/revoke?{query}")
        assert (page.status, words in page.words) == (400, True)


def test_the_calls_of_a_key_are_drawn_for_whoever_may_know_them(server, owner, member, made):
    key, secret, _ = made("drawn")
    answer = server.call("GET", "/zoho-crm/crm/v8/Leads", headers={"Authorization": f"Bearer {secret}"})
    assert answer[0] == 400  # Without fields, it is an error.
    wait_until(lambda: owner.twin(f"/console/keys/{key}")["key"]["use"]["calls"] == 1)
    for address in ("/console/keys?q=drawn", f"/console/keys/{key}"):
        page = member("support").open(address)
        assert 'aria-label="1 call in the last day, 1 with an error"' in page.text
        assert re.search(r'<path d="M\d+ 0h.8v12h-.8z"/>', page.text)


@pytest.mark.parametrize("role", ["approver", "support"])
def test_a_role_is_sent_nothing_of_what_it_may_not_do(member, made, role):
    key, secret, _ = made(f"seen by {role}")
    person, here = member(role), f"/console/keys/{key}"
    twins = [person.twin(path) for path in ("/console/keys", here, f"{here}/policy")]
    assert (twins[0]["makes"], twins[1]["changes"], twins[2]["changes"]) == (False, False, False)
    assert secret not in json.dumps(twins)
    for path in ("keys/new", f"keys/revoke?ids={key}", f"{here[9:]}/revoke", "people/x", "settings"):
        assert (
            person.ask("GET", f"/console/{path}&format=json".replace("&", "&" if "?" in path else "?")).status
            == 403
        )
    person.open(f"{here}/policy")  # Its form for tries has the token that these need.
    token = {"form_token": re.search(r'name="form_token" value="([^"]*)"', person.page.text)[1]}
    for path, fields in (
        ("keys/revoke", {"ids": key}),
        (f"{here[9:]}/rotate", {}),
        (f"{here[9:]}/policy", {"do": "take"}),
    ):
        assert person.post(f"/console/{path}", {**token, **fields}).status == 403, path
