"""Trouble with a disk or a file: the CRM names it, and works again when it is over."""

import apsw
import pytest

from moorage.storage import trouble
from tests.crm.folder import change_registry
from tests.log_lines import capture_logs
from tests.storage.descriptors import none_left

LEAD = {"data": [{"Last_Name": "Smith", "Description": "d" * 30_000}]}


@pytest.fixture(autouse=True)
def untold(monkeypatch):
    monkeypatch.setattr(trouble, "_logged_at", {})


@pytest.fixture
def acme(make_organisation, caller_of):
    make_organisation("acme")
    return caller_of("acme")


@pytest.fixture
def database(service, acme, tmp_path):
    """The organisation's file, its writer's connection open."""
    acme.insert("Leads", {"Last_Name": "First"})
    return tmp_path / "crm" / "orgs" / "acme.db"


def writer(service, acme):
    return service.organisations.open(acme.organisation).store._writer._connection


def message_of(answer, kind):
    document = answer.json
    assert (answer.status, document["code"], document["status"]) == (503, "SERVICE_UNAVAILABLE", "error")
    assert document["message"] == "Service temporarily unavailable"
    assert document["details"]["reason"] == kind
    return document["details"]["message"]


def test_a_full_disk(service, acme, database):
    # As many pages as it may have: what SQLite says of that is what it says of a full disk.
    pages = writer(service, acme).execute("PRAGMA page_count").get
    writer(service, acme).execute(f"PRAGMA max_page_count = {pages}")
    assert "no room" in message_of(acme.post("Leads", LEAD), "full")
    assert acme.get("Leads", fields="Last_Name").status == 200
    writer(service, acme).execute("PRAGMA max_page_count = 1000000")
    assert acme.post("Leads", LEAD).status == 201


def test_a_database_that_can_only_be_read(service, acme, database):
    writer(service, acme).execute("PRAGMA query_only = ON")
    assert "read-only" in message_of(acme.post("Leads", LEAD), "read_only")


def test_a_file_that_another_program_holds(service, acme, database):
    writer(service, acme).set_busy_timeout(0)
    other = apsw.Connection(
        str(database)
    )  # By the same library: locks of one process do not hold off another's.
    other.execute("BEGIN IMMEDIATE")
    answer = acme.post("Leads", LEAD)
    other.execute("ROLLBACK")
    other.close()
    assert "another program" in message_of(answer, "busy")
    assert answer.headers["retry-after"] == "2"
    assert acme.post("Leads", LEAD).status == 201


def test_an_organisation_that_is_damaged_is_named_and_others_are_not_held_up(
    service, acme, database, make_organisation, caller_of
):
    make_organisation("other")
    other = caller_of("other")
    service.organisations.forget(acme.organisation)
    database.write_bytes(b"no database at all" * 1000)
    with capture_logs() as lines:
        for _ in range(20):
            assert "'acme'" in message_of(acme.get("Leads", fields="Last_Name"), "damaged")
    assert other.get("Leads", fields="Last_Name").status in {200, 204}
    assert [line["event"] for line in lines] == [
        "storage.trouble"
    ]  # No traceback, and not one for each call.
    assert "restore" in lines[0]["advice"]


@pytest.mark.parametrize(
    "damage",
    [
        "refresh_tokens SET scopes = CAST(X'f3' AS TEXT)",
        "organisations SET data_centre = CAST(X'f3' AS TEXT)",
    ],
)
def test_what_was_damaged_within_a_page_is_told_as_that(service, acme, database, tmp_path, damage):
    change_registry(tmp_path / "crm", f"UPDATE {damage}")
    service.accounts.forget()
    assert "damaged" in message_of(acme.get("Leads", fields="Last_Name"), "damaged")


def test_bytes_of_an_organisation_that_are_not_text_are_damage(service, acme, database):
    writer(service, acme).execute("UPDATE metadata SET body = CAST(X'f3' AS TEXT) WHERE kind = 'org'")
    service.organisations.forget(acme.organisation)
    assert "'acme'" in message_of(acme.get("Leads", fields="Last_Name"), "damaged")


def test_an_organisation_is_not_damaged_because_no_descriptors_are_left(service, acme, database, monkeypatch):
    answer = service.answer

    async def starved(request):
        with none_left():
            return await answer(request)

    service.organisations.forget(acme.organisation)
    monkeypatch.setattr(service, "answer", starved)
    assert "no file descriptors are left" in message_of(acme.get("Leads", fields="Last_Name"), "descriptors")
    monkeypatch.undo()
    assert acme.get("Leads", fields="Last_Name").status == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/oauth/v2/token"),
        ("POST", "/oauth/v2/token/revoke"),
        ("POST", "/"),
        ("GET", "/oauth/v2/auth"),
    ],
)
def test_a_registry_in_trouble_is_told_by_the_accounts_server(acme, nobody, tmp_path, method, path):
    renamed = "ALTER TABLE clients RENAME TO elsewhere", "ALTER TABLE access_tokens RENAME TO away"
    change_registry(tmp_path / "crm", *renamed)
    asked = {"response_type": "code", "client_id": "x", "redirect_uri": "http://127.0.0.1/", "scope": "a.b.c"}
    body = b"" if method == "GET" else b"grant_type=refresh_token&client_id=x&client_secret=y&token=z"
    answer = nobody.call(method, path, asked if method == "GET" else {}, body)
    assert answer.status == 503
    if method == "GET":
        assert b"can&#39;t be used" in answer.body and answer.headers["content-type"].startswith("text/html")
    else:
        assert answer.json["error"] == "temporarily_unavailable"
        assert "damaged" in answer.json["error_description"]


def test_the_log_has_one_line_a_minute_of_each_kind(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(trouble.time, "monotonic", lambda: now[0])
    with capture_logs() as lines:
        for _ in range(3):
            for error in (apsw.FullError("full"), apsw.BusyError("busy")):
                error.extendedresult = error.result = {"full": 13, "busy": 5}[str(error)]
                trouble_found = trouble.unusable("It", error)
                for _ in range(50):
                    trouble.log_trouble("It", trouble_found.kind, trouble_found)
            now[0] += trouble.LOG_SECONDS
    assert [line["kind"] for line in lines] == ["full", "busy"] * 3
