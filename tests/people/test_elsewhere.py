"""People sign in at an OpenID Connect issuer, and nobody comes in by a token that is not quite right."""

import itertools
from contextlib import closing
from urllib.parse import urlencode

import pytest

from moorage.errors import SettingsInvalid
from moorage.people.issuer import is_safe
from moorage.settings import load
from moorage.web.tries import TRIES
from tests.audit.entries import entries_of
from tests.control import Control
from tests.people.browser import Browser, Phone
from tests.people.issuer import CLIENT_ID, OTHER_KEY, SECRET, URL, TestIssuer

SETTINGS = {
    "MOORAGE_OIDC_ISSUER": URL,
    "MOORAGE_OIDC_CLIENT_ID": CLIENT_ID,
    "MOORAGE_OIDC_CLIENT_SECRET": SECRET,
}


@pytest.fixture
def more_settings():
    return {}


@pytest.fixture
def control(tmp_path, more_settings):
    with closing(Control(tmp_path / "home", SETTINGS | more_settings)) as control:
        yield control


@pytest.fixture
def issuer(control, monkeypatch):
    issuer = TestIssuer(control.clock)
    monkeypatch.setattr(control.rooms.outside, "send", issuer.send)
    return issuer


@pytest.fixture
def account(control):
    return control.run(control.rooms.keys.first_account())


@pytest.fixture
def grace(control, account):
    person, _ = control.run(control.rooms.people.invite(account, "grace@example.com", "Grace", "approver"))
    return person


def leave(browser, way=""):
    answer = browser._ask("GET", f"/sign-in/elsewhere?next={way}")
    assert answer.status == 303, answer.text
    return answer.headers["location"]


def come_back(browser, brought):
    return browser.open(f"/sign-in/callback?{urlencode(brought)}")


ADDRESSES = (f"192.0.2.{number}" for number in itertools.cycle(range(250)))


def sign_in(control, issuer, way="", **changed):
    browser = Browser(control, next(ADDRESSES))
    brought = issuer.let_in(leave(browser, way)) | changed
    return come_back(browser, {name: value for name, value in brought.items() if value is not None})


def is_in(answer):
    return answer.status == 200 and "<h1>Grace" in answer.text


def test_an_invited_person_signs_in_and_comes_back_to_where_they_were(control, issuer, grace):
    page = Browser(control).open("/sign-in?next=/me?a=1").text
    assert "Sign in with your organisation" in page and "next=/me%3Fa%3D1" in page
    browser = Browser(control)
    assert is_in(come_back(browser, issuer.let_in(leave(browser, "/me?a=1"))))
    assert browser.at == "/console/me?a=1"
    assert "have no password here" in browser.page.text
    assert is_in(sign_in(control, issuer))
    assert issuer.calls.count("/keys") == 1 and issuer.calls.count("/token") == 2


def test_without_an_issuer_there_is_no_such_page(tmp_path):
    with closing(Control(tmp_path / "other")) as control:
        assert "your organisation" not in Browser(control).open("/sign-in").text
        assert Browser(control).open("/sign-in/elsewhere").status == 404


def test_whoever_was_not_invited_stays_out(control, issuer, account):
    answer = sign_in(control, issuer)
    assert answer.status == 403 and "was invited" in answer.text
    assert control.run(control.rooms.people.list(account)) == []


WRONG_CLAIMS = [
    {"iss": "https://evil.test"},
    {"aud": "another-client"},
    {"aud": [CLIENT_ID, "another-client"]},
    {"aud": [CLIENT_ID, "another-client"], "azp": "another-client"},
    {"azp": "another-client"},
    {"exp": 1},
    {"exp": None},
    {"exp": True},
    {"exp": "never"},
    {"exp": 10**400},
    {"exp": float("inf")},
    {"iat": -(10**400)},
    {"iat": 4102444800},
    {"nonce": "another"},
    {"nonce": "\ud800"},
    {"nonce": None},
    {"sub": None},
    {"sub": ""},
    {"sub": "a\0b"},
]


def test_a_token_that_is_not_for_this_sign_in_lets_nobody_in(control, issuer, grace):
    for claims in WRONG_CLAIMS:
        issuer.claims = claims
        answer = sign_in(control, issuer)
        assert answer.status == 502 and "can&#39;t be used" in answer.text, claims


def test_an_address_that_the_issuer_has_not_verified_is_nobodys(control, issuer, grace):
    for is_verified in [False, None, "false", 1]:
        issuer.claims = {"email_verified": is_verified}
        assert sign_in(control, issuer).status == 403, is_verified


WRONG_SIGNATURES = [
    {"key": OTHER_KEY},
    {"key": OTHER_KEY, "kid": "two"},
    {"algorithm": "HS256"},
    {"algorithm": "none"},
    {"published": []},
]


def test_a_token_that_the_issuer_has_not_signed_lets_nobody_in(control, issuer, grace):
    for wrong in WRONG_SIGNATURES:
        good = {name: getattr(issuer, name) for name in wrong}
        for name, value in wrong.items():
            setattr(issuer, name, value)
        control.clock.advance(3600)  # The keys are asked for again.
        assert sign_in(control, issuer).status == 502, wrong
        for name, value in good.items():
            setattr(issuer, name, value)
    control.clock.advance(3600)
    assert is_in(sign_in(control, issuer))


def test_keys_that_the_issuer_changes_are_asked_for_again_but_not_often(control, issuer, grace):
    assert is_in(sign_in(control, issuer))
    issuer.key, issuer.kid, issuer.published = OTHER_KEY, "two", [(OTHER_KEY, "two")]
    assert sign_in(control, issuer).status == 502
    control.clock.advance(61)
    assert is_in(sign_in(control, issuer))
    assert issuer.calls.count("/keys") == 2


def test_what_is_brought_back_works_in_one_browser_once_and_for_ten_minutes(control, issuer, grace):
    browser, other = Browser(control), Browser(control)
    brought = issuer.let_in(leave(browser))
    leave(other)
    for thief in (other, Browser(control)):
        assert come_back(thief, brought).status == 403
    for torn in ("", "x", "a.b.c.d", brought["state"][:-1], f"é{brought['state']}"):
        assert come_back(browser, brought | {"state": torn}).status == 403
    for answer in ({"error": "access_denied"}, {"code": ""}):
        assert come_back(browser, brought | answer).status == 403
    assert browser._ask("HEAD", f"/sign-in/callback?{urlencode(brought)}").status == 303
    assert is_in(come_back(browser, brought))
    assert come_back(browser, brought).status == 403  # The cookie is another one now.
    late = issuer.let_in(leave(other))
    control.clock.advance(600)
    assert come_back(other, late).status == 403


def test_a_code_that_the_issuer_does_not_know_is_the_visitors_fault(control, issuer, grace):
    assert sign_in(control, issuer, code="invented").status == 403


def test_whoever_makes_up_codes_has_to_wait_and_nobody_else_does(control, issuer, grace):
    thief = Browser(control, "198.51.100.7")
    brought = issuer.let_in(leave(thief))
    statuses = [come_back(thief, brought | {"code": "invented"}).status for _ in range(TRIES + 1)]
    assert statuses == [403] * TRIES + [429]
    assert is_in(sign_in(control, issuer))


def test_an_answer_of_another_issuer_is_not_taken(control, issuer, grace):
    assert sign_in(control, issuer, iss="https://evil.test").status == 403
    assert is_in(sign_in(control, issuer, iss=URL))
    issuer.discovery = {"authorization_response_iss_parameter_supported": True}
    control.clock.advance(3600)
    assert sign_in(control, issuer).status == 403
    assert is_in(sign_in(control, issuer, iss=URL))


UNSAFE = [
    {"issuer": "https://evil.test"},
    {"token_endpoint": "http://issuer.test/token"},
    {"authorization_endpoint": "javascript:alert(1)"},
    {"jwks_uri": None},
]


def test_an_issuer_whose_addresses_are_unsafe_is_not_used(control, issuer):
    for discovery in UNSAFE:
        issuer.discovery = discovery
        assert Browser(control).open("/sign-in/elsewhere").status == 502, discovery
    issuer.discovery, issuer.is_away = {}, True
    assert "could not be reached" in Browser(control).open("/sign-in/elsewhere").text


def test_an_address_that_somebody_else_has_now_is_not_the_person(control, issuer, grace):
    assert is_in(sign_in(control, issuer))
    issuer.subject = "subject-2"
    assert sign_in(control, issuer).status == 403
    issuer.subject, issuer.email = "subject-1", "hopper@example.com"
    assert is_in(sign_in(control, issuer))  # The same person, with another address at the issuer.


def test_an_address_with_letters_that_look_alike_is_another_one(control, issuer, account):
    control.run(control.rooms.people.invite(account, "kim@example.com", "Kim", "owner"))
    issuer.email = "\N{KELVIN SIGN}im@example.com"
    assert sign_in(control, issuer).status == 403
    issuer.email = "KIM@example.com"
    assert sign_in(control, issuer).status == 200


def test_a_reset_and_a_removal_end_what_the_issuer_allows(control, issuer, account, grace):
    browser = Browser(control)
    assert is_in(come_back(browser, issuer.let_in(leave(browser))))
    control.run(control.rooms.people.reset(account, grace.id))
    issuer.subject = "subject-2"
    assert "Sign in" in browser.open("/me").text and is_in(sign_in(control, issuer))
    control.run(control.rooms.people.remove(account, grace.id))
    assert sign_in(control, issuer).status == 403


def test_a_code_from_the_phone_is_asked_for_here_too(control, issuer, account, grace):
    _, token = control.run(control.rooms.people.reset(account, grace.id))
    browser = Browser(control)
    browser.join(token)
    phone = Phone.of(browser)
    visitor = Browser(control)
    assert "code on your phone" in come_back(visitor, issuer.let_in(leave(visitor))).text
    assert is_in(visitor.send("/sign-in/code", code=phone.code()))


class TestAllowed:
    @pytest.fixture
    def more_settings(self):
        return {"MOORAGE_OIDC_ALLOW": "example.com, ada@example.org", "MOORAGE_OIDC_ROLE": "support"}

    def test_whoever_is_of_an_allowed_domain_gets_the_role(self, control, issuer, account):
        assert is_in(sign_in(control, issuer))
        issuer.subject, issuer.email = "2", "ada@example.org"
        assert sign_in(control, issuer).status == 200
        people = control.run(control.rooms.people.list(account))
        assert {person.email for person in people} == {"grace@example.com", "ada@example.org"}
        assert {person.role for person in people} == {"support"}
        [joined, _] = [entry for entry in entries_of(control) if entry["action"] == "person.joined"]
        assert joined["after"]["created_at"] is not None
        for number, email in enumerate(["eve@example.org", "eve@sub.example.com", "eve@notexample.com"]):
            issuer.subject, issuer.email = f"eve {number}", email
            assert sign_in(control, issuer).status == 403


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"MOORAGE_OIDC_ISSUER": "http://accounts.example.com"}, "use HTTPS"),
        ({"MOORAGE_OIDC_ISSUER": "accounts"}, "issuer's URL"),
        ({"MOORAGE_OIDC_CLIENT_SECRET": ""}, "MOORAGE_OIDC_CLIENT_SECRET, too"),
        ({"MOORAGE_OIDC_ROLE": "owner"}, "owners are invited"),
        ({"MOORAGE_OIDC_ROLE": "support"}, "MOORAGE_OIDC_ALLOW"),
        ({"MOORAGE_OIDC_ALLOW": "exam ple!"}, "domains and addresses"),
    ],
    ids=str,
)
def test_settings_that_would_be_unsafe_are_refused(tmp_path, changed, says):
    with pytest.raises(SettingsInvalid, match=says):
        load(SETTINGS | changed, home=tmp_path)


def test_an_allowed_address_is_lowered_as_the_address_of_a_person():
    kelvin = "ada.\N{KELVIN SIGN}@example.org"
    assert load(SETTINGS | {"MOORAGE_OIDC_ALLOW": f"Ada@Example.org, {kelvin}"}).oidc_allow == (
        "ada@example.org",
        kelvin,
    )
    with pytest.raises(SettingsInvalid):
        load(SETTINGS | {"MOORAGE_OIDC_ALLOW": "\N{KELVIN SIGN}.example"})


def test_plain_http_is_only_for_issuers_on_this_machine():
    here, there = "http://127.0.0.1:9", "https://issuer.test"
    assert load(SETTINGS | {"MOORAGE_OIDC_ISSUER": here}).oidc_issuer == here
    assert is_safe("http://localhost:9/token", beside=here) and is_safe("https://x.test/token", beside=here)
    assert not is_safe("http://x.test/token", beside=here)
    assert not is_safe("http://127.0.0.1:9/token", beside=there) and not is_safe("ftp://x", beside=there)
