"""Photos of records and of the organisation."""

import pytest

from tests.crm.uploads import part, send, upload

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels"
JPEG = b"\xff\xd8\xff\xe0" + b"pixels"


@pytest.fixture
def lead(crm):
    return crm.insert("Leads", {"Last_Name": "Ash"})[0]


@pytest.fixture(params=["record", "organisation"])
def path(request, lead):
    return f"Leads/{lead}/photo" if request.param == "record" else "org/photo"


@pytest.mark.every_storage
def test_a_photo_is_uploaded_replaced_and_deleted(crm, path):
    assert crm.get(path).status == 204
    done = {"code": "SUCCESS", "details": {}, "message": "photo uploaded successfully", "status": "success"}
    assert send(crm, path, part(PNG)).json == done
    assert crm.get(path).body == PNG
    assert send(crm, path, part(JPEG), restrict_triggers="workflow").json == done
    assert (crm.get(path).body, crm.get(path).headers["x-content-type-options"]) == (JPEG, "nosniff")
    assert crm.delete(path).json == {**done, "message": "Photo deleted"}
    assert crm.get(path).status == 204
    assert crm.delete(path).status == 200


def test_a_converted_lead_keeps_its_photo(crm, lead):
    upload(crm, f"Leads/{lead}/photo", PNG)
    assert crm.post(f"Leads/{lead}/actions/convert", {"data": [{}]}).status == 200
    for answer in (send(crm, f"Leads/{lead}/photo", part(JPEG)), crm.delete(f"Leads/{lead}/photo")):
        assert (answer.status, answer.json["code"]) == (400, "CONVERTED_RECORD")
    assert crm.call("GET", f"Leads/{lead}/photo").body == PNG


def test_a_record_names_its_photo(crm, lead, clock):
    clock.advance(60)
    upload(crm, f"Leads/{lead}/photo", PNG)
    shown = crm.only(f"Leads/{lead}")
    assert crm.call("GET", f"Leads/{lead}/photo").body == PNG
    assert len(shown["Record_Image"]) >= 80 and shown["Modified_Time"] > shown["Created_Time"]
    crm.delete(f"Leads/{lead}/photo")
    assert crm.only(f"Leads/{lead}")["Record_Image"] is None


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        ((), 400, "INVALID_DATA"),
        ((part(b""),), 400, "INVALID_DATA"),
        ((part(PNG), part(PNG)), 400, "INVALID_REQUEST"),
        ((part(b"<svg onload=alert(1)>", filename=b"a.png"),), 415, "INVALID_DATA"),
        ((part(PNG + b"x" * 10 * 1024 * 1024),), 413, "FILE_SIZE_EXCEEDS"),
    ],
    ids=["none", "no bytes", "two", "no image", "too long"],
)
def test_what_is_no_photo_is_refused(crm, path, parts, status, code):
    answer = send(crm, path, *parts)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert crm.get(path).status == 204


def test_only_records_that_have_photos_are_asked(crm, lead):
    (deal,) = crm.insert("Deals", {"Deal_Name": "Pier", "Stage": "Qualification"})
    assert send(crm, f"Deals/{deal}/photo", part(PNG)).json["code"] == "INVALID_MODULE"
    for record in ("7243485000000999999", "x"):
        assert send(crm, f"Leads/{record}/photo", part(PNG)).json["details"] == {"resource_path_index": 1}
        assert crm.get(f"Leads/{record}/photo").status == crm.delete(f"Leads/{record}/photo").status == 400


def test_only_administrators_change_the_photo_of_the_organisation(crm, caller_of):
    upload(crm, "org/photo", PNG)
    clerk = caller_of("acme", user=2)
    assert clerk.get("org/photo").body == PNG
    assert send(clerk, "org/photo", part(JPEG)).json["code"] == "NO_PERMISSION"
    assert clerk.delete("org/photo").status == 403
    assert crm.get("org/photo").body == PNG


def test_a_stranger_gets_no_photo(crm, stranger, lead):
    upload(crm, f"Leads/{lead}/photo", PNG)
    upload(crm, "org/photo", PNG)
    assert stranger.get(f"Leads/{lead}/photo").status == 400
    assert stranger.get("org/photo").status == 204


def test_the_organisation_names_its_photo(crm, stranger):
    def photo(caller=crm):
        return caller.get("org").json["org"][0]["photo_id"]

    assert photo() is None
    upload(crm, "org/photo", PNG)
    first = photo()
    upload(crm, "org/photo", JPEG)
    assert len(first) >= 80 and photo() not in (None, first) and photo(stranger) is None
    crm.delete("org/photo")
    assert photo() is None
