from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.crm.faults import Fault
from moorage.crm.query.compare import Context
from moorage.crm.query.periods import period
from moorage.crm.query.tree import AllOf, AnyOf, Compare, Empty, Equal, Fragment, Member, Named, Not
from moorage.crm.query.view_criteria import view_conditions


def term(field, value, comparator="equal"):
    return {"comparator": comparator, "field": {"api_name": field}, "type": "value", "value": value}


@pytest.fixture
def read(leads, context):
    return lambda body, module=leads: view_conditions(body, module, context)


@pytest.fixture
def refused(read):
    def refused(body):
        with pytest.raises(Fault) as caught:
            read(body)
        assert (caught.value.status, caught.value.code) == (400, "INVALID_QUERY")
        return caught.value

    return refused


def test_no_criteria_mean_everything(read):
    assert read(None) is None
    assert read({}) is None


def test_every_standard_view_is_understood(catalog, metadata, context):
    views = [(m, view) for m in catalog.modules.values() for view in metadata.all("custom_view", m.id)]
    assert len(views) > 50
    for module, view in views:
        view_conditions(view.body["criteria"], module, context)


def test_groups_are_joined_by_their_operator(read, leads):
    city, state = leads.fields["City"], leads.fields["State"]
    body = {"group_operator": "OR", "group": [term("City", "Paris"), term("State", "Texas", "not_equal")]}
    assert read(body) == AnyOf((Equal(city, "Paris"), Not(Equal(state, "Texas"))))
    assert read(body | {"group_operator": "AND"}) == AllOf((Equal(city, "Paris"), Not(Equal(state, "Texas"))))


@pytest.mark.parametrize(
    ("comparator", "place"), [("contains", "anywhere"), ("starts_with", "start"), ("ends_with", "end")]
)
def test_text_is_compared_letter_by_letter(read, leads, comparator, place):
    assert read(term("City", " Par ", comparator)) == Fragment(leads.fields["City"], "Par", place)


def test_negations_are_the_opposite(read, leads):
    city, employees = leads.fields["City"], leads.fields["No_of_Employees"]
    assert read(term("City", "Par", "not_contains")) == Not(Fragment(city, "Par", "anywhere"))
    assert read(term("City", ["a", "b"], "not_in")) == Not(AnyOf((Equal(city, "a"), Equal(city, "b"))))
    between = AllOf((Compare(employees, ">=", 1), Compare(employees, "<=", 5)))
    assert read(term("No_of_Employees", [1, 5.0], "not_between")) == Not(between)


def test_values_come_as_json_or_as_text(read, leads, context):
    owner, opted = leads.fields["Owner"], leads.fields["Email_Opt_Out"]
    assert read(term("Email_Opt_Out", value=True)) == read(term("Email_Opt_Out", "true")) == Equal(opted, 1)
    assert read(term("Annual_Revenue", 12.5)) == read(term("Annual_Revenue", "12.5"))
    assert read(term("Owner", {"id": "1234567000000000042", "name": "x"})) == Equal(
        owner, 1234567000000000042
    )
    assert read(term("Owner", {"name": "Ana Moreira"})) == Named(owner, "Ana Moreira")
    assert read(term("Owner", {"name": "${CURRENTUSER}"})) == Equal(owner, context.user)
    assert read(term("Owner", "${CURRENTUSER}")) == Equal(owner, context.user)
    assert read(term("City", value=None)) == read(term("City", "${EMPTY}")) == Empty(leads.fields["City"])
    assert read(term("City", "${NOTEMPTY}")) == Not(Empty(leads.fields["City"]))


def test_lists_are_looked_into(read, catalog):
    services = catalog.modules["Services__s"]
    days = services.fields["Available_Days"]
    assert read(term("Available_Days", "Monday", "contains"), services) == Member(days, "Monday")
    assert read(term("Available_Days", "Mon", "starts_with"), services) == Member(days, "Mon", start=True)


def stamp(text):
    return int(datetime.fromisoformat(text).timestamp())


def test_a_placeholder_means_days_of_the_organisation(read, leads, deals):
    # It is Friday 6 February 2026, 01:10 in Los Angeles.
    closing, created = deals.fields["Closing_Date"], leads.fields["Created_Time"]
    month = AllOf((Compare(closing, ">=", "2026-02-01"), Compare(closing, "<=", "2026-02-28")))
    assert read(term("Closing_Date", "${THISMONTH}"), deals) == month
    assert read(term("Closing_Date", "${TODAY}", "less_than"), deals) == Compare(closing, "<", "2026-02-06")
    first, last = stamp("2026-02-06T00:00:00-08:00"), stamp("2026-02-06T23:59:59-08:00")
    day = AllOf((Compare(created, ">=", first), Compare(created, "<=", last)))
    assert read(term("Created_Time", "${TODAY}")) == day
    assert read(term("Created_Time", "${THISYEAR}", "greater_than")) == Compare(
        created, ">", stamp("2026-12-31T23:59:59-08:00")
    )


def test_today_is_the_day_in_the_organisations_zone(deals, context):
    now = datetime(2026, 2, 6, 12, tzinfo=UTC)
    auckland = Context(ZoneInfo("Pacific/Auckland"), now, context.user, context.catalog)
    closing = deals.fields["Closing_Date"]
    assert view_conditions(term("Closing_Date", "${TODAY}"), deals, auckland) == Equal(closing, "2026-02-07")


def test_ages_and_terms_are_counted_in_days(read, deals):
    closing = deals.fields["Closing_Date"]
    assert read(term("Closing_Date", "${AGEINDAYS}+3"), deals) == Equal(closing, "2026-02-03")
    assert read(term("Closing_Date", "${AGEINDAYS}+3", "greater_than"), deals) == Compare(
        closing, "<", "2026-02-03"
    )
    assert read(term("Closing_Date", "${DUEINDAYS}+3", "less_equal"), deals) == Compare(
        closing, "<=", "2026-02-09"
    )


def days(*texts):
    return tuple(date.fromisoformat(text) for text in texts)


@pytest.mark.parametrize(
    ("placeholder", "expected"),
    [
        ("${TODAY}", days("2026-02-06", "2026-02-06")),
        ("${TOMORROW}", days("2026-02-07", "2026-02-07")),
        ("${YESTERDAY}", days("2026-02-05", "2026-02-05")),
        ("${TOMORROWPLUS}", days("2026-02-07", "9999-12-31")),
        ("${YESTERDAYMINUS}", days("0001-01-01", "2026-02-05")),
        ("${LASTWEEK}", days("2026-01-25", "2026-01-31")),
        ("${THISWEEK}", days("2026-02-01", "2026-02-07")),
        ("${NEXTWEEK}", days("2026-02-08", "2026-02-14")),
        ("${LASTMONTH}", days("2026-01-01", "2026-01-31")),
        ("${NEXTMONTH}", days("2026-03-01", "2026-03-31")),
        ("${LASTYEAR}", days("2025-01-01", "2025-12-31")),
        ("${THISFY}", days("2026-01-01", "2026-12-31")),
        ("${NEXTFY}", days("2027-01-01", "2027-12-31")),
        ("${PREVFQ}", days("2025-10-01", "2025-12-31")),
        ("${THISFQ}", days("2026-01-01", "2026-03-31")),
        ("${NEXTFQ}", days("2026-04-01", "2026-06-30")),
        ("${LAST_N_DAYS:5}", days("2026-02-01", "2026-02-05")),
        ("${NEXT_N_WEEKS:2}", days("2026-02-08", "2026-02-21")),
        ("${LAST_N_MONTHS:14}", days("2024-12-01", "2026-01-31")),
        ("${NEXT_N_YEARS:2}", days("2027-01-01", "2028-12-31")),
        ("${LAST_N_YEARS:9999}", None),
        ("${LAST_N_DAYS:0}", None),
        ("${LAST_N_DAYS}", None),
        ("${TODAY:3}", None),
        ("${SOMEDAY}", None),
        ("TODAY", None),
    ],
)
def test_periods(placeholder, expected):
    assert period(placeholder, date(2026, 2, 6), 1) == expected


@given(
    st.dates(date(2, 1, 1), date(9997, 12, 31)),
    st.sampled_from(["WEEK", "MONTH", "YEAR", "FQ", "FY"]),
    st.integers(1, 12),
)
def test_periods_follow_one_another_and_hold_today(today, unit, month):
    before = "PREV" if unit.startswith("F") else "LAST"
    last, this, following = (period(f"${{{name}{unit}}}", today, month) for name in (before, "THIS", "NEXT"))
    assert this[0] <= today <= this[1]
    assert last[1] + timedelta(1) == this[0]
    assert this[1] + timedelta(1) == following[0]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([1], "must be an object"),
        ({"group": []}, "group_operator must be AND or OR"),
        ({"group_operator": [], "group": [term("City", "x")]}, "group_operator must be AND or OR"),
        ({"group_operator": "AND", "group": []}, "group must be an array"),
        ({"group_operator": "AND", "group": ["City"]}, "must be an object"),
        ({"group_operator": "OR", "group": [term("City", "x")] * 26}, "at most 25 conditions"),
        (term("City", "x") | {"type": "field"}, 'only conditions of the type "value"'),
        (term("City", "x") | {"field": 5}, "api_name"),
        (term("City", "x") | {"comparator": ["equal"]}, "comparator must be a string"),
        (term("City", []), "1 to 500 values"),
    ],
)
def test_a_refusal_says_what_is_wrong(refused, body, reason):
    assert reason in refused(body).details["reason"]


def test_groups_have_a_depth(refused):
    body = term("City", "x")
    for _ in range(200):
        body = {"group_operator": "AND", "group": [body]}
    assert "at most 20 deep" in refused(body).details["reason"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (term("Nonsense", "x"), "Invalid query formed"),
        (term("City", "x", "greater_than"), "invalid operator found"),
        (term("City", "x", "equals"), "invalid operator found"),
        (term("Owner", "x", "contains"), "invalid operator found"),
        (term("No_of_Employees", [1], "between"), "invalid value for search"),
        (term("No_of_Employees", "${TODAY}"), "invalid value for search"),
        (term("Created_Time", "${SOMEDAY}"), "Invalid query formed"),
        (term("Created_Time", "${AGEINDAYS}+9999999"), "Invalid query formed"),
        (term("City", ""), "invalid value for search"),
        (term("City", "\ud800"), "invalid value for search"),
        (term("City", "a\0"), "invalid value for search"),
        (term("City", "x" * 3001), "invalid value for search"),
        (term("City", {"id": []}), "invalid value for search"),
        (term("City", "${EMPTY}", "contains"), "invalid value for search"),
        (term("Annual_Revenue", float("inf")), "invalid value for search"),
        (term("Annual_Revenue", 10**30), "invalid value for search"),
    ],
)
def test_faults_are_those_of_a_search(refused, body, message):
    assert refused(body).message == message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)
comparators = st.sampled_from(
    ["equal", "not_equal", "contains", "starts_with", "in", "not_in", "between", "not_between", "less_equal"]
)
placeholders = st.sampled_from(
    ["${TODAY}", "${EMPTY}", "${TOMORROWPLUS}", "${YESTERDAYMINUS}", "${LAST_N_DAYS:9999}", "${AGEINDAYS}+9"]
)


@settings(max_examples=300)
@given(data=st.data())
def test_whatever_is_asked_is_understood_or_refused(data, leads, context, fault_of):
    value = data.draw(json_values | placeholders | st.lists(placeholders, max_size=3))
    field = data.draw(st.sampled_from(sorted(leads.fields)) | json_values)
    body = data.draw(st.just(term(field, value, data.draw(comparators))) | json_values)
    fault = fault_of(view_conditions, body, leads, context)
    assert fault is None or (fault.status, fault.code) == (400, "INVALID_QUERY")
