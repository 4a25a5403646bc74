"""Leads that are not converted are counted, and passed over to a far page, by an index alone."""

import pytest

from moorage.crm.query.selection import Column, Selection, Shown, Sort
from moorage.crm.query.tree import Equal
from moorage.crm.storage.contract.records import FlagIs


def count(here, module):
    assert here.count("Leads", [FlagIs(module.fields["Converted__s"], False)]) == 2


def select(here, module):
    name, identity = (Column(module.fields[field]) for field in ("Last_Name", "id"))
    asked = Selection(
        module,
        (Shown("Last_Name", name),),
        Equal(module.fields["Converted__s"], 0),
        orders=(Sort(identity, descending=True),),
        offset=1,
    )
    page = here._run(lambda: here.store.select(asked, []))
    assert (page.data, page.count) == (b'[{"Last_Name":"A"}]', 1)


@pytest.mark.parametrize("read", [count, select])
def test_no_lead_is_looked_at(here, heard, read):
    module = here.module("Leads")
    here.add("Leads", *({"Last_Name": name, "Converted__s": name == "B"} for name in "ABC"))
    heard.clear()
    read(here, module)
    [sql] = [statement for statement in heard if "FALSE" in statement]
    values = (1,) * sql.count("?")
    steps = here.write(lambda t: list(t.connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)))
    index = f"{module.table}_{module.fields['Converted__s'].column}"
    assert any(
        f"USING INDEX {index}" in step[3] or f"USING COVERING INDEX {index}" in step[3] for step in steps
    )
