"""The records a demo organisation starts with: the customers, deals and daily work of a maker of sensors.

What people wrote stands in `sample.json`; dates, amounts and links are drawn from a fixed seed, so that every
demo is alike. Nothing here leads to a real person: mail ends at `.example`, phone numbers are never assigned.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from random import Random
from typing import Any, TypeAlias

_SEED = 1729
_SATURDAY = 5
# Activities lie in the American morning, which is the European evening: working time for most of the users.
_OFFICE_HOURS = range(15, 23)
_CARRIERS = ("DHL", "UPS", "FedEX", "BlueDart")
_PAPER_STATUSES = ("Created", "Approved", "Approved", "Delivered", "Delivered", "Cancelled")
_STAGES = (
    "Qualification", "Needs Analysis", "Closed Won", "Value Proposition", "Proposal/Price Quote",
    "Id. Decision Makers", "Closed Won", "Negotiation/Review", "Closed Lost", "Closed Lost to Competition",
)  # fmt: skip
_QUOTE_STAGES = {
    "Proposal/Price Quote": ("Draft", "Delivered"),
    "Negotiation/Review": ("Negotiation", "On Hold"),
    "Closed Won": ("Confirmed", "Closed Won"),
}


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """`values` is what a client would POST, except that a lookup is `{"$ref": key of an earlier record}`.

    `owner` is the index of a user; `age_days` says how long ago the record was created.
    """

    key: str
    values: dict[str, Any]
    owner: int
    age_days: float


@dataclass(frozen=True, slots=True)
class SampleBatch:
    """Records of one module, oldest first."""

    module: str
    records: list[SampleRecord]


def sample_records(now: datetime, users: int) -> Iterator[SampleBatch]:
    """All sample records around `now` (aware) for `users` users (one or more).

    What a record refers to comes before it and is older than it.
    """
    desk = _Desk(now, users)
    for module, write in _WRITERS.items():
        write(desk)
        desk.made[module].sort(key=lambda one: -one.age_days)
        yield SampleBatch(module, desk.made[module])


class _Desk:
    """What the writers share: the texts, the dice, the calendar, and the records made so far."""

    def __init__(self, now: datetime, users: int) -> None:
        self.texts: dict[str, Any] = json.loads((files(__package__) / "sample.json").read_bytes())
        self.made: dict[str, list[SampleRecord]] = {}
        self._now = now.astimezone(UTC)
        self._users = users
        self._random = Random(_SEED)  # noqa: S311 - the point is that everyone draws the same.
        self._by_key: dict[str, SampleRecord] = {}

    # Records

    def rows(self, module: str) -> list[dict[str, Any]]:
        table = self.texts["tables"][module]
        return [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]

    def add(self, module: str, values: dict[str, Any], youngest: float, oldest: float) -> None:
        """Add a record of an age in days, younger than all it refers to and owned by the owner of the first."""
        made = self.made.setdefault(module, [])
        given = {name: value for name, value in values.items() if value is not None}
        references = [self._by_key[key] for key in _references(given)]
        oldest = min([oldest, *(one.age_days * 0.98 for one in references)])
        age_days = round(self.between(min(youngest, oldest * 0.8), oldest), 4)
        anyone = self.number(0, self._users)
        record = SampleRecord(
            f"{module}-{len(made)}", given, references[0].owner if references else anyone, age_days
        )
        self._by_key[record.key] = record
        made.append(record)

    def target(self, record: SampleRecord, lookup: str) -> SampleRecord:
        """The record that a lookup of another one refers to."""
        return self._by_key[record.values[lookup]["$ref"]]

    def older(self, module: str, days: float) -> SampleRecord:
        """Any record that existed a day earlier than `days` ago."""
        found: SampleRecord = self.pick([one for one in self.made[module] if one.age_days > days + 1])
        return found

    # Dice

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[self.number(0, len(choices))]

    def text(self, subject: str, probability: float = 1) -> str | None:
        return self.pick(self.texts[subject]) if self.chance(probability) else None

    def few(self, choices: Sequence[Any], most: int) -> list[Any]:
        return self._random.sample(choices, self.number(1, min(most, len(choices)) + 1))

    def number(self, start: int, stop: int) -> int:
        return start + int(self.between(0, 1) * (stop - start))

    def between(self, low: float, high: float) -> float:
        # Always one draw, so that nothing else depends on how many users there are.
        return low + self._random.random() * (high - low)

    def chance(self, probability: float) -> bool:
        return self.between(0, 1) < probability

    def amount(self, low: int, high: int) -> float:
        """Money as people write it in a forecast: mostly small, in round steps."""
        return float(round(low + (high - low) * self.between(0, 1) ** 2, -2))

    # Calendar

    def date(self, days: float) -> str:
        return self._workday(days).date().isoformat()

    def moment(self, days: float) -> datetime:
        """A quarter of an hour within the office hours of a workday, at least a day from now."""
        hour, minute = self.pick(_OFFICE_HOURS), self.pick((0, 15, 30, 45))
        return self._workday(days).replace(hour=hour, minute=minute, second=0, microsecond=0)

    def ago(self, moment: datetime) -> float:
        return (self._now - moment) / timedelta(days=1)

    def _workday(self, days: float) -> datetime:
        """The day itself; for a weekend the Friday before it, or the Monday after when it is still to come."""
        day = self._now + timedelta(days=days)
        into_weekend = day.weekday() - _SATURDAY
        if into_weekend < 0:
            return day
        return day + timedelta(days=2 - into_weekend if days > 0 else -1 - into_weekend)


_Writer: TypeAlias = Callable[[_Desk], None]


def _ref(record: SampleRecord) -> dict[str, str]:
    return {"$ref": record.key}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


# Companies, people, and what is sold


def _table(desk: _Desk, module: str, youngest: float, oldest: float) -> None:
    """Records that are written out in full."""
    for row in desk.rows(module):
        desk.add(module, row, youngest, oldest)


def _leads(desk: _Desk) -> None:
    rows = desk.rows("Leads")
    for left, row in zip(range(len(rows) - 1, -1, -1), rows, strict=True):
        # Most leads are young: the list is about the last weeks, and the last one came half an hour ago.
        age = 120 * (left / len(rows)) ** 2 + 0.02
        desk.add("Leads", row, age, age + 0.005)


def _campaigns(desk: _Desk) -> None:
    for row in desk.rows("Campaigns"):
        start, days = row.pop("start"), row.pop("days")
        row |= {"Start_Date": desk.date(start), "End_Date": desk.date(start + days)}
        planned = max(3, 25 - start)  # Days ago: some weeks before it starts.
        desk.add("Campaigns", row, planned, planned + 15)


def _deals(desk: _Desk) -> None:
    contacts, projects = desk.made["Contacts"], desk.texts["projects"]
    for n in range(40):
        stage, project = _STAGES[n % len(_STAGES)], projects[(n * 4 + n // 15) % len(projects)]
        contact = contacts[n * 7 % len(contacts)]
        account = desk.target(contact, "Account_Name")
        closed = stage.startswith("Closed")
        # Some open deals are overdue, as they are everywhere.
        closing = -desk.between(2, 110) if closed else desk.between(-9, 95)
        age = max(4.0, 10 - closing)
        reasons = {"Closed Lost": desk.text("loss_reasons"), "Closed Lost to Competition": "Competition"}
        values = {
            "Deal_Name": f"{account.values['Account_Name']}: {project}",
            "Account_Name": _ref(account),
            "Contact_Name": _ref(contact),
            "Campaign_Source": _ref(desk.older("Campaigns", age + 60)) if desk.chance(0.4) else None,
            "Stage": stage,
            "Pipeline": "Standard (Standard)",
            "Amount": desk.amount(1_800, 96_000),
            "Closing_Date": desk.date(closing),
            "Type": "New Business" if desk.chance(0.6) else "Existing Business",
            "Lead_Source": desk.text("lead_sources"),
            "Next_Step": None if closed else desk.text("next_steps"),
            "Reason_For_Loss__s": reasons.get(stage),
            "Description": desk.text("deal_remarks", 0.7),
            "Tag": [{"name": desk.text("tags")}] if desk.chance(0.2) else None,
        }
        desk.add("Deals", values, age, age + 60)


# Papers: quotes become orders, and orders become invoices


def _quotes(desk: _Desk) -> None:
    offered = [one for one in desk.made["Deals"] if one.values["Stage"] in _QUOTE_STAGES]
    won_first = sorted(offered, key=lambda one: one.values["Stage"] != "Closed Won")
    for deal in won_first[:12]:
        age = deal.age_days * 0.8
        values = {
            "Subject": f"Quote for {deal.values['Deal_Name']}",
            "Deal_Name": _ref(deal),
            "Quote_Stage": desk.pick(_QUOTE_STAGES[deal.values["Stage"]]),
            "Valid_Till": desk.date(30 - age),
            "Carrier": desk.pick(_CARRIERS),
            "Quoted_Items": _lines(desk, desk.made["Products"], deal.values["Amount"]),
            "Terms_and_Conditions": desk.texts["terms"],
            **_parties(desk, deal),
        }
        desk.add("Quotes", values, age * 0.8, age)


def _sales_orders(desk: _Desk) -> None:
    accepted = [
        one for one in desk.made["Quotes"] if one.values["Quote_Stage"] in _QUOTE_STAGES["Closed Won"]
    ]
    for n in range(10):
        quote = accepted[n % len(accepted)]  # Who ordered early orders again.
        age = quote.age_days * 0.8
        values = {
            "Subject": quote.values["Subject"].replace("Quote for", f"Order {n + 1}:"),
            "Quote_Name": _ref(quote),
            "Deal_Name": quote.values["Deal_Name"],
            "Purchase_Order": f"PO-{desk.number(2000, 9000)}",
            "Status": desk.pick(_PAPER_STATUSES),
            "Due_Date": desk.date(21 - age),
            "Carrier": quote.values["Carrier"],
            "Ordered_Items": quote.values["Quoted_Items"],
            **_parties(desk, quote),
        }
        desk.add("Sales_Orders", values, age * 0.9, age)


def _invoices(desk: _Desk) -> None:
    for order in desk.made["Sales_Orders"]:
        age = order.age_days * 0.7
        values = {
            "Subject": order.values["Subject"].replace("Order", "Invoice for order"),
            "Sales_Order": _ref(order),
            "Purchase_Order": order.values["Purchase_Order"],
            "Status": desk.pick(_PAPER_STATUSES),
            "Invoice_Date": desk.date(-age),
            "Due_Date": desk.date(30 - age),
            "Invoiced_Items": order.values["Ordered_Items"],
            **_parties(desk, order),
        }
        desk.add("Invoices", values, age * 0.98, age)


def _purchase_orders(desk: _Desk) -> None:
    for n in range(8):
        vendor = desk.target(desk.made["Products"][n * 3], "Vendor_Name")
        supplied = [one for one in desk.made["Products"] if one.values["Vendor_Name"] == _ref(vendor)]
        ordered = desk.between(2, 80)
        values = {
            "Subject": f"{vendor.values['Category']}, lot {n + 11}",
            "Vendor_Name": _ref(vendor),
            "PO_Number": f"HP-{1180 + n}",
            "Requisition_No": f"R{desk.number(300, 999)}",
            "PO_Date": desk.date(-ordered),
            "Due_Date": desk.date(35 - ordered),
            "Status": desk.pick(_PAPER_STATUSES),
            "Carrier": desk.pick(_CARRIERS),
            "Purchase_Items": _lines(desk, supplied, desk.amount(900, 24_000), 0.55),
        }
        desk.add("Purchase_Orders", values, ordered * 0.98, ordered)


def _lines(
    desk: _Desk, products: Sequence[SampleRecord], budget: float, share: float = 1
) -> list[dict[str, Any]]:
    """One to four lines worth about the budget, at a share of the list price: we buy for less than we ask."""
    lines = []
    chosen = desk.few(products, 4)
    for product in chosen:
        price = round(product.values["Unit_Price"] * share, 2)
        quantity = float(max(1, round(budget / len(chosen) / price)))
        line = {"Product_Name": _ref(product), "Quantity": quantity, "List_Price": price}
        if desk.chance(0.3):
            line["Discount"] = round(price * quantity * 0.05, 2)
        lines.append(line)
    return lines


def _parties(desk: _Desk, source: SampleRecord) -> dict[str, Any]:
    """Who a paper is for and where it goes, from the deal or the paper before it."""
    account = desk.target(source, "Account_Name").values
    places = {name: value for name, value in account.items() if name.startswith(("Billing_", "Shipping_"))}
    return {name: source.values[name] for name in ("Account_Name", "Contact_Name")} | places


# The daily work


def _tasks(desk: _Desk) -> None:
    past = ("Completed", "Completed", "In Progress", "Waiting on someone else")
    coming = ("Not Started", "Not Started", "In Progress", "Deferred", "Completed")
    for _ in range(45):
        due = desk.between(-20, 25)
        age = max(0.3, 2 - due)
        values = {
            **_about(desk, age + 5),
            "Subject": desk.text("tasks"),
            "Due_Date": desk.date(due),
            "Status": desk.pick(past if due < 0 else coming),
            "Priority": desk.pick(("Normal", "Normal", "Normal", "High", "Highest", "Low")),
            "Description": desk.text("task_remarks", 0.4),
        }
        desk.add("Tasks", values, age, age + 5)


def _events(desk: _Desk) -> None:
    meetings = desk.rows("Events")
    for n in range(30):
        start = desk.moment((1, -1)[n % 2] * desk.between(1, 28))
        age = max(0.3, desk.ago(start) + 3)
        row = dict(meetings[n % len(meetings)])
        values = {
            **_about(desk, age + 7),
            "Start_DateTime": start.isoformat(),
            "End_DateTime": (start + timedelta(minutes=row.pop("minutes"))).isoformat(),
            "Venue": desk.text("rooms") if row["Meeting_Venue__s"] == "In-office" else None,
            **row,
        }
        desk.add("Events", values, age, age + 7)


def _calls(desk: _Desk) -> None:
    topics = desk.rows("Calls")
    for n in range(36):
        coming = n % 6 == 0
        start = desk.moment(desk.between(1, 9) if coming else -desk.between(1, 40))
        age = max(0.3, desk.ago(start))
        kind = "Outbound" if coming else desk.pick(("Outbound", "Outbound", "Inbound", "Missed"))
        minutes = 0 if kind == "Missed" else 15 if coming else desk.number(2, 38)
        topic = desk.pick(topics)
        values = {
            **topic,
            **_about(desk, age + 1),
            "Subject": topic["Call_Agenda"],
            "Call_Type": kind,
            "Call_Start_Time": start.isoformat(),
            # A missed call lasted as long as it rang; a coming one lasts as long as planned.
            "Call_Duration": f"{minutes:02}:{desk.number(10, 59) if not coming else 0:02}",
            "Call_Result": desk.text("call_results") if minutes and not coming else None,
        }
        if kind == "Outbound":
            values["Outgoing_Call_Status"] = "Scheduled" if coming else "Completed"
        desk.add("Calls", values, age * 0.999, age)


def _about(desk: _Desk, days: float) -> dict[str, Any]:
    """Whom and what an activity is about: a deal and its contact, or a contact and the account."""
    if desk.chance(0.7):
        deal = desk.older("Deals", days)
        return {"What_Id": _ref(deal), "$se_module": "Deals", "Who_Id": deal.values["Contact_Name"]}
    contact = desk.older("Contacts", days)
    return {"What_Id": contact.values["Account_Name"], "$se_module": "Accounts", "Who_Id": _ref(contact)}


def _cases(desk: _Desk) -> None:
    for row in desk.rows("Cases"):
        contact = desk.pick(desk.made["Contacts"])
        person = contact.values
        row |= {
            "Related_To": _ref(contact),
            "Account_Name": person["Account_Name"],
            "Reported_By": " ".join(person[name] for name in ("First_Name", "Last_Name")),
            "Email": person["Email"],
            "Phone": person["Phone"],
            "Status": "Closed" if row["Solution"] else desk.pick(("New", "New", "On Hold", "Escalated")),
        }
        desk.add("Cases", row, *((20, 150) if row["Solution"] else (0.1, 18)))


def _notes(desk: _Desk) -> None:
    parents = ("Deals", "Contacts", "Accounts", "Leads")
    for n, row in enumerate(desk.rows("Notes")):
        module = parents[n % len(parents)]
        row |= {"Parent_Id": _ref(desk.older(module, 3)), "$se_module": module}
        desk.add("Notes", row, 0.1, 75)


_WRITERS: dict[str, _Writer] = {
    "Vendors": partial(_table, module="Vendors", youngest=700, oldest=900),
    "Products": partial(_table, module="Products", youngest=430, oldest=690),
    "Price_Books": partial(_table, module="Price_Books", youngest=380, oldest=430),
    "Accounts": partial(_table, module="Accounts", youngest=430, oldest=690),
    "Contacts": partial(_table, module="Contacts", youngest=240, oldest=420),
    "Leads": _leads,
    "Campaigns": _campaigns,
    "Deals": _deals,
    "Solutions": partial(_table, module="Solutions", youngest=30, oldest=300),
    "Cases": _cases,
    "Quotes": _quotes,
    "Sales_Orders": _sales_orders,
    "Invoices": _invoices,
    "Purchase_Orders": _purchase_orders,
    "Tasks": _tasks,
    "Events": _events,
    "Calls": _calls,
    "Notes": _notes,
}
