"""What a record store promises of records as lines of CSV."""

import csv
import io

import pytest

from moorage.crm.query.tree import Equal
from moorage.crm.storage.contract.lines import Column
from tests.contracts.opened import Suite

# Each way to store a value: the field, the value as stored, and its line. No value comes last.
WRITTEN = [
    ("Leads", "Last_Name", "Ñandú \"' \\, 🚢\r\n%w", '"Ñandú ""\' \\, 🚢\r\n%w"'),
    ("Leads", "Last_Name", None, '""'),
    ("Leads", "No_of_Employees", -7, "-7"),
    ("Leads", "No_of_Employees", None, ""),
    ("Accounts", "Account_Number", 9_007_199_254_740_993, "9007199254740993"),
    ("Leads", "Annual_Revenue", 1234.5, "1234.5"),
    ("Leads", "Annual_Revenue", 1500.0, "1500.0"),
    ("Leads", "Annual_Revenue", 123456789.12345678, "123456789.12345678"),
    ("Leads", "Annual_Revenue", None, ""),
    ("Leads", "Email_Opt_Out", 1, "true"),
    ("Leads", "Email_Opt_Out", 0, "false"),
    ("Deals", "Closing_Date", "2026-02-06", '"2026-02-06"'),
    ("Leads", "Last_Activity_Time", 1_770_369_056, "2026-02-06T01:10:56-08:00"),
    ("Leads", "Last_Activity_Time", -62_135_596_800, "0001-01-01T00:00:00+00:00"),
    ("Leads", "Last_Activity_Time", None, ""),
    ("Products", "Tax", '["Vat","Sales \\"Tax\\""]', '"Vat;Sales ""Tax"""'),
    ("Products", "Tax", None, '""'),
    ("Events", "Participants", '[{"type":"email"}]', '"[{""type"":""email""}]"'),
    ("Leads", "Tag", '[{"name":"hot","id":"1"},{"name":"old","id":"2"}]', '"hot;old"'),
    ("Leads", "Owner", 7, "7"),
    ("Leads", "Owner", None, ""),
]


def read(lines):
    return list(csv.reader(io.StringIO(lines.data.decode(), newline="")))


class RecordLines(Suite):
    @pytest.mark.parametrize(("module", "field", "stored", "written"), WRITTEN)
    def test_a_value_of_every_kind_is_a_part_of_a_line(self, here, module, field, stored, written):
        (record,) = here.add(module, {field: stored})
        lines = here.lines(module, "id", field)
        assert lines.data.decode() == f"{record},{written}\r\n"
        assert (lines.count, lines.last) == (1, record)

    def test_lines_come_by_id_behind_an_id_and_pass_every_filter(self, here):
        cities = {"a": "x", "b": "y", "c": "x", "d": "x"}
        records = here.add("Leads", *({"Last_Name": name, "City": city} for name, city in cities.items()))
        in_x = Equal(here.module("Leads").fields["City"], "x")
        first = here.lines("Leads", "Last_Name", filters=[in_x], limit=2)
        assert (read(first), first.count, first.last) == ([["a"], ["c"]], 2, records[2])
        rest = here.lines("Leads", "Last_Name", filters=[in_x], after=first.last, limit=2)
        assert (read(rest), rest.count, rest.last) == ([["d"]], 1, records[3])
        none = here.lines("Leads", "Last_Name", after=rest.last)
        assert (none.data, none.count, none.last) == (b"", 0, None)

    def test_a_column_leads_through_a_lookup(self, here):
        (account,) = here.add("Accounts", {"Account_Name": 'A "b"', "Employees": 5})
        here.add("Contacts", {"Account_Name": account}, {}, {"Account_Name": account + 1000})
        through = here.module("Contacts").fields["Account_Name"]
        fields = here.module("Accounts").fields
        columns = [Column(fields[name], through) for name in ("Account_Name", "Employees")]
        assert read(here.lines("Contacts", *columns)) == [['A "b"', "5"], ["", ""], ["", ""]]

    def test_labels_stand_for_ids(self, here):
        owner = here.module("Leads").fields["Owner"]
        here.add("Leads", {"Owner": 7}, {"Owner": 8}, {})
        labels, none = Column(owner, labels=((7, 'Da "D"'), (9, "?"))), Column(owner, labels=())
        assert here.lines("Leads", labels, none).data == b'"Da ""D""",""\r\n"",""\r\n"",""\r\n'

    def test_a_module_without_records_has_no_lines(self, here):
        assert here.lines("Vendors", "Vendor_Name").count == 0
