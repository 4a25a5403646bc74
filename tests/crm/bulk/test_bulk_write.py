"""Bulk writes: what they are asked for, their states, what becomes of rows, and files that nobody should send."""

import io
import zipfile

import pytest

from moorage.crm.jobs import bulk_write, csv_files
from tests.crm.bulk.conftest import rows_of
from tests.crm.folder import ORIGIN
from tests.crm.uploads import MULTIPART, body, part

PATH = "/crm/bulk/v8/write"


def zipped(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in files.items():
            opened.writestr(name, data if isinstance(data, bytes) else data.encode())
    return out.getvalue()


def uploaded(crm, data, **headers):
    organisation = crm.get("org").json["org"][0]["zgid"]
    headers = {"feature": "bulk-write", "X-CRM-ORG": organisation} | MULTIPART | headers
    return crm.call("POST", "upload", None, body(part(data, filename=b"a.zip")), headers)


def file_id(crm, **files):
    answer = uploaded(crm, zipped(**files))
    assert answer.status == 200, answer.body
    return answer.json["details"]["file_id"]


def asked(crm, *resources, operation="insert", **more):
    whole = [{"type": "data", "module": {"api_name": "Leads"}} | resource for resource in resources]
    return crm.post(PATH, {"operation": operation, "resource": whole} | more)


@pytest.fixture
def write(work):
    """What is shown of a bulk write when it has ended."""

    def run(crm, *resources, **more):
        answer = asked(crm, *resources, **more)
        assert answer.status == 201, answer.body
        job = answer.json["details"]["id"]
        work(crm, job)
        return crm.get(f"{PATH}/{job}").json

    return run


@pytest.fixture
def outcomes(unzipped):
    """What became of each row: for each file of the result, its rows behind the headings."""

    def read(crm, shown):
        files = unzipped(crm.get(shown["result"]["download_url"].removeprefix(ORIGIN)))
        return {name: rows_of(data) for name, data in files.items()}

    return read


def leads(crm, *names):
    answer = crm.get("Leads", fields=",".join(names), sort_by="id", sort_order="asc")
    return [[record[name] for name in names] for record in answer.data] if answer.status == 200 else []


def test_an_insert_goes_through_its_states_and_says_what_became_of_each_row(crm, work, outcomes):
    csv = 'Last_Name,Company,Email,No_of_Employees\nÑ,"A, ""b""\nc",n@x.example,5\n,No name,,\nTwo,,wrong,\n'
    file = file_id(crm, **{"leads.csv": csv})
    answer = asked(crm, {"file_id": file, "file_names": ["leads.csv"]})
    assert answer.status == 201
    job, user = answer.json["details"]["id"], answer.json["details"]["created_by"]
    done = {"status": "success", "code": "SUCCESS", "message": "success"}
    assert answer.json == done | {"details": {"id": job, "created_by": user}}
    assert crm.get(f"{PATH}/{job}").json["status"] == "ADDED"
    assert crm.get(f"{PATH}/{job}/result").status == 404
    work(crm, job)
    shown = crm.get(f"{PATH}/{job}").json
    (resource,) = shown["resource"]
    assert shown == {
        "status": "COMPLETED",
        "character_encoding": "UTF-8",
        "resource": [resource],
        "id": job,
        "created_by": user,
        "operation": "insert",
        "created_time": "2026-02-06T01:10:56-08:00",
        "result": {"download_url": f"{ORIGIN}{PATH}/{job}/result"},
    }
    counts = {"added_count": 1, "skipped_count": 2, "updated_count": 0, "total_count": 3}
    assert resource["file"] == {"status": "COMPLETED", "name": "leads.csv"} | counts
    assert (resource["status"], resource["code"], resource["module"]["api_name"]) == (
        "COMPLETED",
        "SUCCESS",
        "Leads",
    )
    record = crm.only("Leads", fields="Last_Name,Company,Email,No_of_Employees")
    values = {"Last_Name": "Ñ", "Company": 'A, "b"\nc', "Email": "n@x.example", "No_of_Employees": 5}
    assert record == {"id": record["id"]} | values
    assert outcomes(crm, shown) == {
        "leads.csv": [
            ["Last_Name", "Company", "Email", "STATUS", "RECORD_ID", "ERRORS"],
            ["Ñ", 'A, "b"\nc', "n@x.example", "ADDED", record["id"], ""],
            ["", "No name", "", "SKIPPED", "", "MANDATORY_NOT_FOUND-Last_Name"],
            ["Two", "", "wrong", "SKIPPED", "", "INVALID_DATA-Email"],
        ]
    }


MAPPINGS = [
    {"api_name": "Last_Name", "index": 2},
    {"api_name": "Annual_Revenue", "index": 0},
    {"api_name": "Email_Opt_Out", "index": 1},
    {"api_name": "Lead_Source", "default_value": {"value": "Web Research"}},
    {"api_name": "Owner", "index": 3, "find_by": "email"},
    {"api_name": "Tag", "index": 4},
]


def test_columns_are_mapped_with_defaults_and_values_as_excel_writes_them(crm, write):
    user = crm.get("users", type="CurrentUser").json["users"][0]
    csv = f'sep=;\r\nr;o;n;w;t\r\n"1,234.50";TRUE;="007";{user["email"].upper()};a;;\r\n;;;;\r\n'
    file = file_id(crm, **{"x.CSV": csv.encode("utf-8-sig")})
    shown = write(crm, {"file_id": file, "field_mappings": MAPPINGS})
    assert shown["resource"][0]["file"]["added_count"] == 1, shown
    record = crm.only("Leads", fields="Last_Name,Annual_Revenue,Email_Opt_Out,Lead_Source,Owner,Tag")
    assert [record[name] for name in ("Last_Name", "Annual_Revenue", "Email_Opt_Out")] == [
        "007",
        1234.5,
        True,
    ]
    assert (record["Lead_Source"], record["Owner"]["id"]) == ("Web Research", user["id"])
    assert [tag["name"] for tag in record["Tag"]] == ["a"]


DATES = {
    None: ("03/01/2026", "03/01/2026 10:00:00"),
    "dd-MM-yyyy": ("01-03-2026", None),
    "yyyy.MM.dd": ("2026.03.01", None),
}


@pytest.mark.parametrize("written", DATES)
def test_days_and_times_are_read_by_their_format(crm, write, written):
    day, moment = DATES[written]
    csv = f"Deal_Name,Stage,Closing_Date\nx,Qualification,{day}\n"
    mappings = [
        {"api_name": "Deal_Name", "index": 0},
        {"api_name": "Stage", "index": 1},
        {"api_name": "Closing_Date", "index": 2, "format": written},
    ]
    file = file_id(crm, **{"d.csv": csv})
    write(crm, {"module": {"api_name": "Deals"}, "file_id": file, "field_mappings": mappings})
    assert crm.only("Deals", fields="Closing_Date")["Closing_Date"] == "2026-03-01"
    if moment is not None:
        csv = f"Event_Title,Start_DateTime,End_DateTime\nx,{moment},2026-03-01T11:00:00-08:00\n"
        write(crm, {"module": {"api_name": "Events"}, "file_id": file_id(crm, **{"e.csv": csv})})
        assert crm.only("Events", fields="Start_DateTime")["Start_DateTime"] == "2026-03-01T10:00:00-08:00"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1252", "shift_jis"])
def test_encodings_and_byte_order_marks_are_understood(crm, write, encoding):
    name = "日本" if encoding == "shift_jis" else "Ñé"
    file = file_id(crm, **{"a.csv": f"Last_Name\n{name}\n".encode(encoding)})
    said = encoding if encoding in {"windows-1252", "shift_jis"} else "UTF-8"
    write(crm, {"file_id": file}, character_encoding=said)
    assert leads(crm, "Last_Name") == [[name]]


class TestFinding:
    @pytest.fixture
    def known(self, crm):
        return crm.insert(
            "Leads",
            {"Last_Name": "Old", "Email": "a@x.example", "Company": "Kept"},
            {"Last_Name": "Other", "Email": "b@x.example"},
        )

    def resource(self, crm, csv, **more):
        return {"file_id": file_id(crm, **{"a.csv": csv}), "find_by": "Email"} | more

    def test_an_upsert_updates_what_it_finds_and_adds_the_rest(self, crm, write, outcomes, known):
        csv = "Email,Last_Name\nA@x.example,New\nc@x.example,Third\nc@x.example,Again\n"
        shown = write(crm, self.resource(crm, csv), operation="upsert")
        file = shown["resource"][0]["file"]
        assert [file[f"{name}_count"] for name in ("added", "updated", "skipped")] == [1, 2, 0]
        assert leads(crm, "Last_Name", "Company") == [["New", "Kept"], ["Other", None], ["Again", None]]
        (rows,) = outcomes(crm, shown).values()
        assert [row[2] for row in rows] == ["STATUS", "UPDATED", "ADDED", "UPDATED"]
        assert rows[1][3] == known[0]

    def test_an_update_skips_what_it_does_not_find(self, crm, write, outcomes, known):
        shown = write(
            crm, self.resource(crm, "Email,City\na@x.example,Rome\nc@x.example,Oslo\n"), operation="update"
        )
        assert leads(crm, "Last_Name", "City") == [["Old", "Rome"], ["Other", None]]
        (rows,) = outcomes(crm, shown).values()
        assert rows[2] == ["c@x.example", "Oslo", "SKIPPED", "", "RESOURCE_NOT_FOUND-Email"]

    def test_an_insert_skips_what_is_there(self, crm, write, outcomes, known):
        csv = "Email,Last_Name\na@x.example,x\nc@x.example,Third\nC@x.example,Again\n"
        shown = write(crm, self.resource(crm, csv))
        assert [name for (name,) in leads(crm, "Last_Name")] == ["Old", "Other", "Third"]
        (rows,) = outcomes(crm, shown).values()
        assert [row[2:] for row in rows[1:]] == [
            ["SKIPPED", "", "DUPLICATE_DATA-Email"],
            ["ADDED", rows[2][3], ""],
            ["SKIPPED", "", "DUPLICATE_DATA-Email"],
        ]

    def test_records_are_found_by_their_ids(self, crm, write, known):
        csv = f"id,City\n{known[1]},Rome\n5,Oslo\n"
        shown = write(crm, self.resource(crm, csv, find_by="id"), operation="update")
        assert shown["resource"][0]["file"]["skipped_count"] == 1
        assert leads(crm, "City") == [[None], ["Rome"]]

    @pytest.mark.parametrize(("ignores", "company"), [(True, "Kept"), (False, None)])
    def test_an_empty_cell_keeps_or_empties_a_value(self, crm, write, known, ignores, company):
        resource = self.resource(crm, "Email,Company\na@x.example,\n")
        write(crm, resource, operation="update", ignore_empty=ignores)
        assert leads(crm, "Company")[0] == [company]


def test_parents_are_written_with_their_children(crm, write):
    crm.insert("Accounts", {"Account_Name": "There", "Account_Number": "77"})
    accounts = "key,name\n1,One\n2,Two\n"
    contacts = "name,of\na,1\nb,2\nc,9\n"
    file = file_id(crm, **{"a.csv": accounts, "c.csv": contacts})
    shown = write(
        crm,
        {
            "module": {"api_name": "Accounts"},
            "file_id": file,
            "file_names": ["a.csv"],
            "field_mappings": [{"api_name": "Account_Name", "index": 1}],
        },
        {
            "module": {"api_name": "Contacts"},
            "file_id": file,
            "file_names": ["c.csv"],
            "field_mappings": [
                {"api_name": "Last_Name", "index": 0},
                {"api_name": "Account_Name", "index": 1, "parent_column_index": 0},
            ],
        },
    )
    assert [each["file"]["added_count"] for each in shown["resource"]] == [2, 2]
    contacts = crm.get("Contacts", fields="Last_Name,Account_Name").data
    assert {c["Last_Name"]: c["Account_Name"]["name"] for c in contacts} == {"a": "One", "b": "Two"}
    csv = "Last_Name,number\nd,77\n"
    mappings = [
        {"api_name": "Last_Name", "index": 0},
        {"api_name": "Account_Name", "index": 1, "find_by": "Account_Number"},
    ]
    file = file_id(crm, **{"d.csv": csv})
    write(crm, {"module": {"api_name": "Contacts"}, "file_id": file, "field_mappings": mappings})
    assert crm.only("Contacts", fields="Account_Name")["Account_Name"]["name"] == "There"


def test_who_goes_on_writes_each_row_once(crm, service, monkeypatch):
    monkeypatch.setattr(bulk_write, "AT_ONCE", 2)
    names = [f"{number}" for number in range(7)]
    file = file_id(crm, **{"a.csv": "Last_Name\n" + "\n".join(names)})
    job = asked(crm, {"file_id": file}).json["details"]["id"]
    steps, real = [], bulk_write.BulkWrite._write

    async def broken(self, *arguments):
        step = await real(self, *arguments)
        steps.append(step)
        if len(steps) % 2:
            raise ConnectionError("no reply")
        return step

    monkeypatch.setattr(bulk_write.BulkWrite, "_write", broken)
    jobs = service.wrapped.bulk_jobs
    for failures in range(20):
        try:
            service._run(jobs.run(crm.organisation, int(job), failures))
            break
        except ConnectionError:
            continue
    assert [name for (name,) in leads(crm, "Last_Name")] == names
    assert crm.get(f"{PATH}/{job}").json["resource"][0]["file"]["added_count"] == 7


REFUSED = {
    "MISSING_REQUIRED_KEY": {"find_by": None, "operation": "upsert"},
    "MODULE_NOT_AVAILABLE": {"module": {"api_name": "asdf"}},
    "INVALID_FILE_ID": {"file_id": "5"},
    "INVALID_FIELD": {"field_mappings": [{"api_name": "ast_Name", "index": 0}]},
    "COLUMN_INDEX_NOT_FOUND": {"field_mappings": [{"api_name": "Last_Name", "index": 7}]},
    "MANDATORY_FIELDS_NOT_MAPPED": {"field_mappings": [{"api_name": "Company", "index": 0}]},
    "INVALID_FORMAT": {"field_mappings": [{"api_name": "Created_Time", "index": 0, "format": "Q"},
                                          {"api_name": "Last_Name", "index": 0}]},
    "DUPLICATE_DATA": {"field_mappings": [{"api_name": "Last_Name", "index": 0}] * 2},
    "FILE_NOT_SUPPORTED": {"file_names": ["other.csv"]},
    "INVALID_DATA": {"file_names": "a.csv"},
}  # fmt: skip


def test_what_can_not_be_written_is_refused_at_once(crm):
    file = file_id(crm, **{"a.csv": "Last_Name\nx\n"})
    for code, refused in REFUSED.items():
        spec = {"file_id": file} | refused
        answer = asked(crm, spec, operation=spec.pop("operation", "insert"))
        assert (answer.status, answer.json["code"]) == (400, code), answer.body
    for operation in ([], {}, 5):
        answer = asked(crm, {"file_id": file}, operation=operation)
        assert (answer.status, answer.json["details"]["api_name"]) == (400, "operation")


def test_an_encoding_of_half_characters_is_refused(crm):
    file = file_id(crm, **{"a.csv": r"Last_Name\n\ud800"})
    for encoding in ("unicode_escape", "raw_unicode_escape", "UTF7", "rot13"):
        answer = asked(crm, {"file_id": file}, character_encoding=encoding)
        assert (answer.status, answer.json["details"]) == (400, {"api_name": "character_encoding"})


def test_a_body_without_an_operation_or_a_resource_is_refused(crm):
    for sent, name in (({}, "operation"), ({"operation": "insert"}, "resource")):
        answer = crm.post(PATH, sent)
        message = f"required key {name} is not found in request body."
        assert (answer.status, answer.json["code"], answer.json["message"]) == (
            400,
            "MISSING_REQUIRED_KEY",
            message,
        )


def test_an_upload_needs_its_headers_and_a_zip(crm):
    csv = zipped(**{"a.csv": "Last_Name\nx"})
    for headers, code in (
        ({"feature": ""}, "MANDATORY_NOT_FOUND"),
        ({"X-CRM-ORG": ""}, "MANDATORY_NOT_FOUND"),
        ({"feature": "other"}, "NOT_SUPPORTED_FEATURE"),
        ({"X-CRM-ORG": "5"}, "INVALID_DATA"),
    ):
        answer = uploaded(crm, csv, **headers)
        assert (answer.status, answer.json["code"]) == (400, code)
    assert uploaded(crm, b"Last_Name\nx").json["code"] == "INVALID_FILE_FORMAT"


def bomb():
    return zipped(**{"a.csv": b"Last_Name\n" + b"x" * 3_000_000})


def lying():
    """Its sizes say less than is in it."""
    data = bytearray(zipped(**{"a.csv": "Last_Name\n" + "x\n" * 1000}))
    place = data.rindex(b"PK\x01\x02")
    data[place + 24 : place + 28] = (9).to_bytes(4, "little")
    return bytes(data)


def altered(place, value, text="Last_Name\n" + "x\n" * 1000):
    """A zip in whose both heads of a file something else stands, at a place of the central one."""
    data = bytearray(zipped(**{"a.csv": text}))
    central, local = data.rindex(b"PK\x01\x02"), data.index(b"PK\x03\x04")
    data[central + place] = data[local + place - 2] = value
    return bytes(data)


def torn():
    """The bytes of its file are not those that were packed."""
    data = bytearray(zipped(**{"a.csv": "Last_Name\n" + "x\n" * 1000}))
    start = data.index(b"a.csv") + 5
    data[start + 4 : start + 8] = b"\xff\xff\xff\xff"
    return bytes(data)


HOSTILE = {
    "a file with a password": (lambda: altered(8, 1), "FILE_NOT_SUPPORTED"),
    "a way of packing that nobody knows": (lambda: altered(10, 99), "FILE_NOT_SUPPORTED"),
    "bytes that were changed": (torn, "FILE_NOT_SUPPORTED"),
    "a heading without an end": (
        lambda: zipped(**{"a.csv": '"Last_Name\n' + "x\n" * 600_000}),
        "FILE_NOT_SUPPORTED",
    ),
    "a heading with a NUL": (lambda: zipped(**{"a.csv": "Last\0_Name\nx\n"}), "INVALID_FIELD_NAME"),
    "no zip": (lambda: b"PK\x03\x04 and nothing else", "INVALID_FILE_FORMAT"),
    "a zip without files": (zipped, "FILE_NOT_SUPPORTED"),
    "a zip in a zip": (lambda: zipped(**{"a.zip": zipped(**{"a.csv": "x"})}), "FILE_NOT_SUPPORTED"),
    "sizes that are no truth": (lying, "FILE_NOT_SUPPORTED"),
    "no CSV": (lambda: zipped(**{"a.exe": b"MZ"}), "FILE_NOT_SUPPORTED"),
    "very many files": (lambda: zipped(**{f"{n}.csv": "x" for n in range(101)}), "FILE_NOT_SUPPORTED"),
    "ten thousand columns": (
        lambda: zipped(**{"a.csv": "Last_Name" + ",x" * 10_000}),
        "HEADER_LIMIT_EXCEEDED",
    ),
    "no line of headings": (lambda: zipped(**{"a.csv": ""}), "FILE_NOT_SUPPORTED"),
    "a line without an end": (lambda: zipped(**{"a.csv": "x" * 1_100_000}), "FILE_NOT_SUPPORTED"),
    "a wrong encoding": (lambda: zipped(**{"a.csv": b"Last_Name\xff\xfe,\n"}), "INVALID_FORMAT"),
}


def test_hostile_zips_are_refused_softly(crm):
    for name, (make, code) in HOSTILE.items():
        answer = asked(crm, {"file_id": uploaded(crm, make()).json["details"]["file_id"]})
        assert (answer.status, answer.json["code"]) == (400, code), name


LATE = {
    "a very long row": (bomb, "FILE_NOT_SUPPORTED"),
    "a wrong encoding further down": (
        lambda: zipped(**{"a.csv": b"Last_Name\n" + b"x\n" * 9_000 + b"\xff"}),
        "INVALID_FORMAT",
    ),
    "a checksum of other bytes": (
        lambda: altered(16, 0, "Last_Name\n" + "x\n" * 9_000),
        "FILE_NOT_SUPPORTED",
    ),
    "too many rows": (lambda: zipped(**{"a.csv": "Last_Name\n" + "x\n" * 9_040}), "LIMIT_EXCEEDED"),
}


def test_nothing_is_written_of_a_file_that_can_not_be_read_to_its_end(crm, work, monkeypatch):
    monkeypatch.setattr(bulk_write, "MOST_ROWS", 9_030)
    for name, (make, code) in LATE.items():
        answer = asked(crm, {"file_id": uploaded(crm, make()).json["details"]["file_id"]})
        job = answer.json["details"]["id"]
        work(crm, job)
        shown = crm.get(f"{PATH}/{job}").json
        (resource,) = shown["resource"]
        assert (shown["status"], resource["status"], resource["code"]) == ("FAILED", "FAILED", code), name
        assert leads(crm, "Last_Name") == []


def test_paths_in_names_lead_nowhere(crm, write, outcomes):
    file = file_id(crm, **{"../../etc/x.csv": "Last_Name\nx\n"})
    shown = write(crm, {"file_id": file, "file_names": ["../../etc/x.csv"]})
    assert list(outcomes(crm, shown)) == ["x.csv"]


def test_files_with_too_much_in_them_are_refused_by_their_heads(crm, monkeypatch):
    monkeypatch.setattr(csv_files, "MOST_UNZIPPED", 100)
    answer = asked(crm, {"file_id": file_id(crm, **{"a.csv": "Last_Name\n" + "x" * 200})})
    assert answer.json["code"] == "FILE_TOO_LARGE"


def test_a_stranger_uses_no_upload_and_sees_no_job(crm, make_organisation, caller_of, write):
    file = file_id(crm, **{"a.csv": "Last_Name\nx\n"})
    shown = write(crm, {"file_id": file})
    make_organisation("other", name="Other")
    other = caller_of("other", "ZohoCRM.bulk.ALL,ZohoCRM.modules.ALL")
    assert asked(other, {"file_id": file}).json["code"] == "INVALID_FILE_ID"
    for path in (f"{PATH}/{shown['id']}", f"{PATH}/{shown['id']}/result"):
        assert other.get(path).status == 404


def test_a_write_needs_the_scope_of_its_module(crm, caller_of):
    file = file_id(crm, **{"a.csv": "Last_Name\nx\n"})
    reader = caller_of("acme", "ZohoCRM.bulk.ALL,ZohoCRM.modules.READ")
    assert asked(reader, {"file_id": file}).json["code"] == "OAUTH_SCOPE_MISMATCH"


@pytest.mark.every_storage
def test_what_no_record_can_have_finds_none(crm, write):
    crm.insert("Accounts", {"Account_Name": "There", "Account_Number": "77", "Phone": "5"})
    for find_by in ("Account_Number", "Phone", "Annual_Revenue", "Owner"):
        mappings = [
            {"api_name": "Last_Name", "index": 0},
            {"api_name": "Account_Name", "index": 1, "find_by": find_by},
        ]
        csv = 'Last_Name,Account\na,"a\0b"\nb,letters\nc,99999999999999999999999\n'
        module = {"module": {"api_name": "Contacts"}, "field_mappings": mappings}
        shown = write(crm, {"file_id": file_id(crm, **{"a.csv": csv}), **module})
        file = shown["resource"][0]["file"]
        assert (shown["status"], file["total_count"], file["skipped_count"]) == ("COMPLETED", 3, 3), find_by
