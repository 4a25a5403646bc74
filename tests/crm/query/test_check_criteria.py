from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.crm.faults import Fault
from moorage.crm.query.check import check
from moorage.crm.query.compare import Context
from moorage.crm.query.search_criteria import Condition, parse
from moorage.crm.query.tree import (
    AllOf,
    AnyOf,
    Compare,
    Digits,
    Empty,
    Equal,
    Member,
    Named,
    Not,
    Phrase,
)


@pytest.fixture
def read(leads, context):
    return lambda text, module=leads, context=context: check(parse(text), module, context)


@pytest.fixture
def refused(read):
    def refused(text):
        with pytest.raises(Fault) as caught:
            read(text)
        fault = caught.value
        assert (fault.status, fault.code) == (400, "INVALID_QUERY")
        return fault.message, fault.details

    return refused


def test_text_is_looked_for_as_a_phrase(read, leads):
    company = leads.fields["Company"]
    assert read("(Company:equals: Acme Corp )") == Phrase(company, "Acme Corp")
    assert read("(Company:not_equal:Acme)") == Not(Phrase(company, "Acme"))
    assert read("(Company:starts_with:Ac)") == Phrase(company, "Ac", start=True)
    assert read("(Company:in:Acme,Zylker)") == AnyOf((Phrase(company, "Acme"), Phrase(company, "Zylker")))


def test_picklists_numbers_and_booleans_are_compared_whole(read, leads):
    assert read("(Lead_Source:equals:Trade Show)") == Equal(leads.fields["Lead_Source"], "Trade Show")
    assert read("(Lead_Source:equals:-None-)") == Empty(leads.fields["Lead_Source"])
    assert read("(Annual_Revenue:greater_than:1e3)") == Compare(leads.fields["Annual_Revenue"], ">", 1000.0)
    assert read("(No_of_Employees:equals:+12)") == Equal(leads.fields["No_of_Employees"], 12)
    assert read("(Email_Opt_Out:equals:TRUE)") == Equal(leads.fields["Email_Opt_Out"], 1)


def test_a_whole_address_is_compared_and_a_part_looked_for(read, leads):
    email = leads.fields["Email"]
    assert read("(Email:equals:Jo@Acme.com)") == Equal(email, "Jo@Acme.com")
    for part in ("@acme.com", "acme.com", "jo", "jo@acme"):
        assert read(f"(Email:equals:{part})") == Phrase(email, part)


def test_phone_numbers_are_compared_without_formatting(read, leads):
    phone = leads.fields["Phone"]
    assert read(r"(Phone:equals:+1 \(555\) 010-99.88)") == Digits(phone, "15550109988")
    assert read("(Phone:starts_with:555-0)") == Digits(phone, "5550", start=True)


def test_lookups_take_an_id_or_a_name(read, leads):
    owner = leads.fields["Owner"]
    assert read("(Owner:equals:1234567000000000042)") == Equal(owner, 1234567000000000042)
    assert read("(Owner.id:equals:1234567000000000042)") == Equal(owner, 1234567000000000042)
    assert read("(Owner:equals:Ana Moreira)") == Named(owner, "Ana Moreira")


def test_empty_placeholders_fit_every_type(read, leads):
    for name in ("Company", "Annual_Revenue", "Created_Time", "Owner", "Email_Opt_Out", "Lead_Source"):
        field = leads.fields[name]
        assert read(f"({name}:equals:${{EMPTY}})") == Empty(field)
        assert read(f"({name}:equals:${{NOTEMPTY}})") == Not(Empty(field))
        assert read(f"({name}:not_equal:${{EMPTY}})") == Not(Empty(field))


def stamp(text):
    return int(datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    "time", ["2024-03-10T12:00:00+05:30", "2024-03-10T12:00:00 05:30", "2024-03-10T06:30:00Z"]
)
def test_times_come_with_any_offset(read, leads, time):
    created = leads.fields["Created_Time"]
    assert read(f"(Created_Time:equals:{time})") == Equal(created, stamp("2024-03-10T06:30:00+00:00"))


def test_a_date_stands_for_a_day_of_the_organisation(read, leads):
    created = leads.fields["Created_Time"]
    # Clocks go forward that day in Los Angeles, so it has 23 hours.
    first, last = stamp("2024-03-10T00:00:00-08:00"), stamp("2024-03-10T23:59:59-07:00")
    assert last - first == 23 * 3600 - 1
    day = AllOf((Compare(created, ">=", first), Compare(created, "<=", last)))
    assert read("(Created_Time:equals:2024-03-10)") == day
    assert read("(Created_Time:not_equal:2024-03-10)") == Not(day)
    assert read("(Created_Time:greater_than:2024-03-10)") == Compare(created, ">", last)
    assert read("(Created_Time:greater_equal:2024-03-10)") == Compare(created, ">=", first)
    assert read("(Created_Time:less_than:2024-03-10)") == Compare(created, "<", first)
    assert read("(Created_Time:less_equal:2024-03-10)") == Compare(created, "<=", last)
    assert read("(Created_Time:between:2024-03-10,2024-03-10)") == day


def test_a_day_ends_with_the_hour_that_is_shown_twice(read, leads, context):
    # In Havana clocks go back from 01:00 to 00:00, so midnight comes twice.
    havana = Context(ZoneInfo("America/Havana"), context.now, context.user, context.catalog)
    created = leads.fields["Created_Time"]
    condition = read("(Created_Time:equals:2024-11-03)", leads, havana)
    first, last = stamp("2024-11-03T00:00:00-04:00"), stamp("2024-11-03T23:59:59-05:00")
    assert condition == AllOf((Compare(created, ">=", first), Compare(created, "<=", last)))


@pytest.mark.parametrize("name", ["Nonsense", "Record_Image", "Company.id"])
def test_an_unknown_or_unsearchable_field_is_named(refused, name):
    details = {"reason": "the field is not available for search", "api_name": name}
    assert refused(f"({name}:equals:1)") == ("Invalid query formed", details)


@pytest.mark.parametrize(
    ("field", "operator"),
    [
        ("Last_Name", "greater_than"),
        ("Description", "in"),
        ("Lead_Source", "starts_with"),
        ("Annual_Revenue", "starts_with"),
        ("Email_Opt_Out", "in"),
        ("Owner", "between"),
        ("Last_Name", "contains"),
        ("Last_Name", "Equals"),
    ],
)
def test_an_operator_has_to_fit_the_type(refused, field, operator):
    reason = "The operator is not valid for the field type"
    expected = {"operator": operator, "api_name": field, "reason": reason}
    assert refused(f"({field}:{operator}:x)") == ("invalid operator found", expected)


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ("No_of_Employees:equals:many", "Integer"),
        ("No_of_Employees:equals:5.5", "Integer"),
        ("No_of_Employees:equals:9223372036854775808", "Integer"),
        ("No_of_Employees:in:1,,2", "Integer"),
        ("No_of_Employees:between:1", "Integer"),
        ("No_of_Employees:between:1,2,3", "Integer"),
        ("No_of_Employees:equals:١٢", "Integer"),
        ("Annual_Revenue:equals:1e999", "Double"),
        ("Annual_Revenue:equals:nan", "Double"),
        ("Annual_Revenue:equals:1_000", "Double"),
        ("Annual_Revenue:equals:", "Double"),
        ("Created_Time:equals:0000-01-01", "datetime"),
        ("Created_Time:equals:99999-01-01", "datetime"),
        ("Created_Time:equals:2024-02-30", "datetime"),
        ("Created_Time:equals:2024-01-01T10:00:00", "datetime"),
        ("Created_Time:equals:2024-01-01T10:00:00+99:00", "datetime"),
        ("Email_Opt_Out:equals:yes", "Boolean"),
        ("id:equals:abc", "Long"),
    ],
)
def test_a_value_that_cannot_be_read_names_its_type(refused, criteria, expected):
    name, _, value = criteria.split(":", 2)
    details = {"expected_data_type": expected, "reason": "invalid value for search", "api_name": name}
    message_and_details = ("invalid value for search", details)
    if expected == "datetime":
        message_and_details = ("Invalid query formed", details | {"value": value})
    assert refused(f"({criteria})") == message_and_details


def test_another_value_that_cannot_be_read_is_shown(refused):
    assert refused("(Owner:equals:99999999999999999999)")[1]["value"] == "99999999999999999999"
    assert refused("(Phone:equals:+-)")[1]["value"] == "+-"
    assert refused("(Company:equals:  )")[1]["value"] == ""


def test_a_multi_select_picklist_is_looked_into(catalog, context):
    services = catalog.modules["Services__s"]
    days = services.fields["Available_Days"]
    assert check(parse("(Available_Days:equals:Monday)"), services, context) == Member(days, "Monday")
    start = check(parse("(Available_Days:starts_with:Mon)"), services, context)
    assert start == Member(days, "Mon", start=True)


operators = st.sampled_from(
    [
        "equals",
        "not_equal",
        "starts_with",
        "in",
        "between",
        "greater_than",
        "greater_equal",
        "less_than",
        "less_equal",
    ]
)
values = (
    st.text(max_size=12)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.datetimes(timezones=st.timezones()).map(datetime.isoformat)
    | st.dates().map(str)
    | st.sampled_from(["0001-01-01", "9999-12-31", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"])
)


@settings(max_examples=300)
@given(data=st.data())
def test_whatever_is_asked_is_understood_or_refused(data, catalog, context, fault_of):
    module = data.draw(st.sampled_from(sorted(catalog.modules.values(), key=lambda m: m.api_name)))
    field = data.draw(st.sampled_from(sorted(module.fields)) | st.text(max_size=5))
    drawn = data.draw(st.lists(values, min_size=1, max_size=3))
    zone = data.draw(st.sampled_from(["UTC", "Pacific/Kiritimati", "America/Los_Angeles", "Africa/Cairo"]))
    elsewhere = Context(ZoneInfo(zone), context.now, context.user, context.catalog)
    condition = Condition(field, data.draw(operators), tuple(drawn))
    fault = fault_of(check, condition, module, elsewhere)
    assert fault is None or (fault.status, fault.code) == (400, "INVALID_QUERY")
