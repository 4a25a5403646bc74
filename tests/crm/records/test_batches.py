"""A request of many records: what it asks of the store, and that each record fares as if it had come alone."""

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moorage.crm.records.changes import Change
from moorage.crm.records.prepare import to_insert, to_update, to_upsert
from tests.crm.settings.making_fields import field, made

MOST_QUESTIONS = 12


class Counting:
    """A transaction that counts its calls: each would be a round trip to a database on another machine."""

    def __init__(self, transaction, asked=None) -> None:
        self._transaction = transaction
        self.now = getattr(transaction, "now", None)
        self.asked = [] if asked is None else asked

    def __getattr__(self, name):
        method = getattr(self._transaction, name)
        if isinstance(method, bool):
            return method
        if not callable(method):  # A part of it, such as its companions.
            return Counting(method, self.asked)

        def ask(*arguments):
            self.asked.append(name)
            return method(*arguments)

        return ask


@pytest.fixture
def organisation(service, make_organisation):
    make_organisation("unique", unique=("Leads.Email", "Products.Product_Code", "Contacts.Email"))
    return service.organisations.open(service.organisations.find("unique").id)


@pytest.fixture
def counted(organisation):
    """Run a change in a transaction; gives its outcomes, and what was asked."""
    user = organisation.metadata.all("user")[0].id

    def run(module, change):
        def job(transaction):
            counting = Counting(transaction)
            outcomes = change(Change(organisation, organisation.catalog.modules[module], user, counting))
            return outcomes, counting.asked

        async def written():
            return await organisation.store.write(job)

        return asyncio.run(written())

    return run


@pytest.fixture
def linked(service, organisation, caller_of):
    """The organisation, with a subform, links to products and links to users in its leads."""
    crm = caller_of("unique")
    links = {"module": {"api_name": "Products"}}
    made(
        crm,
        field("Surveys", "subform"),
        field("Interests", "multiselectlookup", multiselectlookup=links),
        field("Crew", "multiuserlookup"),
    )
    made(crm, field("Depth", "double"), module="Surveys")
    again = service.organisations.open(organisation.id)
    organisation.__dict__.update(again.__dict__)  # For the fixtures that have it already.
    return organisation


@pytest.fixture
def inserted(organisation, counted):
    def insert(module, records):
        prepared = to_insert(organisation.catalog, organisation.catalog.modules[module], records)
        outcomes, asked = counted(module, lambda change: change.insert(prepared))
        assert {outcome.status for outcome in outcomes} == {201}, outcomes
        return [outcome.document["details"]["id"] for outcome in outcomes], asked

    return insert


def contacts(accounts, count=100):
    return [
        {
            "Last_Name": f"Name {n}",
            "Email": f"a{n}@b.example",
            "Account_Name": {"id": accounts[n % len(accounts)]},
            "Vendor_Name": {"name": "Vendor 1"},
            "Tag": [{"name": f"tag {n % 7}"}],
        }
        for n in range(count)
    ]


def quotes(products, count=100):
    return [
        {
            "Subject": f"Quote {n}",
            "Quoted_Items": [
                {"Product_Name": {"id": products[n % len(products)]}, "Quantity": n} for _ in range(3)
            ],
            "Discount": 1,
        }
        for n in range(count)
    ]


def with_rows(products, metadata, count=100, skip=0):
    users = [str(user.id) for user in metadata.all("user") if user.body["status"] == "active"]
    return [
        {
            "Last_Name": f"Name {n}",
            "Surveys": [{"Depth": n}] * 2,
            "Interests": [
                {"Interests": {"id": products[(n + more + skip) % len(products)]}} for more in (0, 1)
            ],
            "Crew": [{"Crew": {"id": users[skip % len(users)]}}],
        }
        for n in range(count)
    ]


class TestQuestions:
    @pytest.fixture
    def inserted_with_rows(self, linked, inserted, products):
        return inserted("Leads", with_rows(products, linked.metadata))

    @pytest.fixture
    def accounts(self, inserted):
        inserted("Vendors", [{"Vendor_Name": "Vendor 1"}])
        return inserted("Accounts", [{"Account_Name": f"Account {n}"} for n in range(100)])[0]

    @pytest.fixture
    def products(self, inserted):
        return inserted("Products", [{"Product_Name": f"P{n}", "Unit_Price": n} for n in range(100)])[0]

    def test_of_an_insert_with_lookups_unique_values_and_tags(self, inserted, accounts):
        _, asked = inserted("Contacts", contacts(accounts))
        assert len(asked) <= MOST_QUESTIONS, asked

    def test_of_an_insert_with_subforms_and_numbers(self, inserted, products):
        _, asked = inserted("Quotes", quotes(products))
        assert len(asked) <= MOST_QUESTIONS, asked

    def test_of_an_update(self, organisation, counted, inserted, accounts):
        ids, _ = inserted("Contacts", contacts(accounts))
        changes = [
            {**record, "id": identity, "Email": f"new{n}@b.example", "First_Name": "New"}
            for n, (identity, record) in enumerate(zip(ids, contacts(accounts[::-1]), strict=True))
        ]
        prepared = to_update(organisation.catalog, organisation.catalog.modules["Contacts"], changes)
        outcomes, asked = counted("Contacts", lambda change: change.update(prepared))
        assert {outcome.status for outcome in outcomes} == {200}
        assert len(asked) <= MOST_QUESTIONS, asked

    def test_of_an_update_of_subforms(self, organisation, counted, inserted, products):
        ids, _ = inserted("Quotes", quotes(products))
        changes = [
            {"id": identity, **record} for identity, record in zip(ids, quotes(products[::-1]), strict=True)
        ]
        prepared = to_update(organisation.catalog, organisation.catalog.modules["Quotes"], changes)
        outcomes, asked = counted("Quotes", lambda change: change.update(prepared))
        assert {outcome.status for outcome in outcomes} == {200}
        assert len(asked) <= MOST_QUESTIONS, asked

    def test_of_an_update_of_rows_that_are_there(self, organisation, counted, inserted, products):
        ids, _ = inserted("Quotes", quotes(products))
        items = organisation.catalog.modules["Quoted_Items"]
        parent = items.fields["Parent_Id"].column

        async def stored():
            return await organisation.store.write(
                lambda t: t.children(items, parent, [int(record_id) for record_id in ids])
            )

        rows = asyncio.run(stored())
        changes = [
            {
                "id": identity,
                "Quoted_Items": [
                    {"id": str(first["id"]), "Quantity": 7},
                    {"id": str(second["id"]), "_delete": None},
                ],
            }
            for identity in ids
            for first, second, _ in [rows[int(identity)]]
        ]
        prepared = to_update(organisation.catalog, organisation.catalog.modules["Quotes"], changes)
        outcomes, asked = counted("Quotes", lambda change: change.update(prepared))
        assert {outcome.status for outcome in outcomes} == {200}
        assert len(asked) <= MOST_QUESTIONS, asked
        assert {len(left) for left in asyncio.run(stored()).values()} == {2}

    def test_of_an_upsert_of_which_half_are_there(self, organisation, counted, inserted, accounts):
        inserted("Contacts", contacts(accounts, 50))
        module = organisation.catalog.modules["Contacts"]
        prepared = to_upsert(organisation.catalog, module, contacts(accounts))
        outcomes, asked = counted(
            "Contacts", lambda change: change.upsert(prepared, [module.fields["Email"]])
        )
        actions = [outcome.document["action"] for outcome in outcomes]
        assert (actions.count("update"), actions.count("insert")) == (50, 50)
        assert len(asked) <= MOST_QUESTIONS, asked

    def test_of_an_insert_with_rows_and_links(self, inserted_with_rows):
        _, asked = inserted_with_rows
        assert len(asked) <= MOST_QUESTIONS, asked

    def test_of_an_update_of_rows_and_links(self, linked, counted, products, inserted_with_rows):
        ids, _ = inserted_with_rows
        changes = [
            {"id": identity, **record}
            for identity, record in zip(ids, with_rows(products, linked.metadata, skip=2), strict=True)
        ]
        prepared = to_update(linked.catalog, linked.catalog.modules["Leads"], changes)
        outcomes, asked = counted("Leads", lambda change: change.update(prepared))
        assert {outcome.status for outcome in outcomes} == {200}, outcomes
        assert len(asked) <= MOST_QUESTIONS, asked

    def test_of_links_that_come_alone(self, linked, counted, inserted, products):
        leads, _ = inserted("Leads", [{"Last_Name": f"Name {n}"} for n in range(100)])
        links = [
            {"Leads": {"id": lead}, "Interests": {"id": product}}
            for lead, product in zip(leads, products, strict=True)
        ]
        ids, asked = inserted("Leads_X_Products", links)
        assert len(asked) <= MOST_QUESTIONS, asked
        module = linked.catalog.modules["Leads_X_Products"]
        changes = [
            {"id": identity, "Interests": {"id": product}}
            for identity, product in zip(ids, products[::-1], strict=True)
        ]
        prepared = to_update(linked.catalog, module, changes)
        outcomes, asked = counted("Leads_X_Products", lambda change: change.update(prepared))
        assert {outcome.status for outcome in outcomes} == {200}, outcomes
        assert len(asked) <= MOST_QUESTIONS, asked

    def test_of_a_delete_of_records_with_links(self, counted, inserted_with_rows):
        ids, _ = inserted_with_rows
        outcomes, asked = counted("Leads", lambda change: change.delete([int(identity) for identity in ids]))
        assert {outcome.status for outcome in outcomes} == {200}
        assert len(asked) <= MOST_QUESTIONS, asked

    def test_of_a_delete(self, counted, inserted, products):
        ids, _ = inserted("Quotes", quotes(products))
        outcomes, asked = counted("Quotes", lambda change: change.delete([int(identity) for identity in ids]))
        assert {outcome.status for outcome in outcomes} == {200}
        assert len(asked) <= MOST_QUESTIONS, asked


def test_a_row_that_an_earlier_record_of_the_request_removed_is_gone_for_the_next(crm):
    (product,) = crm.insert("Products", {"Product_Name": "Buoy", "Unit_Price": 10})
    lines = [{"Product_Name": {"id": product}, "Quantity": quantity} for quantity in (1, 2)]
    (quote,) = crm.insert("Quotes", {"Subject": "a", "Quoted_Items": lines})
    first, second = (line["id"] for line in crm.only(f"Quotes/{quote}")["Quoted_Items"])
    remove = {"id": quote, "Quoted_Items": [{"id": first, "_delete": None}]}
    again = {"id": quote, "Quoted_Items": [{"id": first, "Quantity": 5}]}
    discount = {"id": quote, "Discount": 1}
    answer = crm.put("Quotes", {"data": [remove, again, discount]})
    assert [outcome["code"] for outcome in answer.data] == ["SUCCESS", "INVALID_DATA", "SUCCESS"]
    record = crm.only(f"Quotes/{quote}")
    assert [line["id"] for line in record["Quoted_Items"]] == [second]
    assert (record["Sub_Total"], record["Grand_Total"]) == (20, 19)


# Few values, so that they meet.
names = st.sampled_from(["Ann", "ann", "Bob", None])
emails = st.sampled_from(["a@b.example", "A@B.example", "c@d.example", None, "no address"])
lead = st.fixed_dictionaries(
    {},
    optional={
        "Last_Name": names,
        "Email": emails,
        "Company": st.sampled_from(["One", "Two"]),
        "Tag": st.lists(st.sampled_from(["hot", "HOT", "cold"]), max_size=2),
        "id": st.integers(0, 4),
    },
)
requests = st.lists(
    st.tuples(
        st.sampled_from(["insert", "update", "upsert", "delete"]), st.lists(lead, min_size=1, max_size=6)
    ),
    min_size=1,
    max_size=4,
)


def plain(value, ids):
    """A document with the ordinal of each record in place of its id."""
    text = json.dumps(value)
    for number, identity in enumerate(ids):
        text = text.replace(identity, f"<{number}>")
    return json.loads(text)


class Side:
    """One of two organisations that are asked for the same."""

    def __init__(self, caller) -> None:
        self._caller = caller
        self.ids = []

    def run(self, action, records, *, alone):
        if action == "delete":
            sent = [self.ids[record["id"]] for record in records if record.get("id", 9) < len(self.ids)]
        else:
            sent = [self._with_id(record, action) for record in records]
        groups = [[one] for one in sent] if alone else [sent] * bool(sent)
        return [outcome for group in groups for outcome in self._request(action, group)]

    def _request(self, action, sent):
        if action == "delete":
            return self._told(self._caller.call("DELETE", "Leads", {"ids": ",".join(sent)}))
        method = "PUT" if action == "update" else "POST"
        path = "Leads/upsert" if action == "upsert" else "Leads"
        return self._told(self._caller.call(method, path, None, {"data": sent}))

    def _with_id(self, record, action):
        known = record.get("id", 9) < len(self.ids)
        rest = {key: value for key, value in record.items() if key != "id"}
        return rest | ({"id": self.ids[record["id"]]} if known and action != "insert" else {})

    def _told(self, answer):
        outcomes = [
            (
                o["code"],
                o.get("action"),
                o.get("duplicate_field"),
                o["details"].get("api_name"),
                o["details"].get("id"),
            )
            for o in answer.data
        ]
        for code, *_, identity in outcomes:
            if code == "SUCCESS" and identity not in self.ids:
                self.ids.append(identity)
        return plain(outcomes, self.ids)

    def state(self):
        answer = self._caller.get(
            "Leads", fields="Last_Name,Email,Company,Tag", sort_by="id", sort_order="asc"
        )
        rows = answer.data if answer.status == 200 else []
        return plain(
            [
                [r["id"], r["Last_Name"], r["Email"], r["Company"], [t["name"] for t in r["Tag"]]]
                for r in rows
            ],
            self.ids,
        )


# Of three products, and one that is not there.
targets = st.integers(0, 3)
link_rows = st.lists(
    st.one_of(
        st.fixed_dictionaries({"Interests": targets}),
        st.fixed_dictionaries({"id": st.integers(0, 3), "Interests": targets}),
        st.fixed_dictionaries({"id": st.integers(0, 3), "_delete": st.none()}),
    ),
    max_size=4,
)
link_updates = st.lists(st.tuples(st.integers(0, 1), link_rows), min_size=1, max_size=5)


class Links:
    """What the links of two leads should be: lists of products, and what an update of one of them answers."""

    def __init__(self, crm, leads, products):
        self.crm, self.leads, self.products = crm, leads, products
        self.expected = [[], []]

    def rows(self, lead):
        return self.crm.only(f"Leads/{self.leads[lead]}")["Interests"]

    def sent(self, lead, rows):
        """The rows as they are sent; a row is named by its place among those that the lead has now."""
        ids = [row["id"] for row in self.rows(lead)]
        named = [
            {
                **({"id": ids[row["id"]] if row["id"] < len(ids) else "999"} if "id" in row else {}),
                **({"Interests": {"id": self.products[row["Interests"]]}} if "Interests" in row else {}),
                **({"_delete": None} if "_delete" in row else {}),
            }
            for row in rows
        ]
        return {"id": self.leads[lead], "Interests": named}

    def expect(self, lead, rows):
        """What the update should answer; if it succeeds, the links are then what they should be."""
        links = list(enumerate(self.expected[lead]))
        if any(row.get("Interests") == 3 for row in rows):
            return "INVALID_DATA"
        if not rows:
            links = []
        for row in rows:
            if "id" not in row:
                links.append((None, row["Interests"]))
            elif row["id"] not in [place for place, _ in links]:
                return "INVALID_DATA"
            elif "_delete" in row:
                links = [one for one in links if one[0] != row["id"]]
            else:
                links = [(place, row["Interests"] if place == row["id"] else to) for place, to in links]
        targets = [to for _, to in links]
        if len(set(targets)) < len(targets):
            return "DUPLICATE_LINKING_DATA"
        self.expected[lead] = targets
        return "SUCCESS"


def test_links_are_what_the_updates_say_and_never_lead_twice_to_the_same(crm):
    links = {"module": {"api_name": "Products"}}
    made(crm, field("Interests", "multiselectlookup", multiselectlookup=links))
    products = [*crm.insert("Products", *[{"Product_Name": str(n)} for n in range(3)]), "999"]

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(link_updates)
    def check(updates):
        side = Links(crm, crm.insert("Leads", {"Last_Name": "a"}, {"Last_Name": "b"}), products)
        for lead, rows in updates:
            answer = crm.put("Leads", {"data": [side.sent(lead, rows)]})
            assert answer.data[0]["code"] == side.expect(lead, rows)
            for number, expected in enumerate(side.expected):
                assert [row["Interests"]["name"] for row in side.rows(number)] == [str(to) for to in expected]

    check()


def test_records_of_one_request_fare_as_if_each_came_alone(service, make_organisation, caller_of):
    callers = []
    for slug in ("together", "alone"):
        make_organisation(slug, unique=("Leads.Email",))
        callers.append(slug)

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(requests)
    def check(asked):
        sides = []
        for slug in callers:
            service.organisations.reset(slug)
            sides.append(Side(caller_of(slug)))
        for action, records in asked:
            unique = {json.dumps(r.get("id")) for r in records}
            if action == "delete" and len(unique) < len(records):
                continue  # The same id twice in one delete is one deletion.
            together = sides[0].run(action, records, alone=False)
            assert together == sides[1].run(action, records, alone=True)
            assert sides[0].state() == sides[1].state()

    check()
