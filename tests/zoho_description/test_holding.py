"""The tool itself, with a small description of its own: whatever differs from it is noticed."""

import json
import tarfile

import pytest

from moorage.http.message import Request, Response
from tests.zoho_description import run
from tests.zoho_description.description import read
from tests.zoho_description.holding import Holder
from tests.zoho_description.known import Known, known

BOATS = {
    "paths": {
        "/crm/v8/boats/{id}": {
            "get": {
                "responses": {
                    "200": {"$ref": "#/components/responses/one"},
                    "400": {"description": "whatever"},
                }
            },
        },
        "/crm/v8/boats/count": {"get": {"responses": {"204": {"description": "none"}}}},
    },
    "components": {
        "responses": {
            "one": {
                "content": {
                    "application/json": {
                        "schema": {
                            "oneOf": [
                                {"$ref": "#/components/schemas/Boats"},
                                {"$ref": "https://a.example/crew.json#/components/schemas/Captain"},
                            ]
                        }
                    }
                }
            }
        },
        "schemas": {
            "Boats": {
                "type": "object",
                "required": ["boats"],
                "properties": {
                    "boats": {"type": "array", "items": {"$ref": "#/components/schemas/Boat"}},
                    "info": {"type": "object"},
                },
            },
            "Boat": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {
                    "id": {"type": "string"},
                    "name": {"type": "string"},
                    "sails": {"type": "integer"},
                    "ports": {"type": "array", "items": {"type": "string"}},
                    "rig": {"type": "string", "enum": ["sloop", "ketch"]},
                },
            },
        },
    },
}
CREW = {
    "components": {
        "schemas": {
            "Captain": {
                "type": "object",
                "required": ["captain"],
                "properties": {"captain": {"type": "boolean"}},
            }
        }
    }
}
BOAT = {"id": "1", "name": "Ines", "sails": 2}
ERROR = {
    "code": "INVALID_DATA",
    "details": {},
    "message": "the id given seems to be invalid",
    "status": "error",
}
JSON = [(b"content-type", b"application/json;charset=UTF-8")]


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "described"
    place.mkdir()
    (place / "boats.json").write_text(json.dumps(BOATS))
    (place / "crew.json").write_text(json.dumps(CREW))
    return place


@pytest.fixture
def found(folder, tmp_path):
    """Hold an answer; gives where it disagrees with the description, and how."""
    description = read(folder)
    holder = Holder(description, tmp_path / "notes")

    def found(body, status=200, path="/crm/v8/boats/1"):
        response = Response(status, json.dumps(body).encode(), JSON)
        operations = description.find("GET", path)
        return [(each.place, each.says) for each in holder.disagreements(operations, response)]

    return found


@pytest.mark.parametrize(
    "body",
    [
        {"boats": [BOAT]},
        {"boats": [], "info": {}},
        {"boats": [{**BOAT, "sails": None, "colour": "red"}]},
        {"boats": [BOAT, ERROR]},
        {"boats": [{**BOAT, "ports": ["Faro", "Vigo"]}]},
        {"captain": True},
    ],
    ids=["whole", "empty", "null", "with an error", "with texts", "another choice"],
)
def test_what_fits_the_description_agrees(found, body):
    assert found(body) == []


@pytest.mark.parametrize(
    ("body", "place", "says"),
    [
        ({"boats": [{**BOAT, "id": 1}]}, "/boats/*/id", '1 is not of type "string"'),
        ({"boats": [{**BOAT, "id": None}]}, "/boats/*/id", 'null is not of type "string"'),
        ({"boats": [{**BOAT, "sails": "2"}]}, "/boats/*/sails", '"2" is not of type "integer"'),
        ({"boats": [{**BOAT, "rig": "junk"}]}, "/boats/*/rig", '"junk" is not one of "sloop" or "ketch"'),
        ({"boats": [{"id": "1"}]}, "/boats/*", '"name" is a required property'),
        ({"boats": [{**BOAT, "ports": ["Faro", 1]}]}, "/boats/*/ports/*", '1 is not of type "string"'),
        ({"boats": BOAT}, "/boats", 'is not of type "array"'),
        ({"boats": [{"code": "X", "status": "error"}]}, "/boats/*", '"details" is a required property'),
        ({"captain": "yes"}, "/captain", '"yes" is not of type "boolean"'),
    ],
)
def test_what_differs_is_noticed(found, body, place, says):
    assert any(place == where and says in words for where, words in found(body))


def test_a_success_with_another_status_is_noticed(found):
    assert found({"boats": [BOAT]}, 201) == [("", "the status is none of [200, 400]")]


def test_an_error_has_its_four_keys(found):
    assert found(ERROR, 403) == []
    assert found({"code": "INVALID_DATA", "status": "error", "details": {}}, 400) == [
        ("", '"message" is a required property')
    ]


def test_the_most_exact_path_describes_a_call(folder):
    (operation,) = read(folder).find("GET", "/crm/v8/boats/count")
    assert operation.schemas == {204: None}
    assert not read(folder).find("POST", "/crm/v8/boats/count")


def test_an_archive_is_read_as_its_folder_is(folder, tmp_path):
    with tarfile.open(tmp_path / "described.tar.gz", "w:gz") as archive:
        archive.add(folder, "v8.0")
    assert read(tmp_path / "described.tar.gz").documents == read(folder).documents


class TestARun:
    @pytest.fixture
    def notes(self, folder, tmp_path):
        notes = tmp_path / "notes"
        holder = Holder(read(folder), notes)
        request = Request("GET", b"/dc/eu/crm/v8/boats/1")
        for body in ({"boats": [BOAT]}, {"boats": [{**BOAT, "id": 1}]}, {"boats": [{**BOAT, "id": 1}]}):
            holder.hold(request, Response(200, json.dumps(body).encode(), JSON))
        holder.hold(Request("GET", b"/crm/v2/boats/1"), Response(200, b'{"boats": 1}', JSON))
        return notes.read_text().splitlines()

    def test_tells_what_it_held_and_what_disagrees(self, notes):
        lines, disagrees = run.summary(notes, [])
        assert lines[:2] == ["Zoho's description: 3 answers of 1 families held against it", "  boats: 3"]
        (line,) = lines[3:]
        assert 'GET /crm/v8/boats/{id} 200 /boats/*/id: 1 is not of type "string"' in line
        assert "test_tells_what_it_held_and_what_disagrees" in line
        assert disagrees

    def test_knows_what_is_in_the_table(self, notes):
        row = Known("GET /crm/v8/boats/*", "/boats/*/id", ("is not of type",), "ids of boats are numbers")
        assert run.summary(notes, [row])[1] is False
        other = Known("GET /crm/v8/ships/*", "/boats/*/id", ("is not of type",), "of another operation")
        assert run.summary(notes, [other])[1] is True

    def test_says_that_it_holds_nothing(self):
        class Config: ...

        (line,), disagrees = run.end(Config())
        assert run.VARIABLE in line
        assert not disagrees

    def test_refuses_a_place_that_is_not_there(self, monkeypatch, tmp_path):
        monkeypatch.setenv(run.VARIABLE, str(tmp_path / "nowhere"))
        with pytest.raises(pytest.UsageError, match="nowhere"):
            run.begin(object())


def test_each_known_disagreement_has_a_reason():
    rows = known()
    assert rows
    assert all(len(row.reason) > 20 and row.says for row in rows)
