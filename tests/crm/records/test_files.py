"""Files in fields of records: uploaded first, then named by a record, which owns them from then on."""

import pytest

from moorage.crm.storage.contract.files import LINGER, UNUSED
from tests.crm.settings.making_fields import field, made
from tests.crm.uploads import part, send


@pytest.fixture
def papers(crm):
    made(crm, field("Papers", "fileupload"), field("Pictures", "imageupload"))
    return crm


def uploaded(crm, data=b"bytes", name=b"a.txt"):
    answer = send(crm, "files", part(data, filename=name))
    assert answer.status == 200, answer.body
    return answer.data[0]["details"]["id"]


def shown(crm, lead, name="Papers"):
    return crm.only(f"Leads/{lead}")[name]


def put(crm, lead, rows, name="Papers"):
    return crm.put(f"Leads/{lead}", {"data": [{name: rows}]})


def swept(crm, clock):
    clock.advance(LINGER)
    crm.service.sweep_files()


def test_several_are_uploaded_and_each_is_downloaded_by_its_id(crm):
    answer = send(crm, "files", part(b"one", filename=b"1.txt"), part(b"two", filename="二.txt".encode()))
    assert [each["message"] for each in answer.data] == [
        "1.txt uploaded Succeessfully",
        "二.txt uploaded Succeessfully",
    ]
    keys = [each["details"]["id"] for each in answer.data]
    assert all(len(key) >= 80 for key in keys)
    assert [crm.get("files", id=key).body for key in keys] == [b"one", b"two"]
    assert crm.get("files", id=keys[1]).headers["content-disposition"].endswith("''%E4%BA%8C.txt")
    assert crm.get("files", id="none").status == 204
    assert crm.get("files").json["details"] == {"param_name": "id"}


def test_limits(crm):
    for parts in ((), (part(b""),), (part(b"x"), part(b""))):
        assert send(crm, "files", *parts).json["code"] == "failure_in_attachment_handling"
    many = send(crm, "files", *[part(b"x")] * 11)
    assert (many.status, many.json["code"]) == (400, "INVALID_REQUEST")
    long = send(crm, "files", part(b"x" * (20 * 1024 * 1024 + 1)))
    assert (long.status, long.json["code"]) == (415, "FILE_SIZE_MORE_THAN_ALLOWED_SIZE")


@pytest.mark.every_storage
def test_a_record_shows_its_files_and_owns_them(papers, clock):
    key = uploaded(papers)
    (lead,) = papers.insert("Leads", {"Last_Name": "Ash", "Papers": [{"File_Id__s": key}]})
    (row,) = shown(papers, lead)
    assert (row["File_Id__s"], row["File_Name__s"], row["Size__s"]) == (key, "a.txt", 5)
    assert row["Parent_Id"] == {"id": lead} and row["Owner__s"]["id"] and row["Created_Time__s"]
    path = f"Leads/{lead}/actions/download_fields_attachment"
    assert papers.get(path, fields_attachment_id=row["id"]).body == b"bytes"
    assert papers.get(path, fields_attachment_id="1").status == 400
    assert papers.get(path).json["details"] == {"param_name": "fields_attachment_id"}
    unused = uploaded(papers, b"unused")
    papers.service.sweep_files()
    assert papers.get("files", id=unused).status == 200


@pytest.mark.every_storage
def test_rows_are_added_kept_and_removed_by_their_ids(papers, clock):
    first, second = uploaded(papers, b"1"), uploaded(papers, b"2")
    (lead,) = papers.insert("Leads", {"Last_Name": "Ash", "Papers": [{"File_Id__s": first}]})
    assert put(papers, lead, [{"File_Id__s": second}]).status == 200
    rows = shown(papers, lead)
    assert [row["File_Id__s"] for row in rows] == [first, second]
    assert put(papers, lead, [{"id": rows[0]["id"], "_delete": None}]).status == 200
    assert [row["File_Id__s"] for row in shown(papers, lead)] == [second]
    assert papers.get("files", id=first).status == 204
    assert put(papers, lead, []).status == 200
    assert shown(papers, lead) is None
    assert papers.get("files", id=second).status == 204


def test_a_file_that_a_record_owns_is_copied_by_another(papers):
    key = uploaded(papers)
    leads = papers.insert("Leads", *({"Last_Name": "Ash", "Papers": [{"File_Id__s": key}]} for _ in range(2)))
    keys = [shown(papers, lead)[0]["File_Id__s"] for lead in leads]
    assert keys[0] == key != keys[1]
    assert put(papers, leads[0], []).status == 200
    assert papers.get("files", id=keys[1]).body == b"bytes"


def test_images_have_a_place_and_a_description(papers):
    key = uploaded(papers)
    sent = {"File_Id__s": key, "Description__s": "Quay", "Sequence_Number__s": 2}
    (lead,) = papers.insert("Leads", {"Last_Name": "Ash", "Pictures": [sent]})
    (row,) = shown(papers, lead, "Pictures")
    assert row.items() >= {**sent, "Preview_Id__s": key}.items()
    assert put(papers, lead, [{"id": row["id"], "Description__s": "Pier"}], "Pictures").status == 200
    assert shown(papers, lead, "Pictures")[0]["Description__s"] == "Pier"


def test_a_refused_record_takes_no_file(papers):
    key = uploaded(papers)
    rows = [{"File_Id__s": key}, {"File_Id__s": "none"}]
    refused = papers.post("Leads", {"data": [{"Last_Name": "Ash", "Papers": rows}]})
    assert refused.data[0]["details"]["json_path"] == "$.data[0].Papers[1].File_Id__s"
    (lead,) = papers.insert("Leads", {"Last_Name": "Ash", "Papers": [{"File_Id__s": key}]})
    assert shown(papers, lead)[0]["File_Id__s"] == key
    five = [{"File_Id__s": uploaded(papers)} for _ in range(5)]
    assert put(papers, lead, five).data[0]["details"]["maximum_length"] == 5


def test_a_stranger_gets_no_file(papers, stranger):
    key = uploaded(papers)
    assert stranger.get("files", id=key).status == 204


def test_an_upload_is_kept_for_a_day(crm, caller_of, clock):
    key = uploaded(crm)
    clock.advance(UNUSED)
    crm.service.sweep_files()
    assert caller_of("acme").get("files", id=key).status == 204
