"""Attachments of records: the bytes that were sent, under the name that was sent, and nothing for anybody else."""

import hashlib
from urllib.parse import quote

import pytest

from moorage.crm.files import keeping
from moorage.crm.records.attachments import move
from moorage.crm.storage.contract.files import LINGER, UNUSED
from tests.contracts.opened import Opened
from tests.crm.uploads import MULTIPART, body, part, send, upload
from tests.waited import wait

NAMES = ["Überblick, 見積.pdf", 'say "no".txt', "semi;colon's.txt"]


@pytest.fixture
def lead(crm):
    return crm.insert("Leads", {"Last_Name": "Ash"})[0]


def attached(crm, record, module="Leads", **params):
    answer = crm.get(f"{module}/{record}/Attachments", **({"fields": "File_Name,Size,Parent_Id"} | params))
    return answer.data if answer.status == 200 else answer.status


def test_bytes_come_back_as_they_were_sent(crm, lead):
    data = bytes(range(256)) * 20
    names = {}
    for name in NAMES:
        details = upload(crm, f"Leads/{lead}/Attachments", data, name.replace('"', '\\"').encode())
        assert details.keys() == {"id", "Created_By", "Created_Time", "Modified_By", "Modified_Time"}
        names[details["id"]] = name
    assert {each["id"]: each["File_Name"] for each in attached(crm, lead)} == names
    for attachment, name in names.items():
        answer = crm.get(f"Leads/{lead}/Attachments/{attachment}")
        assert (answer.status, answer.body) == (200, data)
        assert answer.headers["content-disposition"].endswith(f"; filename*=UTF-8''{quote(name, safe='')}")


def test_nothing_that_is_downloaded_is_a_page(crm, lead):
    details = upload(crm, f"Leads/{lead}/Attachments", b"<script>alert(1)</script>", b"a.html")
    headers = crm.get(f"Leads/{lead}/Attachments/{details['id']}").headers
    assert headers["content-type"] == "application/x-download"
    assert headers["content-disposition"].startswith("attachment;")
    assert headers["x-content-type-options"] == "nosniff"


def test_a_list_says_what_an_attachment_is(crm, lead):
    upload(crm, f"Leads/{lead}/Attachments", b"12345")
    linked = {"attachmentUrl": "https://docs.example/a?b=c", "title": "Plan 7/8"}
    assert crm.call("POST", f"Leads/{lead}/Attachments", linked).status == 200
    link, file = attached(crm, lead)
    assert (file["File_Name"], file["Size"], file["$type"], file["$link_url"]) == ("a.txt", "5", "File", None)
    assert (file["Parent_Id"], file["$se_module"]) == ({"name": "Ash", "id": lead}, "Leads")
    assert len(file["$file_id"]) >= 80
    assert (link["File_Name"], link["Size"], link["$type"]) == ("Plan 7/8", "0", "Link URL")
    assert (link["$link_url"], link["$file_id"]) == (linked["attachmentUrl"], None)
    assert [each["id"] for each in attached(crm, lead, per_page=1)] == [link["id"]]
    assert crm.get(f"Leads/{lead}/Attachments").json["details"] == {"param_name": "fields"}
    older = crm.get(f"/crm/v2/Leads/{lead}/Attachments").data
    assert [each["$type"] for each in older] == ["Link URL", "Attachment"]
    assert crm.get("Attachments", fields="File_Name,Size").json["info"]["count"] == 2


@pytest.mark.parametrize("how", ["query", "form", "multipart"])
def test_a_link_is_sent_in_any_way_and_cannot_be_downloaded(crm, lead, how):
    path, address = f"Leads/{lead}/Attachments", "https://docs.example/plan.pdf"
    if how == "query":
        answer = crm.call("POST", path, {"attachmentUrl": address})
    elif how == "form":
        form = {"content-type": "application/x-www-form-urlencoded"}
        answer = crm.call("POST", path, None, b"attachmentUrl=https%3A%2F%2Fdocs.example%2Fplan.pdf", form)
    else:
        answer = send(crm, path, part(address.encode(), "attachmentUrl", None))
    assert answer.status == 200, answer.body
    refused = crm.get(f"{path}/{answer.data[0]['details']['id']}")
    assert (refused.status, refused.json["code"]) == (400, "DOWNLOAD_NOT_ALLOWED")
    assert attached(crm, lead)[0]["File_Name"] == address


@pytest.mark.parametrize(
    "address", ["x", "javascript:alert(1)", "javascript:a.b", "http://a b", "h" * 3000, "//a.b"]
)
def test_a_wrong_address_is_refused(crm, lead, address):
    answer = crm.call("POST", f"Leads/{lead}/Attachments", {"attachmentUrl": address})
    assert (answer.status, answer.json["code"]) == (400, "INVALID_URL_PATTERN")


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (part(b""),),
        (part(b"x", "other"),),
        (part(b"x", filename=None),),
        (part(b"x", filename=b""),),
    ],
    ids=["no part", "no bytes", "another name", "no file", "no name"],
)
def test_a_body_without_a_file_is_refused(crm, lead, parts):
    answer = send(crm, f"Leads/{lead}/Attachments", *parts)
    assert (answer.status, answer.json["code"]) == (400, "failure_in_attachment_handling")
    assert attached(crm, lead) == 204


def test_what_is_ambiguous_or_broken_is_refused(crm, lead):
    path = f"Leads/{lead}/Attachments"
    both = send(crm, path, part(b"x"), attachmentUrl="https://a.example")
    assert (both.status, both.json["code"]) == (400, "AMBIGUITY_DURING_PROCESSING")
    two = send(crm, path, part(b"x"), part(b"y"))
    assert (two.status, two.json["code"]) == (400, "INVALID_REQUEST")
    for data, headers in ((b"{}", {}), (body(part(b"x"))[:-9], MULTIPART), (b"", {})):
        assert crm.call("POST", path, None, data, headers).json["code"] == "failure_in_attachment_handling"
    assert attached(crm, lead) == 204


def test_one_byte_more_is_too_long(crm, lead):
    path = f"/crm/v7/Leads/{lead}/Attachments"
    longest = b"x" * (20 * 1024 * 1024)
    answer = send(crm, path, part(longest + b"x"))
    assert (answer.status, answer.json["code"]) == (413, "FILE_SIZE_MORE_THAN_ALLOWED_SIZE")
    assert attached(crm, lead) == 204


def test_a_record_that_is_not_there_has_no_attachments(crm, lead):
    for record in ("7243485000000999999", "x"):
        for answer in (
            send(crm, f"Leads/{record}/Attachments", part(b"x")),
            crm.get(f"Leads/{record}/Attachments", fields="id"),
            crm.get(f"Leads/{record}/Attachments/{lead}"),
            crm.delete(f"Leads/{record}/Attachments/{lead}"),
        ):
            assert answer.status == 400
            assert answer.json["message"] == "the related id given seems to be invalid"
            assert answer.json["details"] == {"resource_path_index": 1}
    assert crm.get(f"Leads/{lead}/Attachments/{lead}").status == 204
    assert crm.get(f"Leads/{lead}/Attachments/x").json["details"] == {"resource_path_index": 3}
    assert crm.get("DealHistory/1/Attachments", fields="id").json["details"] == {"resource_path_index": 2}


def test_deleting(crm, lead):
    path = f"Leads/{lead}/Attachments"
    first, second, third = (upload(crm, path, data)["id"] for data in (b"a", b"b", b"a"))
    (other,) = crm.insert("Leads", {"Last_Name": "Birch"})
    assert crm.delete(f"Leads/{other}/Attachments/{first}").json["message"] == "record not deleted"
    assert crm.delete(f"{path}/{first}").data[0]["details"] == {"id": first}
    again = crm.delete(f"{path}/{first}")
    assert (again.status, again.json["details"]) == (400, {"resource_path_index": 3})
    several = crm.delete(path, ids=f"{first},{second}")
    assert several.status == 207
    assert [each["code"] for each in several.data] == ["INVALID_DATA", "SUCCESS"]
    assert [each["id"] for each in attached(crm, lead)] == [third]
    assert crm.get(f"{path}/{third}").body == b"a"


def test_only_through_their_records_are_they_written(crm, lead):
    attachment = upload(crm, f"Leads/{lead}/Attachments")["id"]
    refused = [
        crm.post("Attachments", {"data": [{"File_Name": "x"}]}),
        crm.put(f"Attachments/{attachment}", {"data": [{"File_Name": "x"}]}),
        crm.delete(f"Attachments/{attachment}"),
    ]
    assert {answer.json["code"] for answer in refused} == {"INVALID_MODULE"}
    assert crm.get(f"Leads/{lead}/Attachments/{attachment}").status == 200


def test_a_deleted_record_keeps_its_attachments_and_shows_them_to_nobody(crm, lead, clock):
    path = f"Leads/{lead}/Attachments"
    attachment = upload(crm, path)["id"]
    assert crm.delete(f"Leads/{lead}").status == 200
    assert crm.get(path, fields="id").json["message"] == "the related id given seems to be invalid"
    assert crm.get(f"{path}/{attachment}").status == 400
    clock.advance(UNUSED)
    crm.service.sweep_files()
    assert files_in(crm) == 1


def test_what_is_removed_for_good_takes_its_files_along(crm, lead, clock):
    (kept,) = crm.insert("Leads", {"Last_Name": "Birch"})
    parent = {"module": {"api_name": "Leads"}, "id": lead}
    (note,) = crm.insert("Notes", {"Note_Content": "Hm", "Parent_Id": parent})
    upload(crm, f"Leads/{lead}/Attachments", b"bytes")
    upload(crm, f"Notes/{note}/Attachments", b"bytes")
    upload(crm, f"Leads/{kept}/Attachments", b"never attached")
    assert crm.delete(f"Leads/{lead}").status == 200
    assert crm.delete(f"settings/recycle_bin/{lead}").status == 200
    assert [each["Parent_Id"]["id"] for each in crm.get("Attachments", fields="Parent_Id").data] == [kept]
    clock.advance(LINGER)
    crm.service.sweep_files()
    assert files_in(crm) == 1


def test_attachments_move_with_what_becomes_of_their_record(crm, lead):
    (contact,) = crm.insert("Contacts", {"Last_Name": "Ash"})
    attachment = upload(crm, f"Leads/{lead}/Attachments")["id"]
    opened = Opened(crm.service.organisations.open(crm.organisation))
    contacts = opened.module("Contacts")
    opened.write(
        lambda tx: move(tx.transaction, opened.organisation.catalog, [int(lead)], contacts, int(contact))
    )
    assert attached(crm, lead) == 204
    assert attached(crm, contact, "Contacts")[0]["Parent_Id"]["id"] == contact
    assert crm.get(f"Contacts/{contact}/Attachments/{attachment}").body == b"bytes"


def files_in(crm):
    """How many contents of these tests the organisation has."""
    digests = [hashlib.sha256(data).hexdigest() for data in (b"bytes", b"never attached")]
    opened = Opened(crm.service.organisations.open(crm.organisation))
    return opened.write(lambda tx: sum(tx.files.content_of(digest) is not None for digest in digests))


def test_a_stranger_gets_nothing(crm, stranger, lead):
    path = f"Leads/{lead}/Attachments"
    attachment = upload(crm, path)["id"]
    (own,) = stranger.insert("Leads", {"Last_Name": "Own"})
    for record in (lead, own):
        assert stranger.get(f"Leads/{record}/Attachments/{attachment}").status in {204, 400}
        assert stranger.get(f"Leads/{record}/Attachments", fields="id").status in {204, 400}
        assert stranger.delete(f"Leads/{record}/Attachments/{attachment}").status == 400
    assert crm.get(f"{path}/{attachment}").body == b"bytes"


def test_scopes(crm, caller_of, lead):
    reader = caller_of("acme", "ZohoCRM.modules.leads.READ,ZohoCRM.modules.attachments.READ")
    assert reader.get(f"Leads/{lead}/Attachments", fields="id").status == 204
    assert send(reader, f"Leads/{lead}/Attachments", part(b"x")).status == 401
    for scopes in ("ZohoCRM.modules.leads.ALL", "ZohoCRM.modules.attachments.ALL"):
        assert caller_of("acme", scopes).get(f"Leads/{lead}/Attachments", fields="id").status == 401


def test_a_long_file_is_written_in_several_transactions(crm, lead, monkeypatch):
    monkeypatch.setattr(keeping, "PART_SIZE", 3)
    monkeypatch.setattr(keeping, "AT_ONCE", 2)
    data = bytes(range(200))
    attachment = upload(crm, f"Leads/{lead}/Attachments", data)["id"]
    assert crm.get(f"Leads/{lead}/Attachments/{attachment}").body == data


def test_what_was_broken_off_or_deleted_is_swept(crm, lead, clock, monkeypatch):
    monkeypatch.setattr(keeping, "PART_SIZE", 1)
    monkeypatch.setattr(keeping, "AT_ONCE", 8)
    path = f"Leads/{lead}/Attachments"
    attachment = upload(crm, path)["id"]

    def fail(*_):
        raise ArithmeticError

    with monkeypatch.context() as patch:
        patch.setattr("moorage.crm.api.files.attachments.attach", fail)
        assert send(crm, path, part(b"never attached")).status == 500
    assert crm.delete(f"{path}/{attachment}").status == 200
    assert not is_swept(crm)
    for seconds, swept in ((LINGER, False), (UNUSED - LINGER, True)):
        clock.advance(seconds)
        crm.service.sweep_files()
        assert is_swept(crm) is swept
    assert files_in(crm) == 0


def is_swept(crm):
    """Whether nothing waits to be swept some day."""
    files = crm.service.organisations.open(crm.organisation).store.files
    return not wait(files.has_due(2**40))
