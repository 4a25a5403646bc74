"""The clock runs ahead by two days, something is noted, and the clock is put back: nothing is held up for two days.

Every window there is in the project is listed here; `lately` and `is_ahead` in `clock.py` are the rule for them.
"""

import json
import re
from pathlib import Path

import pytest

import moorage
from moorage.clock import SKEW, is_ahead, lately
from moorage.connections.errors import SessionExpired, SessionInvalid
from moorage.crm.accounts.clients import NEW_CODES
from moorage.crm.accounts.errors import CodeUnknown, TooManyTokens
from moorage.crm.accounts.service import NEW_ACCESS_TOKENS
from moorage.crm.errors import CodesExhausted
from moorage.crm.faults import Fault
from moorage.crm.metadata.standard import DEMO
from moorage.crm.storage.contract.records import Position
from moorage.crm.wire.page_tokens import LIFETIME, PagePosition, PageTokens
from moorage.keys.limits import RateLimiter
from moorage.oauth.errors import AccountsUnreachable, RefreshLimited, TokenFailed
from moorage.oauth.tokens.renewal import BUDGET
from moorage.people.elsewhere import SignInElsewhere
from moorage.people.errors import StepExpired
from moorage.people.issuer import Client, Issuer
from moorage.rooms import DEMO_SLUG
from tests.audit.entries import entries_of
from tests.control import control, in_registry, owner, quick_openings  # noqa: F401
from tests.control_database import database_settings  # noqa: F401
from tests.oauth.conftest import HOUR, access, connected, refreshing  # noqa: F401
from tests.people.browser import Browser
from tests.people.conftest import ada, browser, quick_hashes  # noqa: F401

DAYS = 2 * 86_400.0
SCOPE = "ZohoCRM.modules.ALL"
# Files that compare times of the wall clock, and the test here that moves the clock under each.
WINDOWS = {
    "clock.py": "the rule",
    "connections/sessions.py": "session tokens",
    "crm/accounts/clients.py": "codes of the CRM",
    "crm/accounts/people.py": "sessions of the CRM",
    "crm/accounts/service.py": "access tokens of the CRM",
    "crm/accounts/store.py": "codes and access tokens that a client of the CRM may have",
    "crm/wire/page_tokens.py": "page tokens",
    "gateway/resolve.py": "refusals",
    "grants/documents.py": "documents of programs, in tests/grants/test_clients.py",
    "grants/issuing.py": "codes and refresh tokens of programs, in tests/grants/test_tokens.py",
    "grants/service.py": "access tokens of programs, in tests/grants/test_tokens.py",
    "keys/level_store.py": "rate limits of all processes together, in tests/keys/test_settling.py",
    "keys/limits.py": "rate limits",
    "oauth/tokens/limits.py": "tokens made lately, in tests/oauth/test_token_limits.py",
    "oauth/tokens/proactive.py": "renewals ahead",
    "oauth/connect/attempts.py": "attempts to connect",
    "oauth/tokens/renewal.py": "leases, pauses",
    "oauth/tokens/store.py": "budgets",
    "people/entry.py": "links to enter",
    "people/elsewhere.py": "the way back from an issuer",
    "people/issuer.py": "keys of an issuer",
    "people/second_factor.py": "the step before a code",
    "people/service.py": "links for people",
    "people/sessions.py": "sessions of people",
    "people/sign_in.py": "notes of refused tries",
}


@pytest.mark.parametrize("ahead", [0.0, 599.0, 601.0, DAYS])
def test_a_window_holds_for_no_longer_than_twice_its_time(ahead):
    assert not lately(ahead, ahead + 600, 600)
    assert not lately(ahead, 0, 600) or ahead < 600
    assert not is_ahead(ahead + 600, ahead + 600, 600)
    assert not is_ahead(ahead + 600, 0, 600) or ahead == 0


def test_no_window_is_measured_by_hand():
    """A difference of two wall-clock times compared on one side only is how time that goes back holds things up."""
    by_hand = re.compile(r"now - \w*(since|at|counted|begun|noted|used)\w* *(<|>)|begun_at *<= *now")
    root = Path(moorage.__file__).parent
    files = [str(file.relative_to(root)) for file in root.rglob("*.py") if by_hand.search(file.read_text())]
    assert files == []


def test_every_file_with_a_window_is_listed():
    root = Path(moorage.__file__).parent
    by_rule = re.compile(r"import .*\b(is_ahead|lately)\b")
    files = {str(file.relative_to(root)) for file in root.rglob("*.py") if by_rule.search(file.read_text())}
    assert files <= set(WINDOWS)


def ahead(control, work):  # noqa: F811
    """Do something two days ahead of now, and be back."""
    control.clock.advance(DAYS)
    try:
        return work()
    finally:
        control.clock.advance(-DAYS)


def test_the_budget_of_a_refresh_token(control, connected, refreshing):  # noqa: F811
    def use_up():
        token = access(control, connected).value
        for _ in range(BUDGET - 1):
            token = access(control, connected, instead_of=token).value
        with pytest.raises(RefreshLimited):
            access(control, connected, instead_of=token)
        return token

    token = ahead(control, use_up)
    assert access(control, connected, instead_of=token).value == f"new-{BUDGET + 1}"


def test_the_pause_after_a_failure(control, connected, refreshing):  # noqa: F811
    def fail():
        refreshing.fault = TokenFailed("busy")
        with pytest.raises(AccountsUnreachable):
            access(control, connected)
        refreshing.fault = None

    ahead(control, fail)
    token = access(control, connected).value
    assert access(control, connected, instead_of=token).value.startswith("new-")


def test_a_token_that_was_got_ahead_is_replaced_once_the_app_refuses_it(control, connected, refreshing):  # noqa: F811
    token = ahead(control, lambda: access(control, connected).value)
    assert access(control, connected).value == token
    assert access(control, connected, instead_of=token).value == "new-2"


def test_a_session_token(control, owner):  # noqa: F811
    sessions = control.rooms.connections._sessions
    connection_id = owner.connect()["id"]
    now = control.clock.timestamp()
    with pytest.raises(SessionExpired):
        control.run(sessions.read(sessions.make(connection_id, 0, now + DAYS), now))
    assert control.run(sessions.read(sessions.make(connection_id, 0, now + SKEW), now))


def test_a_page_token():
    tokens, scope = PageTokens(b"k" * 32), b"s" * 8
    place = PagePosition(Position(None, 5), 2, False, int(DAYS) + LIFETIME)
    with pytest.raises(Fault, match="EXPIRED"):
        tokens.read(tokens.make(place, scope), scope, 0.0)


@pytest.mark.parametrize("year", [2107, 2500, 9999])
def test_after_2106_tokens_are_still_made_and_read(control, owner, year):  # noqa: F811
    now = (year - 1970) * 365.2425 * 86_400
    sessions, connection_id = control.rooms.connections._sessions, owner.connect()["id"]
    assert control.run(sessions.read(sessions.make(connection_id, 3, now), now)) == (connection_id, 3)
    tokens, place = PageTokens(b"k" * 32), PagePosition(Position(7, 5), 2, False, int(now) + LIFETIME)
    token = tokens.make(place, b"s" * 8)
    assert tokens.read(token, b"s" * 8, now) == place and len(token) <= 96


def test_a_session_token_of_an_earlier_version_is_refused_and_no_error(control):  # noqa: F811
    with pytest.raises(SessionInvalid):
        control.run(control.rooms.connections._sessions.read("A" * 54, control.clock.timestamp()))


def test_a_rate_limit(control):  # noqa: F811
    limiter = RateLimiter(1.0, control.clock)
    ahead(control, lambda: [limiter.take("a") for _ in range(10)])
    assert limiter.take("a") <= 1
    control.clock.advance(1)
    assert limiter.take("a") is None


def test_an_attempt_to_connect(control, owner):  # noqa: F811
    attempts, connection_id = control.rooms.connect._attempts, owner.connect()["id"]

    def begin(state):
        return control.run(
            attempts.begin(
                state, "b", connection=(connection_id, 0), choice="p", environment="production", scopes=[]
            )
        )

    ahead(control, lambda: begin("state"))
    assert control.run(attempts.look("state")) is None
    begin("another")
    assert control.run(attempts.look("another")) is not None


def test_a_use_noted_ahead_ends_with_the_hour(control, connected, refreshing):  # noqa: F811
    ahead(control, lambda: access(control, connected))
    control.run(control.rooms.tokens.renew_due())
    assert len(refreshing.asked) <= 1
    control.clock.advance(HOUR)


@pytest.fixture
def crm(control):  # noqa: F811
    return control.crm


@pytest.fixture
def self_client(crm):
    row = crm.organisations.create(DEMO_SLUG, DEMO, sample=False)
    return crm.clients.register("Script", row.id, crm.first_user(row).id, (), self_client=True)


def code_of(crm, self_client, lifetime=600):
    return crm.clients.self_code(self_client.client_id, SCOPE, lifetime)


def tokens_of(crm, self_client):
    return crm.clients.redeem(self_client, code_of(crm, self_client), None, None)


def signed_in_as(crm):
    row = crm.organisations.find(DEMO_SLUG)
    return crm.people.begin(row.id, crm.people.active_users(row.id)[0]), row.id


def test_the_codes_a_client_of_the_crm_may_have(control, crm, self_client):  # noqa: F811
    def use_up():
        for _ in range(NEW_CODES):
            code_of(crm, self_client)
        with pytest.raises(CodesExhausted):
            code_of(crm, self_client)

    ahead(control, use_up)
    assert tokens_of(crm, self_client).access_token


def test_the_access_tokens_a_client_of_the_crm_may_have(control, crm, self_client):  # noqa: F811
    def use_up():
        refresh = tokens_of(crm, self_client).refresh_token
        for _ in range(NEW_ACCESS_TOKENS - 1):
            crm.accounts.refresh(self_client, refresh)
        with pytest.raises(TooManyTokens):
            crm.accounts.refresh(self_client, refresh)
        return refresh

    refresh = ahead(control, use_up)
    assert crm.accounts.refresh(self_client, refresh).access_token


def use_code(crm, self_client):
    text = code_of(crm, self_client)
    return lambda: crm.clients.redeem(self_client, text, None, None)


def use_access_token(crm, self_client):
    token = tokens_of(crm, self_client).access_token
    return lambda: crm.accounts.principal(f"Bearer {token}")


def use_session(crm, self_client):
    session, organisation = signed_in_as(crm)

    def use():
        if crm.people.signed_in(session, organisation) is None:
            raise LookupError

    return use


@pytest.mark.parametrize("make", [use_code, use_access_token, use_session])
def test_what_the_crms_accounts_server_gave_ahead_is_not_taken(control, crm, self_client, make):  # noqa: F811
    of_ahead = ahead(control, lambda: make(crm, self_client))
    with pytest.raises((CodeUnknown, Fault, LookupError)):
        of_ahead()
    before = make(crm, self_client)
    control.clock.advance(-SKEW)
    before()


def test_what_the_crms_accounts_server_noted_ahead_is_forgotten(control, crm, self_client):  # noqa: F811
    def note():
        code_of(crm, self_client)
        tokens_of(crm, self_client)
        signed_in_as(crm)

    ahead(control, note)
    note()
    tables = ("codes", "spent_codes", "access_tokens", "sessions")
    counts = in_registry(control, *(f"SELECT count(*) FROM {table}" for table in tables))
    assert counts == [[(1,)]] * len(tables)
    later = f"SELECT count(*) FROM recent WHERE at > {control.clock.timestamp()}"
    assert in_registry(control, later) == [[(0,)]]


def test_a_link_for_a_person(control, owner):  # noqa: F811
    people = control.rooms.people
    token = ahead(control, lambda: control.run(people.invite_anybody(owner.account, "support")))
    assert Browser(control).open(f"/welcome?token={token}").status == 410


def test_a_link_to_enter(control, owner):  # noqa: F811
    _, token = ahead(control, lambda: control.run(control.rooms.entries.link(owner.account)))
    assert Browser(control, "127.0.0.1").open(f"/enter?token={token}").status == 410


def test_a_session_of_a_person(control, ada):  # noqa: F811
    browser = Browser(control)  # noqa: F811
    ahead(control, browser.sign_in)
    assert "Sign in to Moorage" in browser.open("/me").text
    browser.sign_in()
    assert "Sign in to Moorage" not in browser.open("/me").text


def test_the_step_before_a_code(control, ada):  # noqa: F811
    factors, now = control.rooms.second_factors, control.clock.timestamp()
    with pytest.raises(StepExpired):
        control.run(factors.read_step(factors.step(ada, "b", now + DAYS), "b"))
    assert control.run(factors.read_step(factors.step(ada, "b", now + SKEW), "b")).id == ada.id


def test_the_way_back_from_an_issuer(control):  # noqa: F811
    class States:
        async def authorize_url(self, _redirect_uri, state, _nonce, _challenge):
            return state

    rooms = control.rooms
    elsewhere = SignInElsewhere(
        rooms.database, rooms.vault, States(), rooms.tries, control.clock, "http://127.0.0.1"
    )

    def begin():
        return control.run(elsewhere.begin("b", "/me"))

    with pytest.raises(StepExpired):
        elsewhere._way_of(ahead(control, begin), "b")
    assert elsewhere._way_of(begin(), "b") == "/me"


def test_the_keys_of_an_issuer(control):  # noqa: F811
    asked = []

    async def fetch(_method, url, _headers, _body):
        asked.append(url)
        document = {"issuer": "https://id.example", "keys": []} | dict.fromkeys(
            ("authorization_endpoint", "token_endpoint", "jwks_uri"), "https://id.example/keys"
        )
        return 200, json.dumps(document).encode()

    issuer = Issuer(Client("https://id.example", "client", "secret"), fetch, control.clock)
    ahead(control, lambda: control.run(issuer.keys()))
    before = len(asked)
    control.run(issuer.keys())
    assert len(asked) > before


def test_a_note_of_refused_tries(control, ada):  # noqa: F811
    def note():
        control.run(control.rooms.sign_in._note_throttled(ada.email))

    def noted():
        return [entry["action"] for entry in entries_of(control)].count("person.sign_ins_refused")

    ahead(control, note)
    note()
    note()
    assert noted() == 2
