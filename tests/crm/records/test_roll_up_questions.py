"""What roll-up fields cost a write: questions for the whole request, and none where nothing is rolled up."""

import asyncio

import pytest

from moorage.crm.records.changes import Change
from moorage.crm.records.prepare import to_insert, to_update
from tests.crm.records.test_batches import MOST_QUESTIONS, Counting
from tests.crm.records.test_roll_ups import WON, rolled_up
from tests.crm.settings.making_fields import made

TIMELINE = ["new_ids", "put"]  # What it costs a request to tell what has happened to its records.
PARENTS = {"Accounts": "Account_Name", "Contacts": "Contact_Name", "Campaigns": "Campaign_Name"}


@pytest.fixture
def parents(crm):
    """The ids of a hundred records of each module that rolls up deals, by module."""
    for module in PARENTS:
        fields = [
            rolled_up("Many", "count"),
            rolled_up("Sum", "sum", "Amount"),
            rolled_up("Won", "count", None, WON),
        ]
        made(crm, *fields, module=module)
    names = {"Accounts": "Account_Name", "Contacts": "Last_Name", "Campaigns": "Campaign_Name"}
    return {module: crm.insert(module, *({names[module]: f"n{n}"} for n in range(100))) for module in PARENTS}


@pytest.fixture
def counted(crm):
    """Run a change of a module's records; gives its outcomes, and what was asked."""

    def run(module, change):
        organisation = crm.service.organisations.open(crm.organisation)
        user = organisation.metadata.all("user")[0].id

        def job(transaction):
            counting = Counting(transaction)
            outcomes = change(Change(organisation, organisation.catalog.modules[module], user, counting))
            return outcomes, counting.asked

        async def written():
            return await organisation.store.write(job)

        outcomes, asked = asyncio.run(written())
        assert all(outcome.status < 300 for outcome in outcomes), outcomes
        return outcomes, asked

    return run


@pytest.fixture
def prepared(crm):
    def prepare(how, module, records):
        organisation = crm.service.organisations.open(crm.organisation)
        return how(organisation.catalog, organisation.catalog.modules[module], records)

    return prepare


def deals(parents, shift=0):
    return [
        {
            "Deal_Name": f"d{n}",
            "Stage": "Closed Won",
            "Amount": n,
            "Account_Name": {"id": parents["Accounts"][n - shift]},
            "Contact_Name": {"id": parents["Contacts"][n - shift]},
            "Campaign_Source": {"id": parents["Campaigns"][n - shift]},
        }
        for n in range(100)
    ]


def test_each_way_that_leads_to_parents_costs_a_question_and_each_module_of_theirs_another(
    crm, parents, counted, prepared
):
    records = prepared(to_insert, "Deals", deals(parents))
    outcomes, asked = counted("Deals", lambda change: change.insert(records))
    ids = [outcome.document["details"]["id"] for outcome in outcomes]
    assert (asked.count("aggregates"), asked.count("update")) == (3, 3)
    assert len(asked) <= MOST_QUESTIONS, asked

    moved = [{**record, "id": identity} for identity, record in zip(ids, deals(parents, 1), strict=True)]
    records = prepared(to_update, "Deals", moved)
    _, asked = counted("Deals", lambda change: change.update(records))
    assert (asked.count("aggregates"), asked.count("update")) == (3, 4)
    assert len(asked) <= MOST_QUESTIONS + len(TIMELINE), asked
    assert [crm.only(f"Accounts/{parents['Accounts'][n]}")["Sum"] for n in (0, 98, 99)] == [1, 99, 0]

    _, asked = counted("Deals", lambda change: change.delete([int(identity) for identity in ids]))
    assert (asked.count("aggregates"), asked.count("update")) == (3, 3)
    assert len(asked) <= MOST_QUESTIONS + len(TIMELINE), asked
    assert crm.only(f"Campaigns/{parents['Campaigns'][7]}")["Many"] == 0


def test_a_change_that_nothing_depends_on_asks_nothing_more(parents, counted, prepared):
    records = prepared(to_insert, "Deals", deals(parents)[:2])
    outcomes, _ = counted("Deals", lambda change: change.insert(records))
    changes = [{"id": o.document["details"]["id"], "Next_Step": "call"} for o in outcomes]
    records = prepared(to_update, "Deals", changes)
    assert counted("Deals", lambda change: change.update(records))[1] == ["rows", "update", *TIMELINE]


def test_writes_of_other_modules_ask_as_little_as_ever(parents, counted, prepared):
    records = prepared(to_insert, "Leads", [{"Last_Name": "a"}])
    assert counted("Leads", lambda change: change.insert(records))[1] == ["new_ids", "insert"]
    records = prepared(to_insert, "Accounts", [{"Account_Name": "a"}])
    outcomes, asked = counted("Accounts", lambda change: change.insert(records))
    assert asked == ["new_ids", "insert"]
    identity = int(outcomes[0].document["details"]["id"])
    assert counted("Accounts", lambda change: change.delete([identity]))[1] == ["of", "recycle", *TIMELINE]
