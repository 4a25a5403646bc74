"""Tasks of people who want to know something, each as the calls of tools that a sensible agent makes for it.

Whoever makes a tool dearer has to raise a bound here, and say why.
"""

from tests.mcp.agent import Agent, Task, day, declaring, name_in

CLOSED = "('Closed Won', 'Closed Lost', 'Closed Lost to Competition')"

QUESTIONS: list[Task] = []
task = declaring(QUESTIONS)


@task("Which accounts can you use?", calls=1, size=340)
async def accounts(use: Agent) -> None:
    assert "tasks" in (await use("list_accounts")).text


@task("Who owns the lead Marguerite Stillwater?", calls=1, size=300)
async def owner_of_a_lead(use: Agent) -> None:
    lead = await use.one("Leads", "Marguerite Stillwater", "Owner")
    assert name_in(lead["Owner"]) == "Ana Moreira"


@task("What is the phone number of Jasper Quillfeather?", calls=1, size=280)
async def phone_of_a_contact(use: Agent) -> None:
    assert (await use.one("Contacts", "Quillfeather", "Phone"))["Phone"] == "+44 20 7946 0135"


@task("Whose e-mail address is hello@paperboat.example?", calls=1, size=320)
async def who_has_an_address(use: Agent) -> None:
    found = await use(
        "search_records", module="Leads", email="hello@paperboat.example", fields=["Last_Name", "Company"]
    )
    assert [lead["Company"] for lead in found.records] == ["Paper Boat Agency"]


@task("We missed a call from +1-512-555-0171. Which customer was that?", calls=1, size=300)
async def who_called(use: Agent) -> None:
    found = await use("search_records", module="Accounts", phone="+1-512-555-0171", fields=["Account_Name"])
    assert [account["Account_Name"] for account in found.records] == ["Copperfinch Robotics"]


@task("What do we know about Winston Achebe-Lloyd?", calls=1, size=480)
async def all_of_a_lead(use: Agent) -> None:
    found = await use("search_records", module="Leads", words="Achebe-Lloyd")
    assert "Lamplight Festivals" in found.text


@task("Which leads from trade shows has nobody contacted yet?", calls=1, size=440)
async def leads_by_two_fields(use: Agent) -> None:
    where = "(Lead_Source:equals:Trade Show)and(Lead_Status:equals:Not Contacted)"
    found = await use("search_records", module="Leads", where=where, fields=["Last_Name", "Company"])
    assert {lead["Last_Name"] for lead in found.records} == {"Robin", "Seetoh-Wong"}


@task("Show me the ten newest leads.", calls=1, size=1500)
async def newest_leads(use: Agent) -> None:
    found = await use(
        "search_records", module="Leads", fields=["Full_Name", "Company", "Created_Time"], limit=10
    )
    times = [lead["Created_Time"] for lead in found.records]
    assert len(times) == 10 and times == sorted(times, reverse=True)


@task("Which customers do we have in Germany?", calls=1, size=460)
async def accounts_of_a_country(use: Agent) -> None:
    where = "(Billing_Country:equals:Germany)and(Account_Type:equals:Customer)"
    found = await use(
        "search_records", module="Accounts", where=where, fields=["Account_Name", "Billing_City"]
    )
    assert {"Spreewerk Mobilität", "Kaffeekontor Lindhoop"} <= {row["Account_Name"] for row in found.records}


@task("How much is a Gateway G4 Marine, and how many do we have?", calls=1, size=320)
async def a_product(use: Agent) -> None:
    product = await use.one("Products", "Gateway Marine", "Unit_Price", "Qty_in_Stock")
    assert (product["Unit_Price"], product["Qty_in_Stock"]) == (529, 282)


@task("Give me names and addresses of all leads.", calls=2, size=5930)
async def all_leads_in_pages(use: Agent) -> None:
    asked = {"module": "Leads", "fields": ["Full_Name", "Email"], "limit": 40}
    first = await use("search_records", **asked)
    second = await use("search_records", **asked, cursor=first.data["cursor"])
    assert len({lead["id"] for lead in first.records + second.records}) == 60
    assert "cursor" not in second.data


@task("Which open deals are above 60,000?", calls=3, size=1760)
async def large_open_deals(use: Agent) -> None:
    asked = (
        "select Deal_Name, Amount, Stage from Deals where Amount > 60000 and Stage {} order by Amount desc"
    )
    refused = await use.tried("query_records", coql=asked.format("not like 'Closed%'"))  # Not of a picklist.
    assert refused.failed and "describe_module" in refused.text
    assert "Closed Lost to Competition" in (await use("describe_module", module="Deals", match="stage")).text
    deals = await use.asked(asked.format(f"not in {CLOSED}"))
    assert [deal["Amount"] for deal in deals] == [82300, 77500, 70400, 68400, 65500, 64400]


@task("Which deals above 10,000 shall close within the next four weeks?", calls=1, size=1500)
async def deals_that_close_soon(use: Agent) -> None:
    deals = await use.asked(
        "select Deal_Name, Amount, Closing_Date, Owner.last_name from Deals"
        f" where ((Closing_Date between '{day(0)}' and '{day(28)}') and Amount > 10000) and Stage not in {CLOSED}"
        " order by Closing_Date asc"
    )
    assert "Lantern Dock Pharma: alarm plan for all sites" in [deal["Deal_Name"] for deal in deals]


@task("How many leads came from each source?", calls=1, size=530)
async def leads_by_source(use: Agent) -> None:
    groups = await use.asked(
        "select Lead_Source, COUNT(id) as leads from Leads where id is not null group by Lead_Source"
        " order by leads desc"
    )
    assert sum(group["leads"] for group in groups) == 60


@task("What are our open deals worth, stage by stage?", calls=1, size=570)
async def pipeline(use: Agent) -> None:
    groups = await use.asked(
        f"select Stage, COUNT(id) as deals, SUM(Amount) as amount from Deals where Stage not in {CLOSED}"
        " group by Stage"
    )
    assert sum(group["deals"] for group in groups) == 24


@task("How many contacts do we have?", calls=1, size=230)
async def count_contacts(use: Agent) -> None:
    [row] = await use.asked("select COUNT(id) as contacts from Contacts where id is not null")
    assert row["contacts"] == 48


@task("Who are our people at Pearl Quay Hospitality?", calls=1, size=520)
async def contacts_of_an_account(use: Agent) -> None:
    people = await use.asked(
        "select Full_Name, Title, Email from Contacts where Account_Name.Account_Name = 'Pearl Quay Hospitality'"
    )
    assert {person["Full_Name"] for person in people} == {"Mr. Khalid Al-Marzani", "Ms. Rasha Qabbanji"}


@task("Which tasks are overdue?", calls=1, size=1600)
async def overdue_tasks(use: Agent) -> None:
    tasks = await use.asked(
        f"select Subject, Due_Date, Status, Owner.last_name from Tasks where Due_Date < '{day(0)}'"
        " and Status != 'Completed' order by Due_Date asc",
        limit=20,
    )
    assert tasks and all(record["Due_Date"] < day(0) for record in tasks)


@task("Which sales person has won the most?", calls=1, size=380)
async def best_seller(use: Agent) -> None:
    groups = await use.asked(
        "select Owner.last_name, SUM(Amount) as won from Deals where Stage = 'Closed Won' group by Owner.last_name"
        " order by won desc"
    )
    assert groups[0]["won"] >= groups[-1]["won"] > 0


@task("Are there leads with the same e-mail address?", calls=1, size=510)
async def duplicates(use: Agent) -> None:
    groups = await use.asked(
        "select Email, COUNT(id) as times from Leads where Email is not null group by Email order by times desc",
        limit=3,
    )
    assert groups[0]["times"] == 1


@task("What did we note about the deal with Lantern Dock Pharma about alarms?", calls=2, size=930)
async def notes_of_a_deal(use: Agent) -> None:
    deal = await use.one("Deals", "Lantern Dock alarm", "Deal_Name")
    got = await use(
        "get_records", module="Deals", ids=[deal["id"]], fields=["Deal_Name", "Stage"], include="notes"
    )
    assert "Next year" in got.text


@task("Which fields must a contact have?", calls=1, size=260)
async def required_fields(use: Agent) -> None:
    described = await use("describe_module", module="Contacts", match="required")
    assert "Last_Name" in described.text


@task("In which stages can a deal be?", calls=1, size=450)
async def stages(use: Agent) -> None:
    assert "Negotiation/Review" in (await use("describe_module", module="Deals", match="stage")).text


@task("What does this CRM keep?", calls=1, size=970)
async def modules(use: Agent) -> None:
    described = await use("describe_module")
    assert "Leads" in described.text and "Price_Books" in described.text
