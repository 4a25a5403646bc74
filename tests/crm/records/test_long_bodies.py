"""Bodies that are long, or stand for very much: refused before anything is made of them, or read piece by piece."""

import time
import tracemalloc

import pytest

from moorage.crm.wire.members import AT_ONCE, MAX_CONTAINERS_OF_ONE, MAX_OBJECT, MAX_VALUE
from moorage.crm.wire.routing import MAX_BODY


def data(*parts):
    return b'{"data":[' + b",".join(parts) + b"]}"


def record(unit, size):
    """A record with a list of so many bytes."""
    return b'{"Last_Name":"x","Tag":[' + unit * (size // len(unit)) + b"1]}"


MUCH = MAX_BODY - 100
TOO_MUCH = {
    "objects": (data(b"{}," * (MUCH // 3) + b"{}"), 413, "BODY_SIZE_REACHED"),
    "lists": (data(b"[]," * (MUCH // 3) + b"[]"), 413, "BODY_SIZE_REACHED"),
    "numbers": (data(b"1," * (MUCH // 2) + b"1"), 400, "INVALID_DATA"),
    "texts": (data(b'"",' * (MUCH // 3) + b'""'), 400, "INVALID_DATA"),
    "one record of numbers": (data(record(b"1,", MUCH)), 413, "BODY_SIZE_REACHED"),
    "one record of texts": (data(record(b'"ab",', MAX_VALUE)), 413, "BODY_SIZE_REACHED"),
    "one record of lists": (data(record(b"[],", 3 * MAX_CONTAINERS_OF_ONE)), 413, "BODY_SIZE_REACHED"),
    "a trigger": (b'{"data":[{}],"trigger":[' + b'"a",' * (MUCH // 4) + b'"a"]}', 413, "BODY_SIZE_REACHED"),
    "depth": (
        data(b'{"Last_Name":' + b"[" * 90_000 + b"]" * 90_000 + b"}"),
        400,
        "UNABLE_TO_PARSE_DATA_TYPE",
    ),
    "an end that never comes": (data(record(b"1,", AT_ONCE))[:-1], 400, "UNABLE_TO_PARSE_DATA_TYPE"),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_too_much_is_refused_before_it_becomes_anything(kept_crm, name):
    body, status, code = TOO_MUCH[name]
    tracemalloc.start()
    before = time.process_time()
    answer = kept_crm.call("POST", "Leads", body=body)
    used, peak = time.process_time() - before, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (answer.status, answer.json["code"]) == (status, code)
    assert peak < 2 * len(body) + 4_000_000
    assert used < 1.5  # It is some 0.05 s; to decode them took from 1 to 3 s.
    assert kept_crm.get("Leads", fields="Last_Name").status == 204


@pytest.mark.parametrize("unit", [b"[]", b'"a"'], ids=["many lists", "many bytes"])
def test_a_body_of_other_things_than_records_is_refused_as_soon(kept_crm, unit):
    body = b'{"contact_roles":[' + b",".join([unit] * (MAX_OBJECT // 4)) + b"]}"
    before = time.process_time()
    answer = kept_crm.call("POST", "Contacts/roles", body=body)
    assert (answer.status, answer.json["code"]) == (413, "BODY_SIZE_REACHED")
    assert time.process_time() - before < 1.0


def test_what_nobody_asks_for_is_passed_over(crm):
    body = b'{"nothing":[' + b'"ab",' * (MUCH // 5 - 100) + b'1],"data":[{"Last_Name":"x"}]}'
    tracemalloc.start()
    answer = crm.call("POST", "Leads", body=body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status == 201 and peak < 4_000_000


def test_the_longest_records_that_people_have_are_written(crm):
    description = "wörter " * 4_000
    ids = crm.insert(
        "Leads", *({"Last_Name": f"x{number}", "Description": description} for number in range(100))
    )
    assert crm.only(f"Leads/{ids[99]}")["Description"].strip() == description.strip()


@pytest.mark.parametrize("count", [101, 10_000])
def test_the_101st_record_refuses_them_all(kept_crm, count):
    details = kept_crm.call("POST", "Leads", body=data(*[b'{"Last_Name":"x"}'] * count)).json["details"]
    assert details == {"maximum_length": 100, "api_name": "data", "json_path": "$.data"}


def test_a_record_that_is_updated_comes_alone(crm):
    (record_id,) = crm.insert("Leads", {"Last_Name": "x"})
    details = crm.put(f"Leads/{record_id}", {"data": [{"Last_Name": "y"}] * 2}).json["details"]
    assert details["maximum_length"] == 1
