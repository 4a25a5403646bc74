import html
import re
import urllib.parse
from contextlib import closing

import pytest

from moorage.http.message import Request
from tests.control import Caller, Control, kept_secrets, token_of
from tests.person import FORM, OWN_FORM, Person

HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def page(control, token):
    return control.call("GET", f"/connect/?session_token={urllib.parse.quote(token)}")


def says(answer, status, words):
    """The answer is a page of that status with those words in its heading, and it can't be framed or kept."""
    assert answer.status == status
    assert words in re.search(r"<h1>(.*?)</h1>", answer.text, re.DOTALL).group(1)
    assert HEADERS.items() <= answer.headers.items()
    policy = answer.headers["content-security-policy"]
    assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy.split("; "))
    assert "form-action 'self'" in policy
    assert answer.headers["x-request-id"]
    assert "<script" not in answer.text
    return True


def status_of(owner, connection):
    return owner.get(f"/connections/{connection['id']}").json["connection"]["status"]


@pytest.fixture
def acme(control):
    return control.organisation("acme", "Acme Corp")


def test_it_names_the_app_the_organisation_and_what_will_be_allowed(control, owner, acme):
    answer = page(control, token_of(owner.connect()["url"]))
    assert says(answer, 200, "Zoho CRM")
    assert "Acme Corp" in answer.text
    scopes = control.rooms.providers.get("zoho-crm").scopes
    assert scopes
    for scope, meaning in scopes.items():
        assert f">{scope}<" in answer.text and meaning in html.unescape(answer.text)
        is_needed = scope not in control.rooms.providers.get("zoho-crm").unticked
        assert (f'name="scope" value="{scope}" checked' in answer.text) == is_needed
    assert answer.text.count("<button>") == 1
    assert "session_token" not in answer.headers.get("location", "")


def test_it_says_who_asks_and_where_and_shows_names_as_text(control, owner, acme):
    secret = owner.call("POST", "/keys", {"name": "<b>reports</b>"}).json["secret"]
    body = b'{"app": "zoho-crm"}'
    asked = control.call("POST", "/connections", key=secret, body=body).json["connection"]
    text = page(control, token_of(asked["url"])).text
    assert "<strong>&lt;b&gt;reports&lt;/b&gt;</strong> at <strong>gateway.test</strong>" in text


CLIENT = {"MOORAGE_OAUTH_CLIENTS": '{"zoho": {"client_id": "1", "client_secret": "s"}}'}


@pytest.mark.parametrize(
    ("environ", "wanted", "shown"),
    [
        ({}, {}, True),
        ({"MOORAGE_PUBLIC_URL": "https://moorage.test"}, {}, False),
        ({"MOORAGE_PUBLIC_URL": "https://moorage.test"}, {"embedded": True}, True),
        ({"MOORAGE_HOST": "0.0.0.0"}, {}, False),
        (CLIENT, {}, False),
        (CLIENT, {"embedded": True}, True),
    ],
)
def test_organisations_inside_are_named_and_connected_only_where_offered(tmp_path, environ, wanted, shown):
    with closing(Control(tmp_path / "other", environ)) as control:
        control.organisation("acme", "Acme Corp")
        caller = Caller(control, "owner")
        connection = caller.call("POST", "/connections", {"app": "zoho-crm", **wanted}).json["connection"]
        assert ("Acme Corp" in page(control, token_of(connection["url"])).text) == shown
        assert (Person(control).choose(connection["url"], "crm/acme").status == 303) == shown


def test_looking_at_it_changes_nothing(control, owner, acme):
    connection = owner.connect()
    for _ in range(3):
        page(control, token_of(connection["url"]))
    assert control.call("HEAD", f"/connect/?session_token={token_of(connection['url'])}").status == 200
    assert status_of(owner, connection) == "PENDING"


def test_its_form_works_below_a_path_of_a_proxy(control, owner, acme):
    text = page(control, token_of(owner.connect()["url"])).text
    assert 'method="post" action="./"' in text


def test_the_way_through_the_consent_page_activates(control, owner, acme):
    connection = owner.connect()
    done = control.press(connection["url"], "acme")
    assert says(done, 200, "Connected to Acme Corp")
    assert "embedded" in done.text and connection["id"] not in done.text
    assert status_of(owner, connection) == "ACTIVE"


def test_the_gateway_forgets_at_once_where_the_connection_led_before(control, owner, acme):
    connection = owner.connect()
    before = control.changes
    control.press(connection["url"], "acme")
    assert control.changes == before + 1


def test_of_several_organisations_one_is_chosen(control, owner, acme):
    control.organisation("other", "Other & Sons")
    connection = owner.connect()
    text = page(control, token_of(connection["url"])).text
    assert text.count('type="radio" name="place"') == 2
    assert len(re.findall(r'type="radio" name="place"[^>]* checked', text)) == 1
    assert "Other &amp; Sons" in text
    control.press(connection["url"], "other")
    shown = owner.get(f"/connections/{connection['id']}").json["connection"]
    assert shown["metadata"]["organisation"] == "Other & Sons"


def test_the_name_of_an_organisation_stays_text(control, owner):
    name = "<script>alert(1)</script>\"'>&{{ 7*7 }}"
    control.organisation("odd", name)
    control.organisation("even", "Even")
    connection = owner.connect()
    text = page(control, token_of(connection["url"])).text
    assert (
        "<script" not in text
        and html.escape(name).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in text
    )
    done = control.press(connection["url"], "odd").text
    assert "<script" not in done and "&lt;script&gt;" in done


def test_a_used_link_says_so(control, owner, acme):
    connection = owner.connect()
    control.press(connection["url"], "acme")
    assert says(page(control, token_of(connection["url"])), 400, "used already")
    assert says(control.press(connection["url"], "acme"), 400, "used already")


def test_a_link_ends_after_half_an_hour(control, owner, acme):
    connection = owner.connect()
    control.clock.advance(30 * 60 - 1)
    assert page(control, token_of(connection["url"])).status == 200
    control.clock.advance(1)
    assert says(page(control, token_of(connection["url"])), 410, "expired")
    assert says(control.press(connection["url"], "acme"), 410, "expired")
    assert status_of(owner, connection) == "PENDING"


def test_the_link_of_a_deleted_connection_says_so(control, owner, acme):
    connection = owner.connect()
    owner.call("DELETE", f"/connections/{connection['id']}")
    assert says(page(control, token_of(connection["url"])), 400, "no longer exists")
    assert says(control.press(connection["url"], "acme"), 400, "no longer exists")
    assert kept_secrets(control) == []


@pytest.mark.parametrize(
    "token", ["", "x", "AAAA", "é", "\0", "a" * 12_000, "../..", "<b>", "mk_x", "%", "+", "\ud7ff"]
)
def test_a_garbled_link_is_refused(control, acme, token):
    assert says(page(control, token), 400, "not valid")
    body = urllib.parse.urlencode({"session_token": token, "place": "crm/acme"}).encode()
    assert says(control.call("POST", "/connect/", body=body, headers=OWN_FORM), 400, "not valid")


def test_a_form_that_another_site_sends_does_nothing(control, owner, acme):
    body = urllib.parse.urlencode({"session_token": token_of(owner.connect()["url"]), "place": "crm/acme"})
    for site in ("cross-site", "same-site"):
        headers = [FORM, ("sec-fetch-site", site)]
        answer = control.call("POST", "/connect/", body=body.encode(), headers=headers)
        assert says(answer, 403, "Another site")


@pytest.mark.parametrize("origin", ["https://evil.example", "http://evil.example", "http://crm.test"])
def test_nor_one_that_does_not_say_where_it_came_from_but_by_its_origin(control, owner, acme, origin):
    body = urllib.parse.urlencode({"session_token": token_of(owner.connect()["url"]), "place": "crm/acme"})
    answer = control.call("POST", "/connect/", body=body.encode(), headers=[FORM, ("origin", origin)])
    assert says(answer, 403, "Another site")


@pytest.mark.parametrize("said", [[], [("origin", "null")]])
def test_without_a_browsers_word_a_form_needs_its_pages_token_and_that_browsers_cookie(
    control, owner, acme, said
):
    url = owner.connect()["url"]
    shown = page(control, token_of(url))
    cookie = ("cookie", shown.headers["set-cookie"].partition(";")[0])
    form_token = re.search(r'name="form_token" value="([\w-]{43})"', shown.text)[1]
    form = {"session_token": token_of(url), "place": "crm/acme", "scope": "ZohoCRM.modules.ALL"}

    def sent(token, *headers):
        body = urllib.parse.urlencode(form | ({} if token is None else {"form_token": token})).encode()
        return control.call("POST", "/connect/", body=body, headers=[FORM, *said, *headers])

    for token, *headers in ((None,), (None, cookie), (form_token,), ("é", cookie), (form_token[:-1], cookie)):
        assert says(sent(token, *headers), 403, "out of date")
    of_another = page(control, token_of(url)).headers["set-cookie"].partition(";")[0]
    assert says(sent(form_token, ("cookie", of_another)), 403, "out of date")
    assert sent(form_token, cookie).status == 303


def test_a_form_at_a_name_that_leads_here_does_nothing(control, owner, acme):
    body = urllib.parse.urlencode({"session_token": token_of(owner.connect()["url"]), "place": "crm/acme"})
    headers = [*OWN_FORM, ("host", "evil.example"), ("origin", "http://evil.example")]
    assert says(control.call("POST", "/connect/", body=body.encode(), headers=headers), 403, "evil.example")


def test_what_is_no_form_does_nothing(control, owner, acme):
    body = urllib.parse.urlencode({"session_token": token_of(owner.connect()["url"]), "place": "crm/acme"})
    headers = [("content-type", "text/plain"), ("sec-fetch-site", "same-origin")]
    assert says(control.call("POST", "/connect/", body=body.encode(), headers=headers), 403, "not a form")


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"=&=&&&", b"session_token", b"{}", b"a=1;b=2", b"%zz=%", b"x" * 12_000]
)
def test_a_garbled_form_is_refused(control, acme, body):
    assert says(control.call("POST", "/connect/", body=body, headers=OWN_FORM), 400, "not valid")


def test_a_form_too_large_is_refused(control, acme):
    assert says(control.call("POST", "/connect/", body=b"x" * 20_000, headers=OWN_FORM), 413, "larger")


@pytest.mark.parametrize("organisation", ["", "nope", "ACME", "../acme", "<b>", "\0"])
def test_an_organisation_nobody_knows_is_refused(control, owner, acme, organisation):
    connection = owner.connect()
    assert says(control.press(connection["url"], organisation), 403, "no such organisation")
    assert control.press(connection["url"], "acme").status == 200


def test_without_any_organisation_it_says_how_to_make_one(control, owner):
    answer = page(control, token_of(owner.connect()["url"]))
    assert says(answer, 403, "it has no destination")
    assert "moorage connection create zoho-crm --embedded" in answer.text
    assert "moorage client set zoho-crm" in answer.text
    assert "http://gateway.test/connect/callback" in answer.text


def test_of_two_who_press_at_once_one_connects_and_the_other_is_told(control, owner, acme):
    control.organisation("other")
    created = owner.connect()
    answers = control.together(
        *(control.pressing(created["url"], slug) for slug in ("acme", "other", "acme"))
    )
    assert sorted(answer.status for answer in answers) == [200, 400, 400]
    for answer, slug in zip(answers, ("acme", "other", "acme"), strict=True):
        if answer.status == 200:
            won = slug
        else:
            assert re.search("used already|meanwhile", answer.text)
    connection = control.run(control.rooms.connections.get(owner.account, created["id"]))
    assert connection.upstream.organisation == won
    token = control.run(control.rooms.tokens.access(connection)).value
    assert control.crm.accounts.principal(f"Bearer {token}").organisation == (
        control.crm.organisations.find(won).id
    )


def test_an_active_connection_can_be_connected_anew(control, owner, acme):
    control.organisation("other", "Other")
    connection = owner.connect("acme")
    control.clock.advance(5)
    assert control.press(connection["url"], "other").status == 200
    shown = owner.get(f"/connections/{connection['id']}").json["connection"]
    assert (shown["status"], shown["metadata"]["organisation"]) == ("ACTIVE", "Other")
    assert len(kept_secrets(control)) == 2


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_wrong_method_is_told_the_right_ones(control, method):
    answer = control.call(method, "/connect/")
    assert says(answer, 405, "not possible")
    assert answer.headers["allow"] == "GET, HEAD, POST"


def test_it_needs_no_key_and_takes_none_for_a_link(control, owner, acme):
    assert control.call("GET", f"/connect/?session_token={owner.key}", key=owner.key).status == 400


def test_where_others_reach_the_server_nobody_comes_in_without_signing_in(tmp_path):
    with closing(Control(tmp_path / "home", {"MOORAGE_HOST": "0.0.0.0"})) as control:
        control.organisation("demo")
        connection = Caller(control, "owner").connect(embedded=True)
        sent = Person(control).choose(connection["url"], "crm/demo")
        target = urllib.parse.urlsplit(sent.headers["location"])
        request = Request("GET", target.path.encode(), target.query.encode(), [(b"host", b"127.0.0.1")])
        consent = control.crm.answer(request).body.decode()
        assert 'name="password"' in consent and 'name="user"' not in consent


def test_a_failure_of_ours_is_a_page_that_tells_nothing(control, owner, acme, monkeypatch):
    connection = owner.connect()

    async def broken(*_):
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(control.rooms.embedded, "organisations", broken)
    answer = page(control, token_of(connection["url"]))
    assert says(answer, 500, "Something failed") and "secret detail" not in answer.text


def test_a_link_may_propose_to_read_only_and_the_page_leads_back(control, owner, acme):
    url = f"/connect/?session_token={urllib.parse.quote(token_of(owner.connect()['url']))}"
    proposed, plain = control.call("GET", f"{url}&access=read").text, control.call("GET", url).text
    assert 'value="read" checked' in proposed and 'value="ticked" checked' not in proposed
    assert 'value="ticked" checked' in plain and 'value="read" checked' not in plain
    assert plain.index('value="read"') < plain.index('value="ticked"')
