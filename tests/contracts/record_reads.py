"""What a record store promises of reading."""

import json

import pytest

from moorage.crm.query.texts import phrase
from moorage.crm.query.tree import (
    AllOf,
    AnyOf,
    Compare,
    Empty,
    Equal,
    Fragment,
    Linked,
    Member,
    Named,
    Not,
    Phrase,
    WordStarts,
)
from moorage.crm.query.word_search import email_search, phone_search, word_search
from moorage.crm.storage.contract.records import (
    FlagIs,
    Ids,
    ModifiedSince,
    Position,
    Present,
    Window,
)
from tests.contracts.opened import Suite

# Each way to store a value: the field, the value as stored, and the same as shown.
STORED = [
    ("Leads", "Last_Name", "Ñandú \" '\\ 🚢 %_", "Ñandú \" '\\ 🚢 %_"),
    ("Leads", "No_of_Employees", -7, -7),
    ("Accounts", "Account_Number", 9_007_199_254_740_993, "9007199254740993"),
    ("Leads", "Annual_Revenue", 1234.5, 1234.5),
    ("Leads", "Email_Opt_Out", 1, True),
    ("Leads", "Email_Opt_Out", 0, False),
    ("Deals", "Closing_Date", "2026-02-06", "2026-02-06"),
    ("Leads", "Last_Activity_Time", 1_770_369_056, "2026-02-06T01:10:56-08:00"),
    ("Leads", "Last_Activity_Time", 1_783_000_000, "2026-07-02T06:46:40-07:00"),
    ("Leads", "Last_Activity_Time", -62_135_596_800, "0001-01-01T00:00:00+00:00"),
    ("Products", "Tax", '["Vat","Sales \\"Tax\\""]', ["Vat", 'Sales "Tax"']),
    ("Events", "Participants", '[{"type":"email","participant":"a@b.example"}]', [
        {"type": "email", "participant": "a@b.example"},
    ]),
    ("Leads", "Tag", '[{"name":"hot","id":"1","color_code":null}]', [
        {"name": "hot", "id": "1", "color_code": None},
    ]),
]  # fmt: skip

EMPTY = [
    ("Leads", "Last_Name"),
    ("Leads", "No_of_Employees"),
    ("Leads", "Annual_Revenue"),
    ("Leads", "Email_Opt_Out"),
    ("Deals", "Closing_Date"),
    ("Leads", "Last_Activity_Time"),
    ("Products", "Tax"),
    ("Events", "Participants"),
    ("Leads", "Owner"),
    ("Contacts", "Account_Name"),
    ("Tasks", "What_Id"),
]


class RecordReads(Suite):
    @pytest.mark.parametrize(("module", "field", "stored", "shown"), STORED)
    def test_a_value_of_every_kind_is_shown_as_the_api_shows_it(self, here, module, field, stored, shown):
        (record,) = here.add(module, {field: stored})
        assert here.record(module, record, field) == {"id": str(record), field: shown}
        assert json.loads(here.page(module, names=(field,)).data) == [{"id": str(record), field: shown}]
        row = here.write(lambda transaction: transaction.row(here.module(module), record))
        assert row[here.module(module).fields[field].column] == stored

    @pytest.mark.parametrize(("module", "field"), EMPTY)
    def test_no_value_of_every_kind_is_null(self, here, module, field):
        (record,) = here.add(module, {})
        assert here.record(module, record, field)[field] is None
        assert here.record(module, record)[field] is None

    def test_no_tags_are_an_empty_list(self, here):
        (record,) = here.add("Leads", {})
        assert here.record("Leads", record, "Tag")["Tag"] == []

    def test_a_user_is_shown_with_name_and_address(self, here):
        (record,) = here.add("Leads", {"Owner": here.user.id})
        body = here.user.body
        owner = {"name": body["full_name"], "id": str(here.user.id), "email": body["email"]}
        assert here.record("Leads", record, "Owner")["Owner"] == owner

    def test_a_lookup_is_shown_by_the_name_its_record_has_now(self, here):
        (account,) = here.add("Accounts", {"Account_Name": "Old"})
        (contact,) = here.add("Contacts", {"Account_Name": account})
        name = here.module("Accounts").fields["Account_Name"].column
        here.write(lambda transaction: transaction.update(here.module("Accounts"), account, {name: "New"}))
        shown = {"name": "New", "id": str(account)}
        assert here.record("Contacts", contact, "Account_Name")["Account_Name"] == shown
        here.write(lambda transaction: transaction.recycle(here.module("Accounts"), account, here.user.id))
        assert here.record("Contacts", contact, "Account_Name")["Account_Name"] is None

    def test_a_lookup_into_several_modules_tells_its_module(self, here):
        (deal,) = here.add("Deals", {"Deal_Name": "Big"})
        (task,) = here.add("Tasks", {"What_Id": (deal, "Deals")})
        task_shown = here.record("Tasks", task, "What_Id", "$se_module")
        assert task_shown["What_Id"] == {"name": "Big", "id": str(deal)}
        assert task_shown["$se_module"] == "Deals"

    def test_the_rows_of_a_subform_are_shown_in_the_whole_record_only(self, here):
        (quote,) = here.add("Quotes", {"Subject": "q"})
        lines = here.add("Quoted_Items", *({"Parent_Id": quote, "Quantity": n} for n in (3.0, 1.0)))
        shown = here.record("Quotes", quote)["Quoted_Items"]
        assert [(int(row["id"]), row["Quantity"]) for row in shown] == list(zip(lines, (3, 1), strict=True))
        listed = json.loads(here.page("Quotes", names=("Subject", "Quoted_Items")).data)
        assert listed == [{"id": str(quote), "Subject": "q"}]

    def test_a_shape_keeps_the_order_of_the_names_and_leaves_out_unknown_ones(self, here):
        names = ("Company", "id", "Nothing", "Last_Name", "Company")
        (record,) = here.add("Leads", {"Last_Name": "a"})
        page = here.page("Leads", names=names).data
        assert page == b'[{"id":"%d","Company":null,"Last_Name":"a"}]' % record

    def test_nothing_is_an_empty_page(self, here):
        page = here.page("Leads")
        assert (page.data, page.count, page.first, page.last, page.more) == (b"[]", 0, None, None, False)
        assert here.record("Leads", 1) is None

    def test_a_page_says_if_others_follow(self, here):
        ids = here.add("Leads", {}, {}, {})
        first = here.page("Leads", window=Window(2))
        assert (first.count, first.more, first.first.id, first.last.id) == (2, True, ids[2], ids[1])
        rest = here.page("Leads", window=Window(2, start=first.last))
        assert (rest.count, rest.more) == (1, False)
        assert here.page("Leads", window=Window(3)).more is False

    @pytest.mark.parametrize("descending", [True, False])
    @pytest.mark.parametrize("by", ["id", "Created_Time", "Modified_Time"])
    def test_a_walk_meets_every_record_once_there_and_back(self, here, by, descending):
        times = (5, 3, 3, 3, 9, 1, 3)
        here.add("Leads", *({"Created_Time": t, "Modified_Time": t} for t in times))
        everything = here.ids("Leads", by=by, descending=descending)
        there, back, window = [], [], Window(2)
        while (page := here.page("Leads", window=window, by=by, descending=descending)).count:
            there += [int(record["id"]) for record in json.loads(page.data)]
            window, last = Window(2, start=page.last), page.last
        window = Window(2, start=last, backwards=True)
        while (page := here.page("Leads", window=window, by=by, descending=descending)).count:
            assert page.more
            back = [int(record["id"]) for record in json.loads(page.data)] + back
            window = Window(2, start=page.first, backwards=True)
        assert there == everything
        assert back == everything[:-1]

    def test_a_walk_goes_on_where_its_last_record_was(self, here):
        ids = here.add("Leads", *({"Modified_Time": 5} for _ in range(6)))[::-1]
        first = here.page("Leads", window=Window(2), by="Modified_Time")
        here.write(lambda transaction: transaction.recycle(here.module("Leads"), ids[1], here.user.id))
        here.add("Leads", {"Modified_Time": 6})
        rest = here.ids("Leads", window=Window(9, start=first.last), by="Modified_Time")
        assert rest == ids[2:]

    @pytest.mark.parametrize(
        ("module", "field", "rising"),
        [
            ("Leads", "Company", [None, "ant", "Zoo", "Ähre"]),
            ("Leads", "No_of_Employees", [None, -1, 9, 10]),
            ("Leads", "Annual_Revenue", [None, -0.5, 9.5, 10.0]),
            ("Deals", "Closing_Date", [None, "0999-12-31", "2026-02-06"]),
        ],
    )
    def test_every_kind_has_its_order_and_ties_go_by_id(self, here, module, field, rising):
        ids = here.add(module, *({field: value} for value in rising[::-1]), *({field: v} for v in rising))
        places = {record: index for index, record in enumerate(ids)}
        count = len(rising)
        expected = [place for n in range(count) for place in (count - 1 - n, count + n)]
        assert [places[i] for i in here.ids(module, by=field, descending=False)] == expected
        assert [places[i] for i in here.ids(module, by=field)] == expected[::-1]
        assert here.ids(module, window=Window(2, offset=3), by=field) == here.ids(module, by=field)[3:5]

    def test_filters_let_through_what_all_of_them_do(self, here):
        fields = here.module("Leads").fields
        early, late, third = here.add(
            "Leads",
            {"Modified_Time": 10, "Converted__s": 0, "Company": "A"},
            {"Modified_Time": 20, "Converted__s": 1, "Company": "B"},
            {"Modified_Time": 30, "Converted__s": 0, "Company": "A"},
        )
        for filters, expected in (
            ([Ids((early, third, 1))], [third, early]),
            ([Ids(())], []),
            ([ModifiedSince(20)], [third, late]),
            ([ModifiedSince(31)], []),
            ([FlagIs(fields["Converted__s"], value=False)], [third, early]),
            ([FlagIs(fields["Converted__s"], value=True)], [late]),
            ([Equal(fields["Company"], "a")], [third, early]),
            ([Equal(fields["Company"], "a"), ModifiedSince(11)], [third]),
            ([Equal(fields["Company"], "a"), Ids((late,))], []),
            ([Ids((early, late)), FlagIs(fields["Converted__s"], value=False), ModifiedSince(10)], [early]),
        ):
            assert here.ids("Leads", filters) == expected, filters
            assert here.count("Leads", filters) == len(expected), filters
            assert here.ids("Leads", filters, by="Company") == sorted(
                expected, key=lambda i: (i == late, i), reverse=True
            )

    def test_so_many_changed_ones_are_all_found_in_order(self, here):
        ids = here.add("Leads", *({"Modified_Time": n % 7} for n in range(5_000)))
        for least in (0, 3, 6):
            found_ids = here.ids("Leads", [ModifiedSince(least)], Window(6_000), descending=False)
            assert found_ids == [record for n, record in enumerate(ids) if n % 7 >= least]

    def test_conditions_of_each_kind(self, here):
        fields = here.module("Leads").fields
        last, staff, company = fields["Last_Name"], fields["No_of_Employees"], fields["Company"]
        a, b, c = here.add(
            "Leads",
            {"Last_Name": "de la Cruz", "No_of_Employees": 5, "Company": "Álamo 100%"},
            {"Last_Name": "La", "No_of_Employees": 50},
            {
                "Last_Name": "Cruz",
                "Tag": '[{"name":"Hot","id":"1","color_code":null}]',
                "Owner": here.user.id,
            },
        )
        for condition, expected in (
            (Empty(company), [c, b]),
            (Not(Empty(company)), [a]),
            (Equal(last, "la"), [b]),
            (Not(Equal(staff, 5)), [c, b]),
            (Compare(staff, ">=", 5), [b, a]),
            (Compare(staff, "<", 50), [a]),
            (Phrase(last, "CRUZ"), [c, a]),
            (Phrase(last, "la cruz"), [a]),
            (Phrase(last, "cru", start=True), [c]),
            (Fragment(company, "100%", "end"), [a]),
            (Fragment(last, "a c", "anywhere"), [a]),
            (Member(fields["Tag"], "hot"), [c]),
            (Member(fields["Tag"], "h", start=True), [c]),
            (Named(fields["Owner"], here.user.body["full_name"]), [c]),
            (AllOf((Phrase(last, "cruz"), Not(Empty(company)))), [a]),
            (AnyOf((Equal(staff, 50), Equal(last, "cruz"))), [c, b]),
        ):
            assert here.ids("Leads", [condition]) == expected, condition
            assert here.count("Leads", [condition]) == len(expected), condition

    def test_words_are_found_page_by_page_in_either_order(self, here):
        fields = here.module("Leads").fields
        ids = here.add(
            "Leads",
            *(
                {"Last_Name": f"{'apple' if n % 2 else 'pear'} {n}", "Converted__s": n % 3 == 0}
                for n in range(40)
            ),
        )
        wanted = [record for n, record in enumerate(ids) if n % 2 and n % 3]
        filters = [WordStarts(("apple",)), FlagIs(fields["Converted__s"], False)]
        for descending in (True, False):
            expected = wanted[::-1] if descending else wanted
            pages = [
                here.ids("Leads", filters, Window(5, offset=n), descending=descending) for n in (0, 5, 10)
            ]
            assert [record for page in pages for record in page] == expected
            after = Window(5, start=Position(None, expected[3]))
            assert here.ids("Leads", filters, after, descending=descending) == expected[4:9]
            before = Window(3, start=Position(None, expected[8]), backwards=True)
            assert here.ids("Leads", filters, before, descending=descending) == expected[5:8]

    def test_words_addresses_and_numbers_are_found_in_all_their_fields(self, here):
        a, b, c = here.add(
            "Leads",
            {"Last_Name": "Mühle", "Email": "a@mill.example", "Phone": "+1 (555) 010-01"},
            {"Description": "by the old mühlen", "Secondary_Email": "A@mill.example"},
            {"Company": "Mill", "Mobile": "155501001"},
        )
        leads = here.module("Leads")
        assert here.ids("Leads", [word_search(leads, "muhl")]) == [b, a]
        assert here.ids("Leads", [word_search(leads, "old muhl")]) == [b]
        assert here.ids("Leads", [WordStarts(("old", "by the"))]) == [b]
        assert here.ids("Leads", [WordStarts(("the muhl",))]) == []
        assert here.ids("Leads", [email_search(leads, "a@MILL.example")]) == [b, a]
        assert here.ids("Leads", [email_search(leads, "mill.example")]) == [b, a]
        assert here.ids("Leads", [phone_search(leads, "1 555-010.01")]) == [c, a]

    def test_values_are_never_read_as_a_query(self, here):
        fields = here.module("Leads").fields
        ids = here.add("Leads", {"Last_Name": "x"})
        for text in ("' OR 1=1 --", '" OR *', "x) OR (1=1", "NEAR(", "{c1} : x", "\\", "^x"):
            for condition in (
                Equal(fields["Last_Name"], text),
                Fragment(fields["Last_Name"], text, "anywhere"),
            ):
                assert here.ids("Leads", [condition]) == []
            assert here.ids("Leads", [Not(Equal(fields["Last_Name"], text))]) == ids
            assert here.count("Leads", [phrase(fields["Last_Name"], text)]) in (0, 1)

    def test_records_pass_if_another_record_is_there(self, here):
        (account,) = here.add("Accounts", {"Account_Name": "a"})
        (lead,) = here.add("Leads", {"Last_Name": "a"})
        assert here.ids("Leads", [Present(here.module("Accounts"), account)]) == [lead]
        assert here.ids("Leads", [Present(here.module("Deals"), account)]) == []
        here.write(lambda transaction: transaction.recycle(here.module("Accounts"), account, here.user.id))
        assert here.ids("Leads", [Present(here.module("Accounts"), account)]) == []

    def test_records_are_found_to_which_the_rows_of_a_record_lead(self, here):
        rope, sail = here.add("Products", {"Product_Name": "Rope"}, {"Product_Name": "Sail"})
        one, two, three = here.add("Quotes", *({"Subject": text} for text in "abc"))
        lines = [(one, rope), (one, rope), (two, rope), (two, sail)]
        here.add("Quoted_Items", *({"Parent_Id": quote, "Product_Name": product} for quote, product in lines))
        items = here.module("Quoted_Items")
        for product, quotes in ((rope, [two, one]), (sail, [two]), (one, [])):
            linked = Linked(items, items.fields["Product_Name"], items.fields["Parent_Id"], product)
            assert here.ids("Quotes", [linked]) == quotes
            assert here.ids("Quotes", [Not(linked)]) == sorted({one, two, three} - set(quotes), reverse=True)
