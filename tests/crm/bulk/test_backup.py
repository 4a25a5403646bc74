"""Backups: what is in their files, from one moment, for how long, and when they are made."""

import json
import secrets
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from moorage.crm.jobs import backup_files
from moorage.crm.jobs.recurrence import recurrence_of
from tests.crm.bulk.conftest import SCOPE, rows_of
from tests.crm.uploads import upload

PATH = "/crm/bulk/v8/backup"
WEEK = 7 * 24 * 3600
PNG = b"\x89PNG\r\n\x1a\n...."
pytestmark = pytest.mark.every_storage


@pytest.fixture
def made(work, unzipped):
    """Make a backup. Gives its id and its files, by the names of zips and of what is in them."""

    def make(crm):
        job = begun(crm)
        work(crm, job)
        return job, files_of(crm, unzipped)

    return make


@pytest.fixture
def later(clock, caller_of):
    """A caller so many seconds later, when older tokens have ended."""

    def wait(seconds):
        clock.advance(seconds)
        return caller_of("acme", SCOPE)

    return wait


@pytest.fixture
def is_kept(service):
    """Whether the organisation still has the bytes of a backup."""

    def look(crm, job):
        async def main():
            organisation = await service.wrapped.organisations.open(crm.organisation)
            return bool(await organisation.store.files.owned_by([int(job)]))

        return service._run(main())

    return look


def begun(crm, **rule):
    answer = crm.post(PATH, {"backup": rule} if rule else b"")
    assert (answer.status, answer.json["backup"]["message"]) == (200, "Backup scheduled successfully.")
    return answer.json["backup"]["details"]["id"]


def files_of(crm, unzipped):
    urls = crm.get(f"{PATH}/urls").json["urls"]
    links = [*urls["data_links"], *urls["attachment_links"]]
    return {link.rpartition("/")[2]: unzipped(crm.get(link[link.index("/crm/") :])) for link in links}


def refused(answer):
    return answer.status, answer.json["backup"]["code"], answer.json["backup"]["details"]


def status(crm):
    return crm.get(PATH).json["backup"]["status"]


def test_a_backup_has_every_record_and_every_file_for_a_week(crm, made, work, later, is_kept):
    (lead,) = crm.insert("Leads", {"Last_Name": 'Ñ "x"', "Email": "a@example.com"})
    path = f"Leads/{lead}/Attachments"
    attachment = upload(crm, path, b"bytes", b"../a/b.txt")["id"]
    crm.call("POST", path, {"attachmentUrl": "https://docs.example/a", "title": "x/y"})
    upload(crm, f"Leads/{lead}/photo", PNG, b"me.png")
    assert crm.get(PATH).status == crm.get(f"{PATH}/urls").status == crm.get(f"{PATH}/history").status == 204
    job, files = made(crm)
    assert sorted(files) == ["Attachments_001.zip", "Data_001.zip"]
    data, attached = files["Data_001.zip"], files["Attachments_001.zip"]
    heads, row = rows_of(data["Data/Leads_001.csv"])
    shown = dict(zip(heads, row, strict=True))
    assert (shown["Id"], shown["Last_Name"], shown["Email"]) == (lead, 'Ñ "x"', "a@example.com")
    assert len(rows_of(data["Data/Attachments_001.csv"])) == 3
    assert len(rows_of(data["Data/Accounts_001.csv"])) == 1
    assert data[f"Photos/{lead}_me.png"] == PNG
    assert attached.pop(f"Attachments/{attachment}_b.txt") == b"bytes"
    assert list(attached.values()) == [b"https://docs.example/a"]
    metadata = json.loads(data["Metadata.json"])
    assert {module["api_name"] for module in metadata["modules"]} >= {"Leads", "Attachments"}

    crm = later(WEEK - 1)
    assert crm.get(f"{PATH}/{job}/Data_001.zip").status == 200
    crm = later(1)
    gone = crm.get(f"{PATH}/{job}/Data_001.zip")
    assert (gone.status, gone.json["code"], crm.get(f"{PATH}/urls").status) == (
        404,
        "RESOURCE_NOT_FOUND",
        204,
    )
    assert is_kept(crm, job)
    work(crm, job)
    assert not is_kept(crm, job)
    _, again = made(crm)
    assert len(rows_of(again["Data_001.zip"]["Data/Leads_001.csv"])) == 2


def test_what_is_written_meanwhile_is_not_in_it(crm, work, unzipped, monkeypatch, service):
    crm.insert("Leads", {"Last_Name": "a"}, {"Last_Name": "b"})
    job = begun(crm)
    write_table, organisations = backup_files._write_table, service.wrapped.organisations

    async def interrupted(then, data, module, pace):
        if module.api_name == "Leads":
            organisation = await organisations.open(crm.organisation)
            last_name, converted = (module.fields[name].column for name in ("Last_Name", "Converted__s"))

            def add(transaction):
                transaction.insert(module, [{"id": transaction.new_ids(1)[0], last_name: "c", converted: 0}])

            await organisation.store.write(add)
        await write_table(then, data, module, pace)

    monkeypatch.setattr(backup_files, "_write_table", interrupted)
    work(crm, job)
    assert crm.get("Leads", fields="id").json["info"]["count"] == 3
    assert len(rows_of(files_of(crm, unzipped)["Data_001.zip"]["Data/Leads_001.csv"])) == 3


def test_long_tables_and_many_files_are_in_several_zips(crm, made, monkeypatch):
    monkeypatch.setattr(backup_files, "LONGEST", 30_000)
    monkeypatch.setattr(backup_files, "LINES", 1)
    texts = [secrets.token_hex(15_000) for _ in range(8)]
    leads = crm.insert("Leads", *({"Last_Name": "a", "Description": text} for text in texts))
    for lead in leads[:2]:
        upload(crm, f"Leads/{lead}/Attachments", secrets.token_bytes(40_000))
    _, files = made(crm)
    tables = {
        name: data for of_zip in files.values() for name, data in of_zip.items() if "Data/Leads" in name
    }
    rows = [row for _, data in sorted(tables.items()) for row in rows_of(data)[1:]]
    assert [row[0] for row in rows] == leads
    assert len(tables) > 1
    assert {"Attachments_001.zip", "Attachments_002.zip"} <= files.keys()


def test_a_backup_that_recurs_waits_for_its_time_and_can_be_stopped(crm, work, unzipped, later):
    rule = "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"
    job = begun(crm, rrule=rule)
    user = crm.get("users", type="CurrentUser").json["users"][0]
    requester = {"name": user["full_name"], "id": user["id"], "zuid": user["zuid"]}
    first, second = "2026-02-10T01:10:56-08:00", "2026-02-24T01:10:56-08:00"
    shown = {"id": job, "rrule": rule, "start_date": first, "requester": requester}
    assert crm.get(PATH).json["backup"] == shown | {"scheduled_date": first, "status": "SCHEDULED"}
    assert refused(crm.post(PATH, b"")) == (400, "BACKUP_ALREADY_SCHEDULED", {"id": job})
    work(crm, job)
    assert crm.get(f"{PATH}/urls").status == 204
    crm = later(4 * 24 * 3600)
    work(crm, job)
    assert crm.get(PATH).json["backup"] == shown | {"scheduled_date": second, "status": "SCHEDULED"}
    assert "Data_001.zip" in files_of(crm, unzipped)

    assert crm.put(f"{PATH}/{job}/actions/cancel", b"").json["backup"] == {
        "status": "success",
        "code": "SUCCESS",
        "message": "Backup stopped successfully.",
        "details": {"id": job},
    }
    assert status(crm) == "STOPPED"
    assert refused(crm.put(f"{PATH}/{job}/actions/cancel", b"")) == (400, "ALREADY_CANCELLED", {"id": job})
    entries = crm.get(f"{PATH}/history").json
    assert [(entry["action"], entry["state"]) for entry in entries["history"]] == [
        ("stopped", None),
        (None, "completed"),
        ("scheduled", None),
    ]
    assert {entry["repeat_type"] for entry in entries["history"]} == {"biweekly"}
    assert entries["history"][0]["done_by"] == requester
    assert entries["info"] == {"page": 1, "per_page": 200, "count": 3, "more_records": False}
    assert crm.get(f"{PATH}/history", per_page=1, page=2).json["info"]["more_records"]

    crm = later(2 * WEEK)
    work(crm, job)
    assert (status(crm), crm.get(f"{PATH}/urls").status) == ("STOPPED", 204)
    begun(crm)


def test_a_backup_that_is_being_made_is_not_stopped(crm, work, unzipped):
    job = begun(crm)
    assert status(crm) == "INPROGRESS"
    assert refused(crm.put(f"{PATH}/{job}/actions/cancel", b"")) == (400, "INPROGRESS", {"id": job})
    work(crm, job)
    assert status(crm) == "COMPLETED"
    second = begun(crm)
    work(crm, second)
    assert list(files_of(crm, unzipped)) == ["Data_001.zip"]  # Without the files of the first one.
    for unknown in (job, "1", "x"):
        answer = crm.put(f"{PATH}/{unknown}/actions/cancel", b"")
        assert (answer.status, answer.json["code"], answer.json["details"]) == (400, "RESOURCE_NOT_FOUND", {})


def test_who_is_no_administrator_gets_nothing(crm, caller_of):
    standard = caller_of("acme", SCOPE, user=2)
    for answer in (
        standard.post(PATH, b""),
        *(standard.get(f"{PATH}{rest}") for rest in ("", "/urls", "/history", "/1/Data_001.zip")),
        standard.put(f"{PATH}/1/actions/cancel", b""),
    ):
        assert (answer.status, answer.json["code"]) == (403, "NO_PERMISSION")


def test_rules_that_mean_nothing_are_refused(crm):
    wrong = ("", "x", "FREQ=DAILY;INTERVAL=1;BYDAY=MO", "FREQ=WEEKLY;INTERVAL=53;BYDAY=MO")
    wrong += ("FREQ=WEEKLY;INTERVAL=1;BYDAY=1MO", "FREQ=MONTHLY;INTERVAL=1;BYDAY=MO;BYMONTHDAY=3")
    wrong += ("FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=32", "FREQ=WEEKLY;FREQ=WEEKLY;INTERVAL=1;BYDAY=MO", 7)
    for rule in wrong:
        details = {"api_name": "rrule", "json_path": "$.backup.rrule"}
        assert refused(crm.post(PATH, {"backup": {"rrule": rule}})) == (400, "INVALID_DATA", details), rule
    assert refused(crm.post(PATH, {"backup": 1}))[2]["json_path"] == "$.backup"
    assert refused(crm.post(PATH, [1]))[1] == "INVALID_DATA"
    assert crm.post(PATH, b"{").json["code"] == "REQUEST_BODY_NOT_READABLE"


ZONE = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=FR", ["2026-03-06", "2026-03-13", "2026-03-20"]),
        ("FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=31", ["2026-02-28", "2026-03-31", "2026-04-30"]),
        ("FREQ=MONTHLY;INTERVAL=2;BYDAY=1TH", ["2026-03-05", "2026-05-07", "2026-07-02"]),
        ("FREQ=MONTHLY;INTERVAL=1;BYDAY=-1SU", ["2026-03-29", "2026-04-26", "2026-05-31"]),
    ],
)
def test_rules_name_days_at_the_time_of_the_day_of_the_first(rule, days):
    recurrence = recurrence_of(rule)
    now = int(datetime(2026, 2, 27, 9, 30, tzinfo=ZONE).timestamp())
    times = [recurrence.first(ZONE, now)]
    for _ in days[1:]:
        times.append(recurrence.next(ZONE, times[-1], times[-1] + 60))
    local = [datetime.fromtimestamp(time, UTC).astimezone(ZONE) for time in times]
    assert [time.strftime("%Y-%m-%d %H:%M") for time in local] == [f"{day} 09:30" for day in days]


def test_times_that_were_missed_are_passed_over():
    recurrence = recurrence_of("FREQ=WEEKLY;INTERVAL=2;BYDAY=FR")
    planned = int(datetime(2026, 3, 6, 9, 30, tzinfo=ZONE).timestamp())
    late = int(datetime(2026, 3, 25, 9, 30, tzinfo=ZONE).timestamp())
    following = datetime.fromtimestamp(recurrence.next(ZONE, planned, late), UTC).astimezone(ZONE)
    assert following.strftime("%Y-%m-%d %H:%M") == "2026-04-03 09:30"
