"""What every place that keeps organisations promises: subclass it and give the fixture `storage`."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

import pytest

from moorage.crm.errors import OrganisationDamaged, OrganisationInvalid
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.metadata.standard import DEMO, blueprint
from moorage.crm.query.tree import WordStarts
from moorage.crm.storage.contract.files import UNUSED, ContentGone
from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.contract.records import StoreClosed
from tests.contracts.opened import Opened
from tests.contracts.record_files import ONE as PARTS
from tests.contracts.record_files import ask, finish, parts_of, remove, sweep, write
from tests.contracts.record_outbox import claim, emit, names, rest, settle

ONE, TWO = (prefix * ID_SPACE + 20_005 for prefix in (7_243_485, 1_234_567))
AT_ONE, AT_TWO = Place("one", ONE), Place("two", TWO)


def documents(identity, spec=DEMO):
    numbers = count(100_001)
    return blueprint(spec, identity // ID_SPACE, datetime(2026, 2, 6, tzinfo=UTC), lambda: next(numbers))


@dataclass
class Listener:
    """Notes what it hears, and fails the third time it is woken."""

    woken: list[int] = field(default_factory=list)
    times_told: list[None] = field(default_factory=list)

    async def wake(self):
        self.woken.append(len(self.woken))
        if len(self.woken) == 3:
            raise ArithmeticError

    def told(self):
        self.times_told.append(None)


class OrganisationStorageContract:
    @pytest.fixture
    def make(self, storage):
        opened = []

        def make(place=AT_ONE, fill=None):
            storage.make(place, documents(place.identity), fill)
            return reopen(place)

        def reopen(place=AT_ONE):
            opened.append(Opened(storage.open(place)))
            return opened[-1]

        make.reopen = reopen
        yield make
        for organisation in opened:
            organisation.store.close()

    def test_an_organisation_is_what_its_documents_say(self, make):
        opened = make()
        expected = [(d.id, d.kind, d.body) for d in documents(ONE)]
        kinds = ("org", "user", "role", "profile", "module")
        documents_by_kind = [opened.organisation.metadata.all(kind) for kind in kinds]
        assert [(d.id, d.kind, d.body) for group in documents_by_kind for d in group] == [
            document for kind in kinds for document in expected if document[1] == kind
        ]
        assert str(opened.organisation.zone) == DEMO.time_zone
        assert opened.count("Leads") == 0

    def test_what_fills_it_is_all_there_or_nothing_is(self, make, storage):
        def fill(organisation, begin):
            opened = Opened(organisation)
            leads = opened.module("Leads")
            for time in (10, 20):
                transaction = begin(time)
                (record,) = transaction.new_ids(1)
                row = opened.row("Leads", record, Last_Name="filled", Created_Time=transaction.now)
                transaction.insert(leads, [row])

        opened_again = make(fill=fill)
        assert opened_again.count("Leads", [WordStarts(("filled",))]) == 2
        assert opened_again.page("Leads", by="Created_Time").first.key == 20

        def fail(organisation, begin):
            fill(organisation, begin)
            raise RuntimeError("no")

        with pytest.raises(RuntimeError, match="no"):
            storage.make(AT_TWO, documents(TWO), fail)
        storage.remove(AT_TWO)
        with pytest.raises(OrganisationDamaged):
            storage.open(AT_TWO)

    def test_an_organisation_made_in_the_place_of_another_begins_again(self, make):
        before = make()
        first = before.add("Leads", {"Last_Name": "old"})
        after = make()
        assert after.ids("Leads") == []
        # Who has it open sees the new one, or has to open it anew; never the old one.
        try:
            assert before.ids("Leads") == []
        except StoreClosed:
            assert before.store.closed
        assert after.add("Leads", {}) == first

    def test_organisations_share_nothing(self, make, storage):
        first, two = make(), make(AT_TWO)
        first.add("Leads", {"Last_Name": "mine"})
        (record,) = two.add("Leads", {"Last_Name": "theirs"})
        assert record // ID_SPACE == TWO // ID_SPACE
        assert first.count("Leads") == two.count("Leads") == 1
        storage.remove(AT_ONE)
        assert two.ids("Leads") == [record]

    def test_a_snapshot_holds_what_was_and_ids_go_on(self, make, storage, tmp_path):
        opened = make()
        kept = opened.add("Leads", {"Last_Name": "kept"})
        storage.snapshot(AT_ONE, tmp_path / "one")
        later = opened.add("Leads", {"Last_Name": "later"})
        storage.restore(AT_ONE, tmp_path / "one")
        opened = make.reopen()
        assert opened.ids("Leads") == kept
        assert opened.ids("Leads", [WordStarts(("later",))]) == []
        assert opened.add("Leads", {}) > later

    def test_a_snapshot_holds_the_events_that_were_not_settled_since(self, make, storage, tmp_path):
        opened = make()
        emit(opened, "dealt with", "waits")
        storage.snapshot(AT_ONE, tmp_path / "one")
        assert settle(opened, claim(opened, most=1))
        emit(opened, "undone")
        for _ in range(2):
            storage.restore(AT_ONE, tmp_path / "one")
            opened = make.reopen()
            assert names(claim(opened, lease=0)) == ["waits"]
        held = claim(opened)
        emit(opened, "new")
        assert settle(opened, held)
        assert claim(opened).events[0].id > held.events[0].id
        storage.restore(AT_ONE, tmp_path / "one")
        assert claim(make.reopen()).events == []

    def test_a_claim_is_kept_by_a_snapshot(self, make, storage, tmp_path):
        opened = make()
        emit(opened, "a")
        held = claim(opened)
        storage.snapshot(AT_ONE, tmp_path / "one")
        storage.restore(AT_ONE, tmp_path / "one")
        opened = make.reopen()
        assert claim(opened) is None
        assert settle(opened, held)
        assert claim(opened).events == []

    def test_a_snapshot_holds_files_and_no_upload_goes_on_behind_it(self, make, storage, tmp_path, clock):
        opened = make()
        file = write(opened, owner=7)
        storage.snapshot(AT_ONE, tmp_path / "one")
        begun = opened.write(lambda transaction: transaction.files.begin_content())
        remove(opened, file)
        clock.advance(UNUSED)
        sweep(opened)
        assert parts_of(opened, file.content) == []
        storage.restore(AT_ONE, tmp_path / "one")
        opened = make.reopen()
        assert ask(opened, lambda files: files.owned_by([7])) == {7: [file]}
        assert parts_of(opened, file.content) == PARTS
        with pytest.raises(ContentGone):
            opened.write(lambda transaction: finish(transaction, begun))
        assert parts_of(make(), file.content) == []

    def test_an_organisation_made_anew_has_no_events(self, make):
        emit(make(), "old")
        assert claim(make()).events == []

    def test_an_outbox_is_made_known_before_its_first_event_and_after_each_rest(self, make, storage):
        make().store.close()
        listener = Listener()
        woken, told = listener.woken, listener.times_told
        here = Opened(storage.open(AT_ONE, listener))
        emit(here, "a")
        emit(here, "b")
        here.add("Leads", {})
        assert woken == [0]
        assert len(told) == 2
        assert not rest(here, 0)
        assert settle(here, claim(here))
        assert not rest(here, 1)
        emit(here, "c")
        assert woken == [0]
        assert settle(here, claim(here))
        assert rest(here, 0)
        emit(here, "d")
        assert woken == [0, 1]
        assert settle(here, claim(here))
        assert rest(here, 0)
        with pytest.raises(ArithmeticError):
            emit(here, "nobody would know")
        assert woken == [0, 1, 2]
        assert len(told) == 4
        assert claim(here).events == []
        here.store.close()

    def test_a_snapshot_of_another_is_refused(self, make, storage, tmp_path):
        first, _ = make(), make(AT_TWO)
        first.add("Leads", {})
        storage.snapshot(AT_TWO, tmp_path / "two")
        (tmp_path / "text").write_text("no snapshot")
        for name in ("two", "text", "missing"):
            with pytest.raises(OrganisationInvalid):
                storage.restore(AT_ONE, tmp_path / name)
        assert first.count("Leads") == 1

    def test_what_is_removed_is_gone(self, make, storage):
        make()
        storage.remove(AT_ONE)
        storage.remove(AT_ONE)
        with pytest.raises(OrganisationDamaged):
            storage.open(AT_ONE)
        assert make().count("Leads") == 0
