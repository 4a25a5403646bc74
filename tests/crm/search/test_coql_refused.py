"""What POST /crm/v8/coql refuses, and how much a query can ask for [Z coql]."""

import pytest


@pytest.fixture
def ask(crm):
    def ask(query, path="coql", **body):
        return crm.post(path, {"select_query": query, **body})

    return ask


@pytest.fixture
def refused(ask):
    """Code, message and details of a query that has to be refused."""

    def refused(query, status=400, **body):
        answer = ask(query, **body)
        assert (answer.status, answer.json.get("status")) == (status, "error"), answer.body
        return answer.json["code"], answer.json["message"], answer.json["details"]

    return refused


def wrong(message, /, **details):
    return "INVALID_QUERY", message, details


UNKNOWN = "column given seems to be invalid"
UNFIT = "value given seems to be invalid for the column"
SHADOWED = (
    "column name or property name given in select columns without alias name cannot be an alias name for other select"
    " columns"
)
WHERE = "where id is not null"
REFUSED = [
    ("select Nope from Leads where id is not null", wrong(UNKNOWN, column_name="Nope")),
    ("select id from Nopes where id is not null", wrong(UNKNOWN, column_name="Nopes")),
    (
        f"select id from Leads where id in (select id from Leads {WHERE} order by x)",
        wrong(UNKNOWN, column_name="x"),
    ),
    ("select Owner.full_name from Leads where id is not null", wrong(UNKNOWN, column_name="Owner.full_name")),
    ("select Email.x from Leads where id is not null", wrong(UNKNOWN, column_name="Email.x")),
    (
        "select What_Id->Leads.x from Tasks where id is not null",
        wrong(UNKNOWN, column_name="What_Id->Leads.x"),
    ),
    (
        "select id from Home where id is not null",
        ("INVALID_MODULE", "the given module is not supported in api", {}),
    ),
    (
        "select Quoted_Items from Quotes where id is not null",
        wrong("unsupported column", column_name="Quoted_Items"),
    ),
    (
        "select id from Leads where Description = 'x'",
        wrong(
            "unsupported column in criteria",
            cv_criteria=False,
            column_name="Description",
            value="x",
            operator="=",
        ),
    ),
    (
        "select id from Leads where Last_Name > 'a'",
        wrong("Invalid query formed", reason="invalid operator found", column_name="Last_Name", operator=">"),
    ),
    (
        "select id from Leads where Email_Opt_Out in (true)",
        wrong(
            "Invalid query formed",
            reason="invalid operator found",
            column_name="Email_Opt_Out",
            operator="in",
        ),
    ),
    (
        "select id from Leads where No_of_Employees = 'many'",
        wrong(UNFIT, column_name="No_of_Employees", value="many", expected_data_type="Integer"),
    ),
    (
        "select id from Leads where Owner = 'Ana'",
        wrong(UNFIT, column_name="Owner", value="Ana", expected_data_type="Long"),
    ),
    ("select id from Leads where Last_Name like 'a%b%'", wrong(UNFIT, column_name="Last_Name", value="a%b%")),
    ("select id from Leads where Last_Name not like 'a%'", wrong(UNFIT, column_name="Last_Name", value="a%")),
    ("select id from Leads#1 where id is not null", wrong("custom view given seems to be invalid", cvid="1")),
    (f"select id from Leads {WHERE} limit s", wrong("limit given seems to be invalid", limit="s")),
    (f"select id from Leads {WHERE} limit 0", ("INVALID_DATA", "limit should be greater than 0", {})),
    (
        "select id from Leads where Owner = (select Owner from Contacts where id is not null)",
        wrong(
            "subquery return more than one values which is incompatible for the operator",
            sub_query_sequence=0,
            operator="=",
        ),
    ),
    (
        f"select id from Leads where id in (select id, Email from Leads {WHERE})",
        wrong("subquery should contains only one column", sub_query_sequence=0, column_name=["id", "Email"]),
    ),
    (f"select Email, id as 'Email' from Leads {WHERE}", wrong(SHADOWED, column_name="id", alias="Email")),
    (
        f"select Last_Name, COUNT(id) from Leads {WHERE}",
        wrong(
            "Invalid query formed",
            column_name="Last_Name",
            reason="a query with groups shows and orders by their columns and by aggregates only",
        ),
    ),
    (
        f"select SUM(Last_Name) from Leads {WHERE}",
        ("INVALID_DATA", "invalid data", {"reason": "unsupported aggregate function", "column": "Last_Name"}),
    ),
    (
        f"select id, id from Leads {WHERE}",
        ("DUPLICATE_DATA", "duplicate select column", {"column_name": "id"}),
    ),
    (
        f"select COUNT(id), COUNT(id) as n from Leads {WHERE}",
        ("DUPLICATE_DATA", "duplicate aggregate function", {"column_name": "id", "aggregate": "COUNT"}),
    ),
    (
        f"select id from Leads {WHERE} order by id,id",
        ("DUPLICATE_DATA", "duplicate order by column", {"column_name": "id"}),
    ),
    (
        f"select Email as 'x', Phone as 'x' from Leads {WHERE}",
        (
            "DUPLICATE_ALIAS",
            "same alias cannot refer more than one column",
            {"referred_columns": ["Email", "Phone"], "alias": "x"},
        ),
    ),
    (
        f"select Email as '' from Leads {WHERE}",
        ("INVALID_ALIAS", "alias name cannot be an empty string", {"column_name": "Email", "alias": ""}),
    ),
]


def test_what_is_wrong_with_a_query(crm, refused):
    crm.insert("Contacts", {"Last_Name": "a"}, {"Last_Name": "b"})
    for query, fault in REFUSED:
        assert refused(query) == fault, query


def repeated(part, count, between=","):
    return between.join(part.format(number) for number in range(count))


def nested(count):
    """So many conditions, joined in pairs."""
    text = "No_of_Employees = 0"
    for number in range(1, count):
        text = f"({text} or No_of_Employees = {number})"
    return text


LIMITS = [
    ("select", 50, "select {} from Leads where id is not null", lambda n: repeated("f{}", n)),
    ("where", 25, "select id from Leads where {}", nested),
    ("in", 100, "select id from Leads where No_of_Employees in ({})", lambda n: repeated("{}", n)),
    ("limit", 2_000, "select id from Leads where id is not null limit {}", str),
    ("offset", 100_000, "select id from Leads where id is not null limit 200 offset {}", lambda n: n - 200),
    ("order by", 10, "select id from Leads where id is not null order by {}", lambda n: repeated("f{}", n)),
    (
        "group by",
        4,
        "select COUNT(id) from Leads where id is not null group by {}",
        lambda n: repeated("f{}", n),
    ),
    ("aggregate", 5, "select {} from Leads where id is not null", lambda n: repeated("COUNT(f{})", n)),
]


def test_the_limits_of_a_query(refused, ask):
    for clause, limit, query, part in LIMITS:
        code, _, details = refused(query.format(part(limit + 1)))
        assert (code, details["clause"], details["limit"]) == ("LIMIT_EXCEEDED", clause, limit)
        at_limit = ask(query.format(part(limit)))
        # The columns f0, f1 and so on are looked up after they were counted.
        assert at_limit.status == 204 or at_limit.json["message"] == UNKNOWN, clause


def test_a_way_has_two_lookups_and_a_user(refused, ask):
    way = "Account_Name.Parent_Account.Parent_Account.Account_Name"
    assert refused(f"select {way} from Contacts {WHERE}")[0] == "LIMIT_EXCEEDED"
    assert ask(f"select Account_Name.Parent_Account.Owner.email from Contacts {WHERE}").status == 204


BODIES = [
    (b"{}", "MANDATORY_NOT_FOUND", {"api_name": "select_query"}),
    (b"[]", "INVALID_DATA", {"expected_data_type": "jsonobject"}),
    (b"{", "UNABLE_TO_PARSE_DATA_TYPE", {}),
    (
        b'{"select_query": 1}',
        "INVALID_DATA",
        {"expected_data_type": "string", "api_name": "select_query", "json_path": "$.select_query"},
    ),
    (
        b'{"select_query": "x", "include_meta": "fields"}',
        "INVALID_DATA",
        {"expected_data_type": "jsonarray", "api_name": "include_meta", "json_path": "$.include_meta"},
    ),
    (
        b'{"select_query": "x", "include_meta": ["all"]}',
        "INVALID_DATA",
        {"supported_values": ["fields"], "api_name": "include_meta", "json_path": "$.include_meta[0]"},
    ),
]


def test_a_body_without_a_query(crm):
    for body, code, details in BODIES:
        answer = crm.call("POST", "coql", body=body)
        assert (answer.status, answer.json["code"], answer.json["details"]) == (400, code, details)


def test_hostile_texts_are_refused(crm, ask):
    texts = [
        "x" * 200_000,
        "select\0id",
        "select id from Leads where " + "(" * 9_000,
        "\u202eselect",
        "'" * 9_001,
    ]
    texts += [f"select id from Leads where Last_Name = '{sign * 20_000}" for sign in ("🚢", "\\", "''", "\n")]
    for text in texts:
        assert (ask(text).status, ask(text).json["code"]) == (400, "SYNTAX_ERROR"), text[:40]
    for body in (
        b'{"select_query": "\\ud800"}',
        b'{"select_query": "\xff"}',
        b'{"select_query": ' + b"[" * 90_000,
    ):
        assert crm.call("POST", "coql", body=body).status == 400
    long_alias = f"select Last_Name as '{'x' * 101}' from Leads {WHERE}"
    quoted = f"select Last_Name as 'a\"b' from Leads {WHERE}"
    assert {ask(query).json["code"] for query in (long_alias, quoted)} == {"INVALID_ALIAS"}
