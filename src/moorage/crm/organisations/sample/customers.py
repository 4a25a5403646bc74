"""Leads, campaigns and deals, and the records of other modules that are written out in full."""

from moorage.crm.organisations.sample.composer import Composer, reference

_STAGES = (
    "Qualification", "Needs Analysis", "Closed Won", "Value Proposition", "Proposal/Price Quote",
    "Id. Decision Makers", "Closed Won", "Negotiation/Review", "Closed Lost", "Closed Lost to Competition",
)  # fmt: skip


def table(composer: Composer, module: str, youngest: float, oldest: float) -> None:
    """Add all records of a module that are written out in full."""
    for row in composer.rows(module):
        composer.add(module, row, youngest, oldest)


def leads(composer: Composer) -> None:
    rows = composer.rows("Leads")
    for following, row in zip(range(len(rows) - 1, -1, -1), rows, strict=True):
        # Most leads are from the last weeks; the last lead is half an hour old.
        age = 120 * (following / len(rows)) ** 2 + 0.02
        composer.add("Leads", row, age, age + 0.005)


def campaigns(composer: Composer) -> None:
    for row in composer.rows("Campaigns"):
        start, days = row.pop("start"), row.pop("days")
        row |= {"Start_Date": composer.date(start), "End_Date": composer.date(start + days)}
        age = max(3, 25 - start)  # A campaign is planned some weeks before it starts.
        composer.add("Campaigns", row, age, age + 15)


def deals(composer: Composer) -> None:
    contacts, projects = composer.records["Contacts"], composer.texts["projects"]
    for n in range(40):
        stage, project = _STAGES[n % len(_STAGES)], projects[(n * 4 + n // 15) % len(projects)]
        contact = contacts[n * 7 % len(contacts)]
        account = composer.target(contact, "Account_Name")
        closed = stage.startswith("Closed")
        # Some open deals are overdue, as in real organisations.
        closing = -composer.between(2, 110) if closed else composer.between(-9, 95)
        age = max(4.0, 10 - closing)
        reasons = {"Closed Lost": composer.text("loss_reasons"), "Closed Lost to Competition": "Competition"}
        values = {
            "Deal_Name": f"{account.values['Account_Name']}: {project}",
            "Account_Name": reference(account),
            "Contact_Name": reference(contact),
            "Campaign_Source": reference(composer.older("Campaigns", age + 60))
            if composer.chance(0.4)
            else None,
            "Stage": stage,
            "Pipeline": "Standard (Standard)",
            "Amount": composer.amount(1_800, 96_000),
            "Closing_Date": composer.date(closing),
            "Type": "New Business" if composer.chance(0.6) else "Existing Business",
            "Lead_Source": composer.text("lead_sources"),
            "Next_Step": None if closed else composer.text("next_steps"),
            "Reason_For_Loss__s": reasons.get(stage),
            "Description": composer.text("deal_remarks", 0.7),
            "Tag": [{"name": composer.text("tags")}] if composer.chance(0.2) else None,
        }
        composer.add("Deals", values, age, age + 60)
