"""Another program locks the registry: only calls that must write to it fail, and no other call waits."""

import json
import sqlite3
import threading
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from moorage.crm.storage.sqlite import storage


@pytest.fixture(autouse=True)
def little_patience(monkeypatch):
    monkeypatch.setattr(storage, "MAX_WAIT", 1.0)


@pytest.fixture
def held(tmp_path, crm):
    other = sqlite3.connect(tmp_path / "crm" / "registry.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def renewal(service, slug="acme"):
    row = service.organisations.find(slug)
    credentials = service.credentials(row)
    names = ("client_id", "client_secret", "refresh_token")
    return urlencode(
        {"grant_type": "refresh_token", **{name: credentials[name] for name in names}}
    ), credentials


def test_a_token_is_refused_with_the_reason_and_others_are_answered_meanwhile(service, crm, origin, request):
    form, credentials = renewal(service)
    request.getfixturevalue("held")
    answers = []
    caller = threading.Thread(target=lambda: answers.append(origin.call("POST", "/oauth/v2/token", form)))
    caller.start()
    headers = {"Authorization": f"Bearer {credentials['access_token']}"}
    status = origin.call("GET", "/crm/v8/Leads?fields=id", headers=headers)[0]
    assert status in {200, 204} and answers == []
    caller.join(30)
    status, _, body = answers[0]
    assert (status, json.loads(body)["error"]) == (503, "temporarily_unavailable")
    assert "another program holds it" in json.loads(body)["error_description"]


def test_it_goes_on_as_soon_as_the_other_lets_go(service, crm, origin, request):
    form, _ = renewal(service)
    held = request.getfixturevalue("held")
    threading.Timer(0.2, lambda: held.execute("ROLLBACK")).start()
    assert "access_token" in json.loads(origin.call("POST", "/oauth/v2/token", form)[2])


def test_what_a_stranger_makes_up_is_answered_without_the_lock(service, crm, origin, held):
    for path, form in (
        ("/oauth/v2/token/revoke", {"token": "1000.nobodys.token"}),
        ("/oauth/v2/token", {"grant_type": "authorization_code", "client_id": "1000.NOBODY", "code": "x"}),
    ):
        assert origin.call("POST", path, urlencode(form))[0] in {200, 400}


def test_no_statement_runs_in_the_event_loop(service, crm, origin):
    """A statement there would keep all other calls waiting for a lock or for the disk."""
    form, credentials = renewal(service)
    threads = set()

    def note(*_):
        threads.add(threading.current_thread().name)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        assert origin.call("POST", "/oauth/v2/token", form)[0] == 200
        headers = {"Authorization": f"Bearer {credentials['access_token']}"}
        assert origin.call("GET", "/crm/v8/Leads?fields=id", headers=headers)[0] == 204
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    assert {name.rstrip("0123456789") for name in threads} == {"database-reading-", "database-writing-"}
