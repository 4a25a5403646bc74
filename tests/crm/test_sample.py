"""The sample records: what a client could POST, in an order in which it could."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from msgspec.structs import replace

from moorage.crm.organisations.sample.sample import SampleRecord, sample_records
from moorage.crm.records.values import EMAIL, PHONE, WEBSITE

NOW = datetime(2026, 2, 6, 9, 10, 56, tzinfo=UTC)
COUNTS = {
    "Accounts": 30, "Contacts": 48, "Leads": 60, "Products": 24, "Vendors": 12, "Campaigns": 16, "Deals": 40,
    "Tasks": 45, "Events": 30, "Calls": 36, "Cases": 20, "Solutions": 12, "Price_Books": 6, "Quotes": 12,
    "Sales_Orders": 10, "Purchase_Orders": 8, "Invoices": 10, "Notes": 24,
}  # fmt: skip
# Numbers set aside for fiction, or that no exchange assigns because a subscriber's number can't begin with 0.
FICTIONAL = re.compile(
    r"\+1-\d{3}-555-01|\+44 20 7946 0|\+44 131 496 0|\+353 20 91|\+49 30 23125|\+49 40 66969|\+33 1 99 00"
    r"|\+33 4 65 71|\+46 31 390 06|\+61 2 5550|\+\d{1,3}( \d{1,3})? 00"
    r"|\+82 2-000|\+81 3-0000"
)


def modules() -> dict[str, Any]:
    text = (files("moorage.crm.metadata.standard") / "standard_modules.json").read_text("utf-8")
    return {module["api_name"]: module for module in json.loads(text)["modules"]}


@pytest.fixture(scope="module")
def standard() -> dict[str, Any]:
    return modules()


@pytest.fixture(scope="module")
def sample() -> dict[str, list[SampleRecord]]:
    return {batch.module: batch.records for batch in sample_records(NOW, 5)}


def rows_of(standard, sample) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every record and every line item: its module, its key, its values."""
    for module, records in sample.items():
        # A subform's module has the name of the field.
        subforms = [
            field["api_name"] for field in standard[module]["fields"] if field["data_type"] == "subform"
        ]
        for record in records:
            yield module, record.key, record.values
            for name in subforms:
                for line in record.values.get(name, ()):
                    yield name, record.key, line


def filled(standard, sample) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every value with the key of its record and its field."""
    for module, key, values in rows_of(standard, sample):
        fields = {field["api_name"]: field for field in standard[module]["fields"]}
        for name, value in values.items():
            if name != "$se_module":
                assert name in fields, (key, name)
                yield key, fields[name], value


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from [value["$ref"]] if "$ref" in value else references(list(value.values()))
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_it_has_as_many_of_each_module_as_promised(sample):
    assert {module: len(records) for module, records in sample.items()} == COUNTS


def test_it_is_the_same_every_time():
    assert list(sample_records(NOW, 5)) == list(sample_records(NOW, 5))


def test_it_moves_with_the_clock():
    first, second = (list(sample_records(now, 5)) for now in (NOW, NOW + timedelta(days=7)))
    for first_record, other in zip(first, second, strict=True):
        for record, later in zip(first_record.records, other.records, strict=True):
            assert later.age_days == pytest.approx(record.age_days)
            for name in ("Closing_Date", "Due_Date", "Start_Date"):
                if name in record.values:
                    moved = date.fromisoformat(later.values[name]) - date.fromisoformat(record.values[name])
                    assert moved.days == 7


def test_more_users_change_nothing_but_the_owners():
    def without_owners(users):
        return [
            [replace(record, owner=0) for record in batch.records] for batch in sample_records(NOW, users)
        ]

    assert without_owners(1) == without_owners(7)


@pytest.mark.parametrize("users", [1, 2, 9])
def test_every_owner_is_a_user_and_every_user_owns_something(users):
    owners = {record.owner for batch in sample_records(NOW, users) for record in batch.records}

    assert owners == set(range(users))


def test_keys_are_unique(sample):
    keys = Counter(record.key for records in sample.values() for record in records)

    assert keys.most_common(1)[0][1] == 1


def test_what_a_record_refers_to_comes_before_it_and_is_older(sample):
    ages: dict[str, float] = {}
    for records in sample.values():
        for record in records:
            for key in references(record.values):
                assert ages[key] > record.age_days, (record.key, key)
            ages[record.key] = record.age_days
    assert min(ages.values()) > 0


def test_every_lookup_points_into_its_module(standard, sample):
    module_of = {record.key: module for module, records in sample.items() for record in records}
    for module, key, values in rows_of(standard, sample):
        for field in standard[module]["fields"]:
            value = values.get(field["api_name"])
            if not isinstance(value, dict) or "$ref" not in value:
                continue
            target = (field["lookup"] or {}).get("module")
            wanted = target.get("api_name") if isinstance(target, dict) else target
            if field["api_name"] in {"What_Id", "Parent_Id"}:
                wanted = values["$se_module"]
            assert module_of[value["$ref"]] == wanted, (key, field["api_name"])


def test_mandatory_fields_are_filled(standard, sample):
    for module, key, values in rows_of(standard, sample):
        for name in standard[module]["mandatory"]:
            assert values.get(name), (key, name)


def test_only_fields_a_client_may_set_are_used(standard, sample):
    for key, field, _ in filled(standard, sample):
        assert field["operation_type"]["api_create"], (key, field["api_name"])
        assert not field.get("requires_feature"), (key, field["api_name"])


def test_picklists_hold_values_of_their_lists(standard, sample):
    for key, field, value in filled(standard, sample):
        if field["data_type"] == "picklist":
            assert value in {each["actual_value"] for each in field["pick_list_values"]}, (
                key,
                field["api_name"],
            )


def test_texts_and_numbers_fit(standard, sample):
    for key, field, value in filled(standard, sample):
        if isinstance(value, str):
            assert 0 < len(value) <= field["length"], (key, field["api_name"])
        elif isinstance(value, int | float) and not isinstance(value, bool):
            assert 0 <= value < 10 ** field["length"], (key, field["api_name"])


def test_values_have_the_format_of_their_type(standard, sample):
    formats = {
        "email": EMAIL.fullmatch,
        "phone": PHONE.fullmatch,
        "website": WEBSITE.fullmatch,
        "date": date.fromisoformat,
        "datetime": lambda value: datetime.fromisoformat(value).tzinfo,
        "bigint": lambda value: value.isdigit(),
        "boolean": lambda value: isinstance(value, bool),
        "integer": lambda value: type(value) is int,
        "currency": lambda value: type(value) is float,
        "double": lambda value: type(value) is float,
    }
    for key, field, value in filled(standard, sample):
        if field["data_type"] in formats:
            assert formats[field["data_type"]](value), (key, field["api_name"], value)


def test_nothing_leads_to_a_real_person(standard, sample):
    for key, field, value in filled(standard, sample):
        if field["data_type"] == "email":
            assert value.endswith(".example"), (key, value)
        if field["data_type"] == "website":
            assert re.fullmatch(r"https://[a-z.]+\.example", value), (key, value)
        if field["data_type"] == "phone":
            assert FICTIONAL.match(value), (key, value)


def test_all_stages_of_a_deal_occur(standard, sample):
    stage = next(field for field in standard["Deals"]["fields"] if field["api_name"] == "Stage")

    assert {record.values["Stage"] for record in sample["Deals"]} == {
        v["actual_value"] for v in stage["pick_list_values"]
    }


def test_deals_close_after_they_were_made_and_won_ones_before_now(sample):
    for deal in sample["Deals"]:
        closing = date.fromisoformat(deal.values["Closing_Date"])
        assert closing > (NOW - timedelta(days=deal.age_days)).date(), deal.key
        if deal.values["Stage"].startswith("Closed"):
            assert closing < NOW.date(), deal.key


def test_a_call_is_written_down_after_it_began_unless_it_is_still_to_come(sample):
    scheduled = 0
    for call in sample["Calls"]:
        begun = datetime.fromisoformat(call.values["Call_Start_Time"])
        if call.values.get("Outgoing_Call_Status") == "Scheduled":
            scheduled += 1
            assert begun > NOW, call.key
        else:
            assert begun <= NOW - timedelta(days=call.age_days - 0.001), call.key
    assert scheduled == 6


@pytest.mark.parametrize("day", range(7))
def test_nothing_is_planned_for_a_weekend(day):
    now = NOW + timedelta(days=day)
    for batch in sample_records(now, 5):
        for record in batch.records:
            for name in ("Start_DateTime", "Call_Start_Time", "Closing_Date", "Due_Date"):
                if name in record.values:
                    assert datetime.fromisoformat(record.values[name]).weekday() < 5, (record.key, name)


def test_the_newest_lead_is_the_last(sample):
    ages = [lead.age_days for lead in sample["Leads"]]

    assert ages == sorted(ages, reverse=True)
    assert sample["Leads"][-1].values["Company"] == "The Last Lighthouse Company"


def test_a_new_organisation_takes_every_record(demo):
    for module, count in COUNTS.items():
        answer = demo.get(module, fields="id", per_page=200)
        assert answer.status == 200, answer.body
        assert len(answer.data) == count, module
