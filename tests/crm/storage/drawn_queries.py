"""Random queries in Zoho's query language, about the records of `test_engines_agree.py`."""

from hypothesis import strategies as st

COLUMNS = {
    "Leads": ["Last_Name", "Company", "Email", "Annual_Revenue", "No_of_Employees", "Lead_Source", "Owner", "Tag",
              "Created_Time", "Owner.last_name", "Owner.role.name", "Created_By.id", "Email_Opt_Out"],
    "Contacts": ["Last_Name", "Account_Name", "Account_Name.Industry", "Account_Name.Parent_Account.Account_Name",
                 "Account_Name.id", "Account_Name.Owner.last_name", "Reporting_To.Last_Name", "Modified_Time"],
    "Deals": ["Deal_Name", "Amount", "Closing_Date", "Stage", "Probability", "Account_Name.Annual_Revenue",
              "Contact_Name.Account_Name.Account_Name", "Campaign_Source", "id"],
    "Tasks": ["Subject", "Due_Date", "What_Id", "What_Id.module.api_name", "What_Id->Accounts.Account_Name",
              "What_Id->Deals.Amount", "Who_Id.Last_Name", "Send_Notification_Email"],
}  # fmt: skip
NUMBERS = {
    "Leads": ["Annual_Revenue", "No_of_Employees"],
    "Contacts": ["Account_Name.Annual_Revenue", "Account_Name.Employees"],
    "Deals": ["Amount", "Probability", "Account_Name.Annual_Revenue"],
    "Tasks": ["What_Id->Deals.Amount"],
}
SUBQUERIES = (
    "select id from Accounts where Industry != 'Technology'",
    "select Account_Name from Deals where Amount > 1000",
    "select Last_Name from Leads where Company like '%a%'",
    "select Amount from Deals where Stage = 'Closed Won'",
)
TEXTS = (
    "a", "B", "á", "ß", "100%_x\\", "it's", "Technology", "Closed Won", "Sample-Co. LTD", "0", "Accounts", "Lindqvist",
    "Cold Call", "Harbour", "Hot",
)  # fmt: skip
PATTERNS = ("%a%", "a%", "%A", "%%", "%á%", "%'%", "%100%".replace("0%", "0\\%"), "S%", "%Won")
# By a part of a column's name, the values that fit it.
VALUES = {
    "_Date": ("2026-02-06", "0001-01-01", "${TODAY}", "${LAST_N_DAYS:60}"),
    "_Time": ("2026-02-06T01:10:56-08:00", "2026-01-10", "1970-01-01T00:00:00Z", "${THISYEAR}"),
    "_Opt_Out": ("true", "false"),
    "_Email": ("true", "false"),
    "Amount": ("0", "-0.1", "2.5", "15000", "1e15"),
    "Revenue": ("0", "-0.1", "2.5", "250000", "1e15"),
    "Probability": ("0", "1", "50", "-1"),
    "Employees": ("0", "1", "50", "-1"),
    "Owner": ("${CURRENTUSER}", "${EMPTY}", "42"),
    "id": ("${NOTEMPTY}", "42", "7243485000000597109"),
    "Account_Name": ("42", "7243485000000597109", "7243485000000597131", "${EMPTY}"),
    "What_Id": ("42", "7243485000000597231", "${NOTEMPTY}"),
    "Campaign_Source": ("42", "${EMPTY}"),
}
ORDERED = ("_Date", "_Time", "Amount", "Revenue", "Probability", "Employees")
POINTERS = ("Owner", "Account_Name", "What_Id", "Campaign_Source", "id")


def kind_of(column):
    """The part of a column's name that says which values fit it; None for text."""
    if column.endswith(("Account_Name.Account_Name", "->Accounts.Account_Name")):
        return None
    last = column.rpartition(".")[2]
    return next(
        (kind for kind in VALUES if last == kind or (last.endswith(kind) and kind not in POINTERS)), None
    )


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def compared(column):
    """A comparison of a column with values that fit it."""
    kind = kind_of(column)
    values = st.sampled_from(TEXTS if kind is None else VALUES[kind]).map(quoted)
    signs = ["=", "!="]
    choices = [
        st.sampled_from([f"{column} is null", f"{column} is not null"]),
        st.builds(
            "{} {} ({}, {})".format, st.just(column), st.sampled_from(["in", "not in"]), values, values
        ),
    ]
    if kind is None:
        patterns = st.sampled_from(PATTERNS).map(quoted)
        choices.append(st.builds("{} like {}".format, st.just(column), patterns))
        choices.append(st.builds("{} not like '%{}%'".format, st.just(column), st.sampled_from("aéß")))
    elif kind in ORDERED:
        signs += ["<", "<=", ">", ">="]
        between = st.sampled_from(["between", "not between"])
        choices.append(st.builds("{} {} {} and {}".format, st.just(column), between, values, values))
    if kind in {"_Opt_Out", "_Email"}:
        choices.pop()
    choices.append(st.builds("{} {} {}".format, st.just(column), st.sampled_from(signs), values))
    return st.one_of(choices)


def comparisons(module):
    columns = st.sampled_from(COLUMNS[module])
    among = st.builds("{} in ({})".format, columns, st.sampled_from(SUBQUERIES))
    return columns.flatmap(compared) | columns.flatmap(compared) | columns.flatmap(compared) | among


def conditions(module):
    return st.recursive(
        comparisons(module),
        lambda part: st.builds("({} {} {})".format, part, st.sampled_from(["and", "or"]), part),
        max_leaves=4,
    )


def orders(names):
    each = st.builds("{} {}".format, st.sampled_from(names), st.sampled_from(["asc", "desc"]))
    some = st.lists(each, max_size=3, unique_by=lambda order: order.rpartition(" ")[0])
    return some.map(lambda keys: f"order by {', '.join(keys)}" if keys else "")


windows = st.builds("limit {} offset {}".format, st.integers(1, 40), st.integers(0, 5))


@st.composite
def queries(draw):
    module = draw(st.sampled_from(sorted(COLUMNS)))
    where = draw(conditions(module))
    if draw(st.booleans()):
        columns = draw(st.lists(st.sampled_from(COLUMNS[module]), min_size=1, max_size=5, unique=True))
        order = draw(orders(COLUMNS[module]))
        return f"select {', '.join(columns)} from {module} where {where} {order} {draw(windows)}"
    groups = draw(st.lists(st.sampled_from(COLUMNS[module]), max_size=2, unique=True))
    number = draw(st.sampled_from(NUMBERS[module]))
    aggregates = [f"{function}({number})" for function in ("COUNT", "SUM", "MIN", "MAX", "AVG")]
    shown = [*groups, *draw(st.lists(st.sampled_from(aggregates), min_size=1, unique=True))]
    by = f"group by {', '.join(groups)}" if groups else ""
    return f"select {', '.join(shown)} from {module} where {where} {by} {draw(orders(shown))} {draw(windows)}"
