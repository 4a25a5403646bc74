import html
import re
import urllib.parse
from contextlib import closing

import pytest

from tests.control import Caller, Control, kept_secrets, token_of

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
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
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
    assert answer.text.count("<button>") == 1
    assert "session_token" not in answer.headers.get("location", "")


def test_looking_at_it_changes_nothing(control, owner, acme):
    made = owner.connect()
    for _ in range(3):
        page(control, token_of(made["url"]))
    assert control.call("HEAD", f"/connect/?session_token={token_of(made['url'])}").status == 200
    assert status_of(owner, made) == "PENDING"


def test_its_button_activates(control, owner, acme):
    made = owner.connect()
    text = page(control, token_of(made["url"])).text
    # Relative, so that it also works behind a proxy that serves the gateway below a path of its own.
    assert 'method="post" action="./"' in text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text))
    body = urllib.parse.urlencode(fields).encode()
    assert says(control.call("POST", "/connect/", body=body), 200, "Connected to Acme Corp")
    assert status_of(owner, made) == "ACTIVE"


def test_the_gateway_forgets_at_once_where_the_connection_led_before(control, owner, acme):
    before = control.changes
    owner.connect("acme")
    assert control.changes == before + 1


def test_of_several_organisations_one_is_chosen(control, owner, acme):
    control.organisation("other", "Other & Sons")
    made = owner.connect()
    text = page(control, token_of(made["url"])).text
    assert text.count('type="radio"') == 2 and text.count(" checked") == 1
    assert "Other &amp; Sons" in text
    control.press(made["url"], "other")
    found = owner.get(f"/connections/{made['id']}").json["connection"]
    assert found["metadata"]["organisation"] == "Other & Sons"


def test_the_name_of_an_organisation_stays_text(control, owner):
    name = "<script>alert(1)</script>\"'>&{{ 7*7 }}"
    control.organisation("odd", name)
    control.organisation("even", name)
    made = owner.connect()
    text = page(control, token_of(made["url"])).text
    assert (
        "<script" not in text
        and html.escape(name).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in text
    )
    done = control.press(made["url"], "odd").text
    assert "<script" not in done and "&lt;script&gt;" in done


def test_a_used_link_says_so(control, owner, acme):
    made = owner.connect()
    control.press(made["url"], "acme")
    assert says(page(control, token_of(made["url"])), 400, "used already")
    assert says(control.press(made["url"], "acme"), 400, "used already")


def test_a_link_ends_after_half_an_hour(control, owner, acme):
    made = owner.connect()
    control.clock.advance(30 * 60 - 1)
    assert page(control, token_of(made["url"])).status == 200
    control.clock.advance(1)
    assert says(page(control, token_of(made["url"])), 410, "expired")
    assert says(control.press(made["url"], "acme"), 410, "expired")
    assert status_of(owner, made) == "PENDING"


def test_the_link_of_a_deleted_connection_says_so(control, owner, acme):
    made = owner.connect()
    owner.call("DELETE", f"/connections/{made['id']}")
    assert says(page(control, token_of(made["url"])), 400, "no longer exists")
    assert says(control.press(made["url"], "acme"), 400, "no longer exists")
    assert kept_secrets(control) == []


@pytest.mark.parametrize(
    "token", ["", "x", "AAAA", "é", "\0", "a" * 15_000, "../..", "<b>", "mk_x", "%", "+", "\ud7ff"]
)
def test_a_garbled_link_is_refused(control, acme, token):
    assert says(page(control, token), 400, "not valid")
    body = urllib.parse.urlencode({"session_token": token, "organisation": "acme"}).encode()
    assert says(control.call("POST", "/connect/", body=body), 400, "not valid")


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"=&=&&&", b"session_token", b"{}", b"a=1;b=2", b"%zz=%", b"x" * 60_000]
)
def test_a_garbled_form_is_refused(control, acme, body):
    assert says(control.call("POST", "/connect/", body=body), 400, "not valid")


def test_a_form_too_large_is_refused(control, acme):
    assert says(control.call("POST", "/connect/", body=b"x" * 70_000), 413, "larger")


@pytest.mark.parametrize("organisation", ["", "nope", "ACME", "../acme", "<b>", "\0"])
def test_an_organisation_nobody_knows_is_refused(control, owner, acme, organisation):
    made = owner.connect()
    assert says(control.press(made["url"], organisation), 403, "no such organisation")
    assert control.press(made["url"], "acme").status == 200


def test_without_any_organisation_it_says_how_to_make_one(control, owner):
    answer = page(control, token_of(owner.connect()["url"]))
    assert says(answer, 403, "no organisation") and "crm org create" in answer.text


def test_of_two_who_press_at_once_one_connects_and_the_other_is_told(control, owner, acme):
    control.organisation("other")
    made = owner.connect()
    token = token_of(made["url"])
    answers = control.together(*(control.pressing(token, slug) for slug in ("acme", "other", "acme")))
    assert sorted(answer.status for answer in answers) == [200, 400, 400]
    for answer, slug in zip(answers, ("acme", "other", "acme"), strict=True):
        if answer.status == 200:
            won = slug
        else:
            assert says(answer, 400, "used already")
    connection = control.run(control.rooms.connections.get(owner.account, made["id"]))
    assert connection.upstream.organisation == won
    token = control.run(control.rooms.tokens.access(connection)).value
    assert control.rooms.crm.accounts.principal(f"Bearer {token}").organisation == (
        control.rooms.crm.organisations.find(won).id
    )


def test_an_active_connection_can_be_connected_anew(control, owner, acme):
    control.organisation("other", "Other")
    made = owner.connect("acme")
    control.clock.advance(5)
    assert control.press(made["url"], "other").status == 200
    found = owner.get(f"/connections/{made['id']}").json["connection"]
    assert (found["status"], found["metadata"]["organisation"]) == ("ACTIVE", "Other")
    assert len(kept_secrets(control)) == 2


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_wrong_method_is_told_the_right_ones(control, method):
    answer = control.call(method, "/connect/")
    assert says(answer, 405, "not possible")
    assert answer.headers["allow"] == "GET, HEAD, POST"


def test_it_needs_no_key_and_takes_none_for_a_link(control, owner, acme):
    assert control.call("GET", f"/connect/?session_token={owner.key}", key=owner.key).status == 400


def test_where_others_reach_the_server_it_lets_nobody_in(tmp_path):
    with closing(Control(tmp_path / "home", {"MOORAGE_HOST": "0.0.0.0"})) as control:
        control.organisation("acme")
        owner = Caller(control, "owner")
        made = owner.connect()
        assert says(page(control, token_of(made["url"])), 403, "only on the machine")
        assert says(control.press(made["url"], "acme"), 403, "only on the machine")
        assert status_of(owner, made) == "PENDING"


def test_a_failure_of_ours_is_a_page_that_tells_nothing(control, owner, acme, monkeypatch):
    made = owner.connect()

    def broken(*_):
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(control.rooms.connect._accounts, "organisations", broken)
    answer = page(control, token_of(made["url"]))
    assert says(answer, 500, "Something failed") and "secret detail" not in answer.text
