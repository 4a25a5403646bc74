"""The page on which a person lets a program act: what it shows, whom it obeys, and where it leads."""

import html
import re
from urllib.parse import urlencode

import pytest

from tests.audit.entries import entries_of
from tests.control import GATEWAY
from tests.grants.program import BACK, FORM, MCP, YES, Program, key_of, query_of, shown
from tests.people.browser import Browser


def test_a_yes_makes_a_key_that_nobody_knows_and_takes_a_code_to_the_program(
    control, owner, ada, browser, program
):
    connection = owner.connect()["id"]  # PENDING: it is not offered.
    brought = program.ask(browser, days="1")
    assert set(brought) == {"code", "state", "iss"}
    assert (brought["state"], brought["iss"]) == ("a state/+ä", GATEWAY)
    assert connection not in browser.page.text
    key = key_of(owner)
    assert key["scopes"] == ["connections:read", "proxy:zoho-crm"]
    assert key["policy"]["mode"] == "readonly"
    assert key["expires_at"].startswith("2026-02-08")
    assert key["grant"] == {
        "id": key["grant"]["id"],
        "client": "Harbour Agent",
        "client_id": program.client_id,
        "resource": MCP,
    }
    assert [other["grant"] for other in owner.get("/keys").json["keys"] if other["id"] != key["id"]] == [None]


def test_who_asks_is_shown_and_called_unverified(owner, ada, browser, program):
    page = browser.open(program.request())
    assert page.status == 200
    for text in ("Harbour Agent", "not verified", "registered itself", "127.0.0.1:3000", MCP, "Ada"):
        assert text in shown(page), text
    radios = re.findall(r'name="mode" value="(\w+)"( checked)?', page.text)
    assert radios == [("readonly", " checked"), ("cautious", ""), ("strict", ""), ("open", "")]


def test_single_connections_can_be_chosen(control, owner, ada, browser, program):
    control.organisation("acme")
    control.organisation("beta")
    first, second = owner.connect("acme", alias="sales"), owner.connect("beta")
    page = browser.open(program.request())
    assert (
        "sales (acme, zoho-crm)" in page.text
        and "<span>beta (zoho-crm)<code>" in page.text
        and "checked" not in page.text.partition("<form")[2].partition("mode")[0]
    )
    chosen = {"app.zoho-crm": None, f"connection.{first['id']}": "on", "mode": "open", "days": "endless"}
    assert "code" in program.ask(browser, **chosen)
    key = key_of(owner)
    assert key["scopes"] == ["connections:read", f"proxy:{first['id']}"]
    assert (key["policy"]["mode"], key["expires_at"]) == ("open", None)
    assert second["id"] not in str(key)


def test_at_the_address_of_an_account_only_that_one_is_offered(control, owner, ada, browser, program):
    control.organisation("acme")
    control.organisation("beta")
    first, second = owner.connect("acme", alias="sales"), owner.connect("beta")
    at_account = {"resource": f"{MCP}/c/sales"}
    page = browser.open(program.request(**at_account))
    assert first["id"] in page.text and second["id"] not in page.text and "All of" not in page.text
    asked = {"changes": at_account, f"connection.{second['id']}": "on"}
    assert program.ask(browser, **asked).status == 400
    assert "code" in program.ask(browser, **asked | {f"connection.{first['id']}": "on"})
    assert key_of(owner)["scopes"] == ["connections:read", f"proxy:{first['id']}"]


@pytest.mark.parametrize(
    ("path", "scopes"),
    [
        ("ops", ["connections:read", "requests:read"]),
        ("lab", ["organisations:read", "organisations:write"]),
    ],
)
def test_what_is_not_about_connections_gets_none(owner, ada, browser, program, path, scopes):
    changes = {"resource": f"{MCP}/{path}"}
    page = browser.open(program.request(**changes))
    assert "Which accounts" not in page.text and 'name="mode"' not in page.text
    assert "code" in program.ask(browser, changes=changes, mode=None, **{"app.zoho-crm": None})
    assert key_of(owner)["scopes"] == scopes


def test_a_no_is_told_to_the_program_and_makes_nothing(control, owner, ada, browser, program):
    keys = owner.get("/keys").json
    assert program.ask(browser, answer="no") == {
        "error": "access_denied",
        "state": "a state/+ä",
        "iss": GATEWAY,
    }
    assert owner.get("/keys").json == keys
    assert entries_of(control, owner.account)[-1]["action"] == "grant.refused"


NOT_OFFERED = [{"app.zoho-crm": None}, {"mode": "lax"}, {"days": "365"}, {"days": None}]


def test_what_the_page_does_not_offer_is_asked_for_again(owner, ada, browser, program):
    for choices in NOT_OFFERED:
        keys = owner.get("/keys").json
        page = program.ask(browser, **choices)
        assert page.status == 400 and 'role="alert"' in page.text
        assert owner.get("/keys").json == keys
        fields = browser.fields()  # The same request can be answered on this page.
        assert "resource" in query_of(f"?{fields['request']}")


def test_somebody_who_has_not_signed_in_does_so_first_and_comes_back(control, owner, ada, program):
    browser = Browser(control)
    page = browser.open(program.request())
    assert "Sign in to Moorage" in page.text
    body = {"email": "ada@example.com", "password": "four words and a sail"}
    page = browser.send("/sign-in", **body)
    assert "Harbour Agent wants to act" in page.text
    assert browser.at.startswith("/oauth/authorize?")
    fields = browser.fields()
    assert query_of(f"?{fields['request']}")["state"] == "a state/+ä"


@pytest.mark.parametrize("role", ["approver", "support"])
def test_who_may_not_give_leave_sees_no_page_and_their_form_does_nothing(
    control, owner, ada, browser, join, program, role
):
    _, other = join(owner.account, role)
    answer = other.open(program.request())
    assert answer.status == 403 and "grants:give" in answer.text
    browser.open(program.request())
    other.page = browser.page
    keys = owner.get("/keys").json
    forged = browser.fields() | YES
    forged["form_token"] = other_token(other)
    sent = other._ask("POST", "/oauth/authorize", urlencode(forged).encode(), [FORM, ("Origin", "null")])
    assert sent.status == 403 and owner.get("/keys").json == keys
    assert other.open("/console/grants").status == 403


def other_token(browser):
    return re.search(r'name="form_token" value="([^"]*)"', browser.open("/me").text)[1]


OF_OTHERS = [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")]


def test_a_form_of_another_site_does_nothing(owner, ada, browser, program):
    for header in OF_OTHERS:
        browser.open(program.request())
        body = urlencode(browser.fields() | YES).encode()
        keys = owner.get("/keys").json
        assert browser._ask("POST", "/oauth/authorize", body, [FORM, header]).status == 403
        without = urlencode(browser.fields() | {"form_token": "x", "answer": "yes"}).encode()
        assert browser._ask("POST", "/oauth/authorize", without, [FORM, ("Origin", "null")]).status == 403
        assert owner.get("/keys").json == keys


def test_an_api_key_opens_no_page_and_answers_for_nobody(control, owner, ada, program):
    assert (
        control.call("GET", program.request(), key=owner.key).headers["location"].startswith("./../sign-in")
    )
    sent = control.call("POST", "/oauth/authorize", key=owner.key, body=b"answer=yes", headers=[FORM])
    assert sent.status in {303, 403}


def test_the_page_can_not_be_framed_and_may_lead_to_the_program(ada, browser, control):
    program = Program(control, "x")
    program.client_id = program.register(redirect_uris=["cursor://anchor/back"]).json["client_id"]
    page = browser.open(program.request(redirect_uri="cursor://anchor/back"))
    assert page.headers["x-frame-options"] == "DENY"
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy and "form-action 'self' http: https: cursor:;" in policy
    assert "script" not in page.text


def test_a_name_of_a_program_is_only_text(control, ada, browser):
    program = Program(control, "x")
    program.client_id = program.register(client_name="<b>Bank</b>\u202e\n of " + "x" * 200).json["client_id"]
    page = browser.open(program.request())
    assert "<b>" not in page.text and "&lt;b&gt;Bank&lt;/b&gt; of x" in page.text
    assert "\u202e" not in page.text


# Whatever is wrong with the request, nobody is sent anywhere by the server itself.
WRONG = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"resource": None}, "invalid_target"),
    ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
    ({"resource": f"{GATEWAY}/keys"}, "invalid_target"),
    ({"resource": f"{GATEWAY}.evil.example/mcp"}, "invalid_target"),
    ({"resource": f"http://user@{GATEWAY[7:]}/mcp"}, "invalid_target"),
]


def test_an_unsound_request_is_a_page_with_a_way_back_for_whoever_wants(ada, browser, program):
    for changes, error in WRONG:
        page = browser.open(program.request(**changes))
        assert page.status == 400 and "location" not in page.headers
        back = html.unescape(re.search(r'class="button" href="([^"]*)"', page.text)[1])
        assert back.startswith(BACK) and query_of(back) == {
            "error": error,
            "state": "a state/+ä",
            "iss": GATEWAY,
        }


NOT_ITS_OWN = [
    {"client_id": None},
    {"client_id": "client_nobody"},
    {"client_id": "\0"},
    {"redirect_uri": None},
    {"redirect_uri": f"{BACK}/.."},
    {"redirect_uri": f"{BACK}?x=1"},
    {"redirect_uri": "http://127.0.0.1.evil.example:3000/back"},
    {"redirect_uri": "http://localhost:3000/back"},
    {"redirect_uri": "https://127.0.0.1:3000/back"},
    {"redirect_uri": "javascript:alert(1)"},
    {"state": "x" * 2000},
]


def test_without_an_address_of_the_program_there_is_no_way_there(ada, browser, program):
    for changes in NOT_ITS_OWN:
        page = browser.open(program.request(**changes))
        assert page.status == 400 and "location" not in page.headers
        assert "href" not in page.text and "evil" not in page.text


def test_a_parameter_twice_is_refused(ada, browser, program):
    page = browser.open(f"{program.request()}&resource={MCP}")
    assert page.status == 400 and "twice" in page.text


def test_on_loopback_a_program_may_come_from_any_port(control, ada, browser, program):
    other = "http://127.0.0.1:49152/back"
    browser.open(program.request(redirect_uri=other))
    sent = urlencode(browser.fields() | YES).encode()
    answer = browser._ask("POST", "/oauth/authorize", sent, [FORM, ("Origin", "null")])
    code = query_of(answer.headers["location"])["code"]
    assert answer.headers["location"].startswith(other)
    assert program.exchange(code, redirect_uri=other).status == 200


def test_a_resource_is_known_in_other_spellings(ada, browser, program):
    for spelling in (f"{MCP}/", MCP.replace("gateway", "GATEWAY"), f"{MCP.replace('.test', '.test:80')}"):
        assert browser.open(program.request(resource=spelling)).status == 200, spelling


def test_people_see_which_programs_act_and_end_them(control, owner, stranger, ada, browser, join, program):
    tokens = program.signed_in(browser)
    page = browser.open("/grants")
    assert "Harbour Agent" in page.text and key_of(owner)["id"] in page.text
    grant_id = key_of(owner)["grant"]["id"]
    _, other = join(stranger.account, "owner")
    assert "Harbour Agent" not in other.open("/grants").text
    body = urlencode({"form_token": other_token(other)}).encode()
    for absent in (grant_id, "grant_absent", "%00"):
        sent = other._ask("POST", f"/console/grants/{absent}/end", body, [FORM, ("Origin", "null")])
        assert sent.status == 404
    assert program.principal(tokens["access_token"]) is not None
    browser.open("/grants")
    assert "There are none" in browser.send(f"/console/grants/{grant_id}/end").text
    assert program.principal(tokens["access_token"]) is None
    assert key_of(owner)["revoked_at"] is not None
    ended, revoked = entries_of(control, owner.account)[-2:]
    assert (ended["action"], revoked["action"]) == ("grant.ended", "key.revoked")
    assert ended["actor"]["name"] == "Ada"
