"""Searches on a real database with the layout of the store, some compared with the same question asked in Python."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moorage.crm.faults import Fault
from moorage.crm.query.search_criteria import Condition, Group
from moorage.crm.query.tree import Equal, Linked
from moorage.crm.query.word_search import email_search, phone_search, word_search


def test_a_list_of_what_points_to_a_record_reads_an_index(database):
    items, tasks = database.module("Quoted_Items"), database.module("Tasks")
    lines = Linked(items, items.fields["Product_Name"], items.fields["Parent_Id"], 5)
    for module, pointing in (("Tasks", Equal(tasks.fields["What_Id"], 5)), ("Quotes", lines)):
        clause = database.compiled(module, pointing)
        assert clause.indexed
        assert "SCAN" not in database.plan(module, clause)


@pytest.fixture
def leads(database):
    """The ids of three leads by name."""
    times = [int(datetime(2026, 2, day, 12, tzinfo=UTC).timestamp()) for day in (1, 2, 3)]
    records = [
        {
            "Last_Name": "Müller", "Company": "Acme Corp Ltd", "Email": "Ina@acme.example.com",
            "Phone": "+1 (555) 010-99.88", "Lead_Source": "Trade Show", "Annual_Revenue": 10.5,
            "Owner": database.users[0].id, "Website": "https://www.acme.example.com/start",
            "Created_Time": times[0], "Email_Opt_Out": 1, "Tag": '[{"name":"Vip","id":"1"}]',
        },
        {
            "Last_Name": "O'Brien (Sample)", "Company": "The Acme", "Secondary_Email": "bo@zylker.example.com",
            "Mobile": "15550109988", "Lead_Source": "Chat", "Annual_Revenue": 20.0, "City": "100%_sure",
            "Owner": database.users[1].id, "Created_Time": times[1], "Email_Opt_Out": 0,
        },
        {"Last_Name": "***", "Created_Time": times[2]},
    ]  # fmt: skip
    return dict(zip(["ina", "bo", "star"], database.insert("Leads", *records), strict=True))


@pytest.fixture
def found_names(database, leads):
    """Search the leads; gives their names."""
    names = {lead: name for name, lead in leads.items()}
    return lambda criteria: [names[lead] for lead in database.search("Leads", criteria)]


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ("(Company:equals:acme)", ["ina", "bo"]),
        ("(Company:equals:ACME CORP)", ["ina"]),
        ("(Company:equals:corp acme)", []),
        ("(Company:equals:acm)", []),
        ("(Company:not_equal:corp)", ["bo", "star"]),
        ("(Company:starts_with:ac)", ["ina"]),
        ("(Company:starts_with:acme co)", ["ina"]),
        ("(Company:in:corp,the)", ["ina", "bo"]),
        ("(Last_Name:equals:muller)", ["ina"]),
        ("(Last_Name:equals:O'Brien)", ["bo"]),
        (r"(Last_Name:equals:O'Brien \(Sample\))", ["bo"]),
        ("(Last_Name:equals:***)", ["star"]),
        ("(Last_Name:starts_with:*)", ["star"]),
        ("(City:starts_with:%)", []),
        ('(Company:equals:" OR "acme)', []),
        ("(Company:equals:NEAR acme)", []),
        ("(Website:equals:acme.example.com)", ["ina"]),
        ("(Email:equals:INA@ACME.example.com)", ["ina"]),
        ("(Email:equals:acme.example)", ["ina"]),
        ("(Email:equals:@acme.example.com)", ["ina"]),
        ("(Email:not_equal:ina@acme.example.com)", ["bo", "star"]),
        ("(Email:starts_with:in)", ["ina"]),
        ("(Phone:equals:15550109988)", ["ina"]),
        ("(Phone:starts_with:1-555)", ["ina"]),
        ("(Phone:starts_with:555)", []),
        ("(Mobile:in:5,1.555.0109988)", ["bo"]),
        ("(Phone:not_equal:15550109988)", ["bo", "star"]),
        ("(Lead_Source:equals:trade show)", ["ina"]),
        ("(Lead_Source:equals:trade)", []),
        ("(Lead_Source:in:Chat,Trade Show)", ["ina", "bo"]),
        ("(Lead_Source:equals:-None-)", ["star"]),
        ("(Annual_Revenue:between:10.5,20)", ["ina", "bo"]),
        ("(Annual_Revenue:greater_than:10.5)", ["bo"]),
        ("(Annual_Revenue:not_equal:20)", ["ina", "star"]),
        ("(Email_Opt_Out:equals:false)", ["bo"]),
        ("(Email_Opt_Out:not_equal:true)", ["bo", "star"]),
        ("(Owner:equals:ana moreira)", ["ina"]),
        ("(Owner:equals:tomas@harbourpine.example)", ["bo"]),
        ("(Owner:not_equal:Ana Moreira)", ["bo", "star"]),
        ("(Owner:equals:${EMPTY})", ["star"]),
        ("(Created_Time:equals:2026-02-02)", ["bo"]),
        ("(Created_Time:between:2026-02-01,2026-02-02)", ["ina", "bo"]),
        ("(Created_Time:greater_than:2026-02-02)", ["star"]),
        ("(Created_Time:less_equal:2026-02-02)", ["ina", "bo"]),
        ("(Created_Time:equals:2026-02-02T13:00:00 01:00)", ["bo"]),
        ("(Tag:equals:vip)", ["ina"]),
        ("(Tag:starts_with:v)", ["ina"]),
        ("(Tag:not_equal:vip)", ["bo", "star"]),
        ("((Company:equals:acme)and((Owner:equals:Ana Moreira)or(Annual_Revenue:equals:5)))", ["ina"]),
        ("(Last_Name:equals:***)or(Company:equals:corp)and(Annual_Revenue:equals:10.5)", ["ina", "star"]),
    ],
)
def test_a_search_finds(found_names, criteria, expected):
    assert found_names(criteria) == expected


@pytest.mark.parametrize(
    ("comparator", "value", "expected"),
    [
        ("equal", "the acme", ["bo"]),
        ("equal", "acme", []),
        ("not_equal", "the acme", ["ina", "star"]),
        ("contains", "CME", ["ina", "bo"]),
        ("not_contains", "corp", ["bo", "star"]),
        ("starts_with", "acm", ["ina"]),
        ("ends_with", "acme", ["bo"]),
        ("contains", "%", []),
        ("in", ["the acme", "nobody"], ["bo"]),
    ],
)
def test_a_view_compares_the_whole_text(found_names, comparator, value, expected):
    body = {"comparator": comparator, "field": {"api_name": "Company"}, "value": value}
    assert found_names(body) == expected


def test_signs_with_a_meaning_in_patterns_mean_themselves(found_names):
    def containing(value):
        return found_names({"comparator": "contains", "field": {"api_name": "City"}, "value": value})

    assert containing("100%_s") == ["bo"]
    assert containing("1%s") == containing("_00") == []


def test_a_lookup_is_found_by_id_and_by_the_name_of_what_it_points_to(database):
    acme, burns = database.insert("Accounts", {"Account_Name": "Acme Corp"}, {"Account_Name": "Burns, B"})
    first, second, third = database.insert(
        "Contacts",
        {"Last_Name": "a", "Account_Name": acme},
        {"Last_Name": "b", "Account_Name": burns},
        {"Last_Name": "c"},
    )
    assert database.search("Contacts", f"(Account_Name:equals:{acme})") == [first]
    assert database.search("Contacts", "(Account_Name:equals:acme corp)") == [first]
    assert database.search("Contacts", "(Account_Name:equals:acme)") == []
    assert database.search("Contacts", rf"(Account_Name:in:{acme},Burns\, B)") == [first, second]
    assert database.search("Contacts", "(Account_Name:not_equal:acme corp)") == [second, third]
    assert database.search("Contacts", "(Account_Name:equals:!)") == []


def test_a_lookup_into_several_modules_is_found_by_name_in_each(database):
    (account,) = database.insert("Accounts", {"Account_Name": "Acme"})
    # Ids are unique in an organisation, so the deals get others than the account has.
    *_, deal = database.insert("Deals", {"Deal_Name": "Small"}, {"Deal_Name": "Big"})
    accounts, deals = database.module("Accounts").number, database.module("Deals").number
    tasks = database.insert(
        "Tasks",
        {"Subject": "a", "What_Id": account, "What_Id.module": accounts},
        {"Subject": "b", "What_Id": deal, "What_Id.module": deals},
    )
    assert database.search("Tasks", "(What_Id:equals:acme)") == tasks[:1]
    assert database.search("Tasks", "(What_Id:equals:big)") == tasks[1:]
    assert database.search("Tasks", f"(What_Id:equals:{deal})") == tasks[1:]


def test_a_multi_select_picklist_is_looked_into(database):
    days = [json.dumps(["Monday", "Friday"]), json.dumps(["Sunday"]), None]
    first, second, third = database.insert("Services__s", *({"Available_Days": day} for day in days))
    assert database.search("Services__s", "(Available_Days:equals:friday)") == [first]
    assert database.search("Services__s", "(Available_Days:starts_with:sun)") == [second]
    assert database.search("Services__s", "(Available_Days:in:Sunday,Monday)") == [first, second]
    assert database.search("Services__s", "(Available_Days:not_equal:Monday)") == [second, third]


def test_every_word_has_to_begin_a_word_in_some_field(database, leads):
    def word(text):
        return database.select(
            "Leads", database.compiled("Leads", word_search(database.module("Leads"), text))
        )

    assert word("acme") == [leads["ina"], leads["bo"]]
    assert word("mul ac") == [leads["ina"]]
    assert word("O'Br & the") == [leads["bo"]]
    assert word("Müller zylker") == word("cme") == word('acme" OR "the') == []
    assert word("AND or not") == []
    assert word("a* " * 800) == [leads["ina"], leads["bo"]]


@pytest.mark.parametrize("words", ["", "a", " a ", "a!", "&&&&"])
def test_a_word_has_two_letters(database, words):
    with pytest.raises(Fault) as caught:
        database.compiled("Leads", word_search(database.module("Leads"), words))
    assert caught.value.document() == {
        "code": "INVALID_DATA",
        "details": {"param_name": "word"},
        "message": "provide atleast 2 letters for search",
        "status": "error",
    }


def test_addresses_and_numbers_are_looked_for_in_all_their_fields(database, leads):
    module = database.module("Leads")

    def email(text):
        return database.select("Leads", database.compiled("Leads", email_search(module, text)))

    assert email("ina@acme.example.com") == [leads["ina"]]
    assert email("BO@zylker.example.com") == [leads["bo"]]
    assert email("example.com") == [leads["ina"], leads["bo"]]
    phone = database.compiled("Leads", phone_search(module, "1-555-010-9988"))
    assert database.select("Leads", phone) == [leads["ina"], leads["bo"]]


@pytest.mark.parametrize("text", ["", " ", "\0", "a\0", "\ud800", "x" * 4000])
@pytest.mark.parametrize("search", [email_search, phone_search, word_search])
def test_a_parameter_nobody_can_search_for_is_refused(database, search, text):
    with pytest.raises(Fault) as caught:
        search(database.module("Leads"), text)
    assert (caught.value.status, caught.value.code) == (400, "INVALID_DATA")


def test_a_module_without_such_fields_is_refused(database):
    for search in (email_search, phone_search):
        with pytest.raises(Fault) as caught:
            search(database.module("Deals"), "123")
        assert caught.value.code == "FIELD_TYPE_UNAVAILABLE"


@pytest.mark.parametrize(
    "criteria",
    [
        "(id:equals:1234567000000000001)",
        "(id:in:1234567000000000001,1234567000000000002)",
        "(Email:equals:ina@acme.example.com)",
        "(Phone:equals:15550109988)",
        "(Created_Time:equals:2026-02-02T13:00:00+01:00)",
        "(Converted_Account:equals:1234567000000000001)",
        "(Email:equals:ina@acme.example.com)and(Lead_Source:equals:Chat)",
        "(Email:equals:ina@acme.example.com)or(Secondary_Email:equals:ina@acme.example.com)",
        "(Email:in:ina@acme.example.com,bo@acme.example.com)",
        "(Phone:equals:5)or(Mobile:equals:6)or(Converted_Deal:equals:7)",
    ],
)
def test_what_calls_itself_indexed_scans_nothing(database, criteria):
    clause = database.clause("Leads", criteria)
    assert clause.indexed
    assert "SCAN" not in database.plan("Leads", clause)


@pytest.mark.parametrize(
    "criteria",
    ["(Email:equals:ina@acme.example.com)", "(Email:in:ina@acme.example.com,bo@acme.example.com)"],
)
def test_records_whose_ids_an_index_gives_come_in_their_order(database, criteria):
    clause = database.clause("Leads", criteria)
    assert clause.ids is not None
    assert "TEMP B-TREE" not in database.plan("Leads", clause)


def test_a_search_for_an_address_or_a_number_scans_nothing(database):
    for search in (email_search, phone_search):
        checked = search(database.module("Leads"), "15550109988@acme.example.com")
        compiled = database.compiled("Leads", checked)
        assert compiled.indexed
        assert "SCAN" not in database.plan("Leads", compiled)


@pytest.mark.parametrize(
    "criteria",
    [
        "(Lead_Source:equals:Chat)",
        "(Company:equals:acme)",
        "(Email:not_equal:ina@acme.example.com)",
        "(Email:equals:ina@acme.example.com)or(Lead_Source:equals:Chat)",
        "(Email:equals:ina@acme.example.com)and(Company:equals:acme)",
    ],
)
def test_what_takes_long_says_so(database, criteria):
    assert not database.clause("Leads", criteria).indexed


# The reference: records with a value of each simple type, and the same conditions asked in Python.

NUMBERS = st.integers(-3, 3)
REALS = st.sampled_from([-1.5, -0.25, 0.0, 0.1, 1.0, 2.5, 1e15])
DAYS = st.sampled_from(["2024-02-28", "2024-02-29", "2024-03-01", "0001-01-01", "9999-12-31"])
TIMES = st.sampled_from([-62135596800, -1, 0, 1709193600, 1709193601, 253402300799])
SIMPLE = {
    "No_of_Employees": NUMBERS,
    "Annual_Revenue": REALS,
    "Converted_Date_Time": TIMES,
    "Email_Opt_Out": st.sampled_from([0, 1]),
    "Lead_Source": st.sampled_from(["Chat", "Trade Show", "Web Research"]),
    "Rating": st.sampled_from(["Active", "Acquired"]),
}
RECORDS = st.lists(
    st.fixed_dictionaries({name: st.none() | values for name, values in SIMPLE.items()}), max_size=12
)
COMPARISONS = {
    "equals": lambda a, b: a == b[0],
    "in": lambda a, b: a in b,
    "between": lambda a, b: b[0] <= a <= b[1],
    "greater_than": lambda a, b: a > b[0],
    "greater_equal": lambda a, b: a >= b[0],
    "less_than": lambda a, b: a < b[0],
    "less_equal": lambda a, b: a <= b[0],
}


@st.composite
def simple_conditions(draw):
    field = draw(st.sampled_from(sorted(SIMPLE)))
    operators = ["equals", "not_equal"]
    if field != "Email_Opt_Out":
        operators.append("in")
    if field in {"No_of_Employees", "Annual_Revenue", "Converted_Date_Time"}:
        operators += ["between", "greater_than", "greater_equal", "less_than", "less_equal"]
    operator = draw(st.sampled_from(operators))
    size = {"between": 2, "in": 3}.get(operator, 1)
    return Condition(field, operator, tuple(written(field, draw(SIMPLE[field])) for _ in range(size)))


def written(field, value):
    if field == "Email_Opt_Out":
        return "true" if value else "false"
    if field == "Converted_Date_Time":
        return datetime.fromtimestamp(value, UTC).isoformat()
    return str(value)


def understood(field, text):
    if field == "Email_Opt_Out":
        return int(text == "true")
    if field == "Converted_Date_Time":
        return int(datetime.fromisoformat(text).timestamp())
    return float(text) if field in {"No_of_Employees", "Annual_Revenue"} else text


def meets(record, tree):
    if isinstance(tree, Group):
        return (all if tree.keyword == "and" else any)(meets(record, part) for part in tree.parts)
    value = record[tree.field]
    values = [understood(tree.field, text) for text in tree.values]
    if tree.operator == "not_equal":
        return value != values[0]
    return value is not None and COMPARISONS[tree.operator](value, values)


simple_trees = st.recursive(
    simple_conditions(),
    lambda part: st.builds(
        Group, st.sampled_from(["and", "or"]), st.lists(part, min_size=2, max_size=3).map(tuple)
    ),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(records=RECORDS, tree=simple_trees)
def test_sql_and_python_agree(shared, records, tree):
    table = shared.module("Leads").table
    with shared.connection:
        shared.connection.execute(f"DELETE FROM {table}")
        ids = shared.insert("Leads", *records)
        expected = [record_id for record_id, record in zip(ids, records, strict=True) if meets(record, tree)]
        assert shared.search("Leads", tree) == expected


@settings(max_examples=100, deadline=None)
@given(
    days=st.lists(st.none() | DAYS, max_size=8),
    low=DAYS,
    high=DAYS,
    operator=st.sampled_from(list(COMPARISONS)),
)
def test_dates_are_ordered_as_in_python(shared, days, low, high, operator):
    values = (low, high) if operator in {"between", "in"} else (low,)
    with shared.connection:
        shared.connection.execute(f"DELETE FROM {shared.module('Deals').table}")
        ids = shared.insert("Deals", *({"Closing_Date": day} for day in days))
        expected = [
            record_id
            for record_id, day in zip(ids, days, strict=True)
            if day is not None and COMPARISONS[operator](day, values)
        ]
        assert shared.search("Deals", Condition("Closing_Date", operator, values)) == expected


@settings(max_examples=60, deadline=None)
@given(number=st.integers(0, 6), operator=st.sampled_from(list(COMPARISONS)), other=st.integers(0, 6))
def test_ids_are_ordered_as_numbers(shared, number, operator, other):
    base = shared.first_id
    values = (base + number, base + other)[: 2 if operator in {"between", "in"} else 1]
    with shared.connection:
        shared.connection.execute(f"DELETE FROM {shared.module('Vendors').table}")
        ids = shared.insert("Vendors", *({"Vendor_Name": "x"} for _ in range(5)))
        expected = [record_id for record_id in ids if COMPARISONS[operator](record_id, values)]
        assert shared.search("Vendors", Condition("id", operator, tuple(map(str, values)))) == expected


SIGNS = ['"', "*", "^", "AND", "NEAR(", "c12:", "{a}", "-", "+1", "%", "_", "\\", "٣", "😀"]
ANY_VALUE = (
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(SIGNS)
    | st.integers().map(str)
    | st.dates().map(str)
)
OPERATORS = st.sampled_from([*COMPARISONS, "not_equal", "starts_with"])


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_whatever_is_understood_can_be_run(shared, data):
    module = data.draw(st.sampled_from(sorted(shared.catalog.modules)))
    field = data.draw(st.sampled_from(sorted(shared.module(module).fields)))
    values = tuple(data.draw(st.lists(ANY_VALUE, min_size=1, max_size=3)))
    try:
        clause = shared.clause(module, Condition(field, data.draw(OPERATORS), values))
    except Fault:
        return
    shared.select(module, clause)


@settings(max_examples=200, deadline=None)
@given(text=ANY_VALUE, search=st.sampled_from([word_search, email_search, phone_search]))
def test_whatever_parameter_is_understood_can_be_run(shared, text, search):
    try:
        compiled = shared.compiled("Leads", search(shared.module("Leads"), text))
    except Fault:
        return
    shared.select("Leads", compiled)


def test_five_hundred_values_are_within_the_limits_of_the_database(shared):
    body = {"comparator": "in", "field": {"api_name": "City"}, "value": [str(n) for n in range(500)]}
    body = {"group_operator": "OR", "group": [body, body]}
    for _ in range(9):
        body = {"group_operator": "AND", "group": [body]}
    assert shared.search("Leads", body) == []


def test_as_many_words_as_conditions_may_have_are_within_the_limits_of_the_database(shared):
    condition = Condition("City", "in", tuple(f"w{n}" for n in range(20)))
    assert shared.search("Leads", Group("and", (condition,) * 15)) == []
