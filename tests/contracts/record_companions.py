"""What a record store promises of companions: small documents that belong to a record or to the organisation."""

import pytest

from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.records import StoreClosed, Window
from tests.contracts.metadata_changes import add, named
from tests.contracts.opened import Suite

BODY = {"text": 'an "überg" \x00 \'', "list": [1, None, 2.5, {"a": True}], "big": 7_243_485_000_000_020_005}


class RecordCompanions(Suite):
    def test_there_are_none_at_first(self, here):
        assert here.companions("lock") == ([], False)
        assert here.companion("lock", 7) is None

        def job(transaction):
            companions = transaction.companions
            companions.remove([7])
            companions.remove_all_of([7])
            companions.put([])
            return companions.by_id([7]), companions.of("lock", [7]), companions.named("lock", ["a"])

        assert here.write(job) == ({}, {}, {})

    def test_a_companion_is_kept_and_read_by_every_store(self, here, there, reopen):
        assert there.companions("lock") == ([], False)
        lock, other = here.put_companions(("lock", 7, "a", BODY), ("lock", 8, "", None))
        there = reopen() if there.is_closed() else there  # The first companion may close other stores.
        assert there.companion("lock", lock) == Companion(lock, "lock", 7, "a", BODY)
        assert there.companion("share", lock) is None
        assert there.companions("lock") == ([(7, BODY), (8, None)], False)
        assert there.write(lambda tx: tx.companions.by_id([other, lock, 5])) == {
            lock: Companion(lock, "lock", 7, "a", BODY),
            other: Companion(other, "lock", 8, "", None),
        }
        there.put_companions(("lock", 9, "", 1))
        assert here.companions("lock") == ([(7, BODY), (8, None), (9, 1)], False)

    def test_a_store_with_older_metadata_gives_none(self, here, reopen):
        (lock,) = here.put_companions(("lock", 7, "", 0))
        there = reopen()
        assert there.companion("lock", lock).owner == 7
        here.change(add(named("Berth")))
        for read in (lambda: there.companion("lock", lock), lambda: there.companions("lock")):
            if not there.store.closed:
                with pytest.raises(StoreClosed):
                    read()

    def test_pages_are_of_a_kind_an_owner_or_a_name(self, here):
        rows = [("mail", owner, name, f"{owner}{name}") for owner in (3, 0, 5) for name in ("A", "a", "é")]
        here.put_companions(*rows, ("lock", 3, "A", "other"))

        def bodies(window=None, **which):
            owners, more = here.companions("mail", window, **which)
            return [body for _, body in owners], more

        assert bodies() == (["3A", "3a", "3é", "0A", "0a", "0é", "5A", "5a", "5é"], False)
        assert bodies(owner=3) == (["3A", "3a", "3é"], False)
        assert bodies(owner=0, newest_first=True) == (["0é", "0a", "0A"], False)
        assert bodies(name="é") == (["3é", "0é", "5é"], False)
        assert bodies(name="a", owner=5) == (["5a"], False)
        assert bodies(owner=4) == bodies(name="") == ([], False)
        assert bodies(Window(4, 2)) == (["3é", "0A", "0a", "0é"], True)
        assert bodies(Window(2, 7), newest_first=True) == (["3a", "3A"], False)
        assert bodies(Window(2, 1), owner=3, newest_first=True) == (["3a", "3A"], False)

    def test_a_page_is_of_several_owners_or_names(self, here):
        rows = [("mail", owner, name, f"{owner}{name}") for owner in (3, 0, 5) for name in ("A", "a")]
        here.put_companions(*rows, ("lock", 3, "A", "other"))

        def bodies(window=None, **which):
            owners, more = here.companions("mail", window, **which)
            return [body for _, body in owners], more

        assert bodies(owners=(5, 3, 9)) == (["3A", "3a", "5A", "5a"], False)
        assert bodies(owners=(5, 3), name="a", newest_first=True) == (["5a", "3a"], False)
        assert bodies(Window(1, 1), owners=(0, 5), names=("A", "b")) == (["5A"], False)
        assert bodies(Window(2), names=("a",)) == (["3a", "0a"], True)
        assert bodies(owners=()) == bodies(names=()) == ([], False)

    def test_many_are_found_at_once(self, here):
        here.put_companions(
            ("share", 1, "x", 0), ("share", 2, "y", 1), ("share", 1, "y", 2), ("lock", 1, "x", 3)
        )

        def job(transaction):
            return transaction.companions.of("share", [2, 1, 4]), transaction.companions.named(
                "share", ["y", "Y", "x"]
            )

        by_owner, by_name = here.write(job)
        assert {owner: [c.body for c in found] for owner, found in by_owner.items()} == {1: [0, 2], 2: [1]}
        assert {name: [c.body for c in found] for name, found in by_name.items()} == {"x": [0], "y": [1, 2]}

    def test_put_replaces_and_a_transaction_reads_what_it_wrote(self, here):
        first, second = here.put_companions(("lock", 1, "old", 0), ("lock", 2, "", 1))

        def job(transaction):
            (third,) = transaction.new_ids(1)
            transaction.companions.put([Companion(third, "lock", 3, "", "twice")])
            changed = [Companion(first, "lock", 4, "new", 5), Companion(third, "lock", 3, "", 6)]
            transaction.companions.put([Companion(third, "lock", 3, "", "too"), *changed])
            return transaction.companions.of("lock", [1, 3, 4])

        assert {owner: [c.body for c in found] for owner, found in here.write(job).items()} == {
            3: [6],
            4: [5],
        }
        assert here.companions("lock") == ([(4, 5), (2, 1), (3, 6)], False)
        assert here.companions("lock", name="old") == ([], False)
        assert here.companion("lock", second).name == ""

    def test_companions_are_removed_by_id_and_by_owner(self, here):
        first, *_ = here.put_companions(
            ("lock", 1, "", 0),
            ("share", 1, "", 1),
            ("lock", 2, "", 2),
            ("lock", 3, "", 3),
            ("lock", 1, "", 4),
        )
        here.write(lambda tx: tx.companions.remove([first, 99]))
        assert here.companions("lock") == ([(2, 2), (3, 3), (1, 4)], False)
        here.write(lambda tx: tx.companions.remove_all_of([1, 3, 99]))
        assert here.companions("lock") == ([(2, 2)], False)
        assert here.companions("share") == ([], False)

    def test_a_job_that_raises_leaves_none(self, here):
        def fail(transaction):
            transaction.companions.put([Companion(1, "lock", 1, "", 0)])
            raise ArithmeticError

        for _ in range(2):  # Before and after there is a table.
            with pytest.raises(ArithmeticError):
                here.write(fail)
            assert 1 not in here.write(lambda tx: tx.companions.by_id([1]))
            here.put_companions(("lock", 2, "", "kept"))
        assert here.companions("lock") == ([(2, "kept"), (2, "kept")], False)

    def test_a_record_in_the_recycle_bin_keeps_its_companions(self, here):
        (lead,) = here.add("Leads", {"Last_Name": "a"})
        here.put_companions(("lock", lead, "", 0))
        here.write(lambda tx: tx.recycle(here.module("Leads"), lead, 1))
        assert here.companions("lock", owner=lead) == ([(lead, 0)], False)
