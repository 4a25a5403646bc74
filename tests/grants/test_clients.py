"""Who may ask people for leave: programs with a document, and programs that have registered themselves."""

import json

import pytest

from moorage.addresses import Addresses
from moorage.grants import redirects
from moorage.grants.clients import MOST_UNUSED, REGISTRATIONS
from moorage.grants.documents import KEPT_SECONDS, LONGEST_DOCUMENT
from moorage.oauth.transport.contract import HttpCall, HttpReply, Unanswered
from moorage.oauth.transport.remote import RemoteTransport
from tests.grants.program import BACK, Program
from tests.people.browser import Browser

ID = "https://agent.example/client.json"
DOCUMENT = {
    "client_id": ID,
    "client_name": "Anchor",
    "redirect_uris": [BACK],
    "token_endpoint_auth_method": "none",
}


class Internet:
    """Plays the servers outside."""

    def __init__(self):
        self.asked, self.document, self.status = [], dict(DOCUMENT), 200

    async def send(self, call):
        self.asked.append(call.url)
        if isinstance(self.document, Exception):
            raise self.document
        body = self.document if isinstance(self.document, bytes) else json.dumps(self.document).encode()
        return HttpReply(self.status, body)


@pytest.fixture
def internet(control, monkeypatch):
    internet = Internet()
    monkeypatch.setattr(control.rooms.internet, "send", internet.send)
    return internet


@pytest.fixture
def anchor(control):
    return Program(control, ID)


def test_a_program_is_known_by_its_document(control, ada, browser, internet, anchor):
    page = browser.open(anchor.request())
    assert "Anchor wants to act" in page.text and ID in page.text and "registered itself" not in page.text
    assert anchor.principal(anchor.signed_in(browser)["access_token"]) is not None
    assert internet.asked == [ID]  # It is kept for a while.
    for change in (KEPT_SECONDS, -2 * KEPT_SECONDS):  # The clock may also be put back.
        control.clock.advance(change)
        browser.open(anchor.request())
    assert internet.asked == [ID] * 3


def test_only_a_person_who_may_give_leave_makes_the_server_look(control, owner, ada, internet, anchor, join):
    assert "Sign in" in Browser(control).open(anchor.request()).text
    _, other = join(owner.account, "approver")
    assert other.open(anchor.request()).status == 403
    assert internet.asked == []


UNFIT = [
    {"client_id": f"{ID}/"},
    {"client_id": None},
    {"token_endpoint_auth_method": "client_secret_basic"},
    {"token_endpoint_auth_method": "private_key_jwt"},
    {"client_secret": "s"},
    {"redirect_uris": []},
    {"redirect_uris": [BACK] * 11},
    {"redirect_uris": ["javascript:alert(1)"]},
    {"redirect_uris": ["http://agent.example/back"]},
    b"[]",
    b"{",
    b"[" * 10_000,
    Unanswered("agent.example did not answer in time.", sent=True),
]


def test_a_document_that_does_not_fit_opens_nothing(ada, browser, internet, anchor):
    for document in UNFIT:
        internet.document = DOCUMENT | document if isinstance(document, dict) else document
        page = browser.open(anchor.request())
        assert page.status == 400 and "agent.example" in page.text and "href" not in page.text
    internet.document = DOCUMENT  # Nothing of a failure is kept.
    assert browser.open(anchor.request()).status == 200


def test_a_redirect_is_no_document(ada, browser, internet, anchor):
    internet.status = 302
    assert browser.open(anchor.request()).status == 400


NO_ADDRESSES = [
    "https://agent.example",
    "https://agent.example/",
    "https://agent.example/a/../b",
    "https://agent.example/./b",
    "https://user@agent.example/b",
    "https://agent.example/b#c",
    "https://agent.example:0/b",
    "https://agent.example/\\b",
    "https:///b",
    "https://[::1/b",
    f"https://agent.example/{'x' * 500}",
]


def test_other_addresses_are_not_even_asked(control, ada, browser, internet):
    for client_id in NO_ADDRESSES:
        assert browser.open(Program(control, client_id).request()).status == 400
        assert internet.asked == []


INSIDE = ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]"]


def test_no_document_is_looked_for_inside(control):
    """The names are looked up, and a connection is made only to what that gave (tests/crm/events)."""
    for host in INSIDE:
        call = HttpCall("GET", f"https://{host}:1/client.json")
        with pytest.raises(Unanswered, match="not allowed"):
            control.run(control.rooms.internet.send(call))


def test_a_document_is_not_longer_than_needed(control):
    transport = control.rooms.internet
    assert isinstance(transport, RemoteTransport) and isinstance(transport._addresses, Addresses)
    assert transport._longest == LONGEST_DOCUMENT


def test_an_address_may_register_some_programs(control, program):
    answers = [program.register(address="192.0.2.9").status for _ in range(REGISTRATIONS + 1)]
    assert answers == [*([201] * REGISTRATIONS), 429]
    refused = program.register(address="192.0.2.9")
    assert refused.json["error"] == "temporarily_unavailable" and refused.headers["retry-after"]
    assert program.register(address="192.0.2.10").status == 201


def test_programs_that_nobody_uses_go(control, owner, ada, browser, monkeypatch):
    used, unused = Program(control), Program(control)
    used.signed_in(browser, days="endless")
    control.clock.advance(25 * 3600)
    control.run(control.rooms.grants.prune())
    browser.sign_in()  # The session has ended.
    assert browser.open(used.request()).status == 200
    assert browser.open(unused.request()).status == 400
    monkeypatch.setattr("moorage.grants.clients.MOST_UNUSED", 2)
    later = []
    for _ in range(3):
        control.clock.advance(1)
        later.append(Program(control))
    assert [browser.open(program.request()).status for program in later] == [400, 200, 200]
    assert MOST_UNUSED == 1000


UNSOUND = [
    {"redirect_uris": None},
    {"redirect_uris": ["http://agent.example/"]},
    {"redirect_uris": [f"{BACK}#x"]},
    {"grant_types": ["client_credentials"]},
    {"response_types": ["token"]},
]


def test_what_can_not_be_registered_is_refused(program):
    for metadata in UNSOUND:
        answer = program.register(**metadata)
        assert answer.status == 400 and answer.json["error"] in {
            "invalid_redirect_uri",
            "invalid_client_metadata",
        }


ADDRESSES = [
    ("https://agent.example/back", True),
    ("https://agent.example:8443/back?x=1", True),
    ("http://localhost/back", True),
    ("http://[::1]:1234/", True),
    ("http://127.0.0.1", True),
    ("cursor://anchor.mcp/oauth/callback", True),
    ("com.example.app:/back", True),
    ("http://127.0.0.1.evil.example/", False),
    ("http://localhost@evil.example/", False),
    ("http://127.0.0.1:3000@evil.example/", False),
    ("https://user@agent.example/", False),
    ("https://agent.example\\@evil.example/", False),
    ("https://", False),
    ("javascript://%0aalert(1)", False),
    ("data:text/html,x", False),
    ("file:///etc/passwd", False),
    ("view-source:https://agent.example", False),
    ("/back", False),
    ("", False),
    ("https://agent.example/\r\nx", False),
    ("https://ägent.example/", False),
]


def test_addresses_to_which_a_program_may_send_people_back():
    for uri, is_allowed in ADDRESSES:
        assert (redirects.objection(uri) is None) == is_allowed


def test_redirect_uris_are_compared_to_the_letter():
    registered = ("https://agent.example/back", "http://127.0.0.1:3000/back")
    assert redirects.is_registered("http://127.0.0.1:4000/back", registered)
    for other in (
        "https://agent.example/back/",
        "https://agent.example:443/back",
        "https://AGENT.example/back",
        "http://127.0.0.1:3000/back?x",
        "http://[::1]:3000/back",
        "https://127.0.0.1:3000/back",
    ):
        assert not redirects.is_registered(other, registered), other
