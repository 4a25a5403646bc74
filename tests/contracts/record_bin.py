"""What a record store promises of the recycle bin."""

from moorage.crm.storage.contract.records import Window
from moorage.crm.storage.contract.recycle_bin import BinCondition, InBin
from tests.contracts.opened import Suite


def names(here, *conditions, window=None, **which):
    asked = InBin(tuple(BinCondition(*condition) for condition in conditions), **which)
    found = here._run(lambda: here.store.bin_entries(asked, window or Window(20)))
    assert window is not None or here._run(lambda: here.store.bin_count(asked)) == len(found)
    assert [e.id for e in here.write(lambda tx: tx.bin.entries(asked, 3))] == [e.id for e in found][
        :3
    ] or window
    return [entry.display_name for entry in found]


class RecordBin(Suite):
    def test_it_is_empty_before_the_first_deletion(self, here):
        (lead,) = here.add("Leads", {"Last_Name": "a"})
        here.write(lambda tx: [tx.bin.take([lead]), tx.bin.forget([lead])])
        assert here.write(lambda tx: tx.recycle(here.module("Leads"), 1, 7)) is False
        assert names(here) == []
        assert here.deleted("Leads") == ([], False)

    def test_the_first_deletion_is_seen_by_every_store(self, here, there, reopen):
        one, other = here.add("Leads", {"Full_Name": "one"}, {"Full_Name": "other"})
        there = reopen()
        assert names(there) == []
        here.write(lambda tx: tx.recycle(here.module("Leads"), one, 7))
        there = reopen() if there.is_closed() else there  # The first deletion may close other stores.
        assert names(there) == ["one"]
        there.write(lambda tx: tx.recycle(here.module("Leads"), other, 7))
        assert sorted(names(here)) == ["one", "other"]

    def test_entries_are_found_by_what_they_are(self, here):
        leads = here.add("Leads", *({"Full_Name": name} for name in ("Ash", "birch", "Cedar", None)))
        (deal,) = here.add("Deals", {"Deal_Name": "ash tray"})
        for lead, by in zip(leads, (1, 2, 3, 2), strict=True):
            here.write(lambda tx, lead=lead, by=by: tx.recycle(here.module("Leads"), lead, by))
        here.write(lambda tx: tx.recycle(here.module("Deals"), deal, 3))
        number = here.module("Deals").number
        assert names(here, order="id", descending=False) == ["Ash", "birch", "Cedar", None, "ash tray"]
        assert names(here, order="display_name", descending=False) == [
            None,
            "Ash",
            "ash tray",
            "birch",
            "Cedar",
        ]
        assert names(here, ("module", "in", (number,))) == ["ash tray"]
        assert names(here, ("module", "not in", (number,)), ("deleted_by", "in", (1, 3)), order="id") == [
            "Cedar",
            "Ash",
        ]
        assert names(here, ("display_name", "starts", ("ASH",)), order="id") == ["ash tray", "Ash"]
        assert names(here, ("display_name", "ends", ("R",))) == ["Cedar"]
        assert names(here, ("display_name", "contains", ("h t",))) == ["ash tray"]
        assert names(here, ("display_name", "in", ("", "BIRCH")), order="id") == [None, "birch"]
        assert names(here, ("id", "in", tuple(leads[:2])), ("deleted_by", ">", (1,))) == ["birch"]
        assert names(here, ("deleted_time", "<", (5,))) == names(here, ("id", "in", ())) == []
        assert names(here, order="id", window=Window(1, 1)) == [None, "Cedar"]

    def test_an_entry_has_all_that_a_restore_needs_until_it_is_taken_or_forgotten(self, here):
        one, other = here.add("Leads", {"Last_Name": "a", "Annual_Revenue": 0.5}, {"Last_Name": "b"})
        rows = here.write(lambda tx: tx.transaction.rows(here.module("Leads"), [one]))
        here.write(lambda tx: [tx.recycle(here.module("Leads"), lead, 7) for lead in (one, other)])
        [entry] = here.write(lambda tx: tx.bin.entries(InBin((BinCondition("id", "in", (one,)),)), 9))
        assert entry.body["row"] == rows[one]
        assert (entry.module, entry.deleted_by) == (here.module("Leads").number, 7)
        here.write(lambda tx: tx.bin.take([one]))
        here.write(lambda tx: tx.bin.forget([other, 99]))
        assert names(here) == []
        shown, _ = here.deleted("Leads")
        assert [(e["id"], e["type"]) for e in shown] == [(str(other), "permanent")]
        here.write(lambda tx: tx.bin.take([other]))
        assert len(here.deleted("Leads", kind="permanent")[0]) == 1
