"""Tasks of people who want something done, each as the calls of tools that a sensible agent makes for it.

Whoever makes a tool dearer has to raise a bound here, and say why.
"""

from tests.mcp.agent import Agent, Task, day, declaring, id_in

CHANGES: list[Task] = []
task = declaring(CHANGES)


@task("Note at the lead of the Paper Boat Agency: call back on Friday.", calls=2, size=400)
async def add_a_note(use: Agent) -> None:
    lead = await use.one("Leads", "Paper Boat Agency", "Company")
    await use("add_note", module="Leads", id=lead["id"], text="Call back on Friday.")
    [note] = use.see(f"Leads/{lead['id']}/Notes?fields=Note_Content")
    assert note["Note_Content"] == "Call back on Friday."


@task("Add a lead: Kim Lee of Lee Marine, kim@leemarine.example.", calls=1, size=350)
async def add_a_lead(use: Agent) -> None:
    await use.write(
        "Leads",
        "create",
        {"First_Name": "Kim", "Last_Name": "Lee", "Company": "Lee Marine", "Email": "kim@leemarine.example"},
    )
    [lead] = use.see("Leads/search?email=kim@leemarine.example&fields=Company")
    assert lead["Company"] == "Lee Marine"


@task("Delphine Okafor has a new number: +1-503-555-0190.", calls=2, size=590)
async def fix_a_number(use: Agent) -> None:
    contact = await use.one("Contacts", "Delphine Okafor", "Phone")
    await use.write("Contacts", "update", {"id": contact["id"], "Phone": "+1-503-555-0190"})
    assert use.see(f"Contacts/{contact['id']}?fields=Phone")[0]["Phone"] == "+1-503-555-0190"


@task("Move Copperfinch's deal on water metering to the next stage.", calls=3, size=1030)
async def next_stage(use: Agent) -> None:
    deal = await use.one("Deals", "Copperfinch water metering", "Stage")
    described = await use("describe_module", module="Deals", match="stage")
    assert deal["Stage"] == "Negotiation/Review" and "Closed Won" in described.text
    await use.write("Deals", "update", {"id": deal["id"], "Stage": "Closed Won"})
    assert use.see(f"Deals/{deal['id']}?fields=Stage")[0]["Stage"] == "Closed Won"


@task(
    "We have called all leads from seminars that nobody had contacted. Note it in their status.",
    calls=2,
    size=780,
)
async def update_many(use: Agent) -> None:
    where = "(Lead_Source:equals:Seminar Partner)and(Lead_Status:equals:Not Contacted)"
    found = await use("search_records", module="Leads", where=where, fields=["Last_Name"])
    changes = [{"id": lead["id"], "Lead_Status": "Contacted"} for lead in found.records]
    assert len(changes) == 2
    await use.write("Leads", "update", *changes)
    assert not use.see(f"Leads/search?criteria={where.replace(' ', '%20')}&fields=Last_Name")


@task("Charlotte Wombaroo buys: make her a customer, with a deal of 20,000.", calls=2, size=570)
async def convert(use: Agent) -> None:
    lead = await use.one("Leads", "Charlotte Wombaroo", "Company")
    deal = {
        "Deal_Name": "Port Wombaroo: pilot",
        "Stage": "Qualification",
        "Amount": 20000,
        "Closing_Date": day(30),
    }
    await use("convert_lead", id=lead["id"], deal=deal)
    [made] = use.see("Deals/search?word=Wombaroo&fields=Amount")
    assert made["Amount"] == 20000


@task("Here are five visitors of our fair. Put them into the CRM.", calls=1, size=820)
async def add_many(use: Agent) -> None:
    visitors = [
        {"Last_Name": name, "Company": f"{name} Boats", "Lead_Source": "Trade Show"}
        for name in ("Ashwick", "Bellcove", "Cordwain", "Dunmere", "Eastlock")
    ]
    await use.write("Leads", "create", *visitors)
    assert len(use.see("Leads/search?word=Boats&fields=Last_Name")) == 5


@task("Update these people by their e-mail address, and add whoever is missing.", calls=1, size=470)
async def upsert(use: Agent) -> None:
    people = [
        {"Last_Name": "Sandhövel", "Email": "ottilie@sandhoevel.example", "City": "Kiel"},
        {"Last_Name": "Newcombe", "Email": "new@newcombe.example", "City": "Hull"},
    ]
    await use.write("Leads", "upsert", *people, match_on=["Email"])
    [old] = use.see("Leads/search?email=ottilie@sandhoevel.example&fields=City,Company")
    assert (old["City"], old["Company"]) == ("Kiel", "Sandhövel Speicher")
    assert use.see("Leads/search?email=new@newcombe.example&fields=City")[0]["City"] == "Hull"


@task(
    "Would it work to raise the budget of the Spring Fair to 30,000? Change nothing yet.", calls=2, size=880
)
async def try_first(use: Agent) -> None:
    campaign = await use.one("Campaigns", "Spring Fair", "Budgeted_Cost")
    await use.write("Campaigns", "update", {"id": campaign["id"], "Budgeted_Cost": 30000}, dry_run=True)
    assert use.see(f"Campaigns/{campaign['id']}?fields=Budgeted_Cost")[0]["Budgeted_Cost"] == 26000


@task("Add a lead: Noor Haddad, mail noor(at)haddad.example.", calls=2, size=690)
async def correct_a_mistake(use: Agent) -> None:
    lead = {"Last_Name": "Haddad", "First_Name": "Noor", "Email": "noor(at)haddad.example"}
    refused = await use.tried("write_records", module="Leads", mode="create", records=[lead])
    assert "Email" in refused.text
    await use.write("Leads", "create", lead | {"Email": "noor@haddad.example"})
    assert len(use.see("Leads/search?email=noor@haddad.example&fields=Last_Name")) == 1


@task("Delete the lead Youssef Benhaddoun.", calls=2, size=520)
async def delete(use: Agent) -> None:
    lead = await use.one("Leads", "Benhaddoun", "Company")
    await use("delete_records", module="Leads", ids=[lead["id"]])
    assert not use.see("Leads/search?word=Benhaddoun&fields=Company")


@task("Remind me tomorrow to call Rasha Qabbanji.", calls=2, size=620)
async def make_a_task(use: Agent) -> None:
    contact = await use.one("Contacts", "Qabbanji", "Phone")
    await use.write(
        "Tasks",
        "create",
        {"Subject": "Call Rasha Qabbanji", "Due_Date": day(1), "Who_Id": {"id": contact["id"]}},
    )
    [made] = use.see("Tasks/search?word=Qabbanji&fields=Who_Id,Due_Date")
    assert (made["Who_Id"]["id"], made["Due_Date"]) == (contact["id"], day(1))


@task("Put the lead of Golden Pod Cocoa on the list of the Spring Fair.", calls=3, size=1000)
async def attach_a_campaign(use: Agent) -> None:
    lead = await use.one("Leads", "Golden Pod Cocoa", "Company")
    campaign = await use.one("Campaigns", "Spring Fair", "Campaign_Name")
    path = f"/crm/v8/Campaigns/{campaign['id']}/Leads"
    await use(
        "call_api", method="PUT", path=path, body={"data": [{"id": lead["id"], "Member_Status": "Invited"}]}
    )
    [member] = use.see(f"Campaigns/{campaign['id']}/Leads?fields=Company")
    assert member["Company"] == "Golden Pod Cocoa"


@task("Give the lead of Savanna Blooms to Priya.", calls=3, size=1070)
async def give_to_somebody(use: Agent) -> None:
    lead = await use.one("Leads", "Savanna Blooms", "Owner")
    described = await use("describe_module", module="Leads", match="Owner")
    [priya] = [id_in(user) for user in described.records[0]["options"] if user.startswith("Priya")]
    await use.write("Leads", "update", {"id": lead["id"], "Owner": {"id": priya}})
    assert use.see(f"Leads/{lead['id']}?fields=Owner")[0]["Owner"]["id"] == priya


@task("Tag the account Clove Street Data as a reference.", calls=2, size=1010)
async def tag(use: Agent) -> None:
    account = await use.one("Accounts", "Clove Street Data", "Account_Name")
    path = f"/crm/v8/Accounts/{account['id']}/actions/add_tags"
    await use("call_api", method="POST", path=path, body={"tags": [{"name": "Reference"}]})
    [seen] = use.see(f"Accounts/{account['id']}?fields=Tag")
    assert "Reference" in [tag["name"] for tag in seen["Tag"]]


@task("Close the case about dark mode: it comes in spring.", calls=2, size=590)
async def close_a_case(use: Agent) -> None:
    case = await use.one("Cases", "Dark mode", "Status")
    await use.write(
        "Cases", "update", {"id": case["id"], "Status": "Closed", "Solution": "It comes in spring."}
    )
    assert use.see(f"Cases/{case['id']}?fields=Status")[0]["Status"] == "Closed"
