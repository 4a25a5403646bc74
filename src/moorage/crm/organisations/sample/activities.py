"""The daily work: tasks, meetings, calls, cases and notes."""

from datetime import timedelta
from typing import Any

from moorage.crm.organisations.sample.composer import Composer, reference


def tasks(composer: Composer) -> None:
    past = ("Completed", "Completed", "In Progress", "Waiting on someone else")
    coming = ("Not Started", "Not Started", "In Progress", "Deferred", "Completed")
    for _ in range(45):
        due = composer.between(-20, 25)
        age = max(0.3, 2 - due)
        values = {
            **_about(composer, age + 5),
            "Subject": composer.text("tasks"),
            "Due_Date": composer.date(due),
            "Status": composer.pick(past if due < 0 else coming),
            "Priority": composer.pick(("Normal", "Normal", "Normal", "High", "Highest", "Low")),
            "Description": composer.text("task_remarks", 0.4),
        }
        composer.add("Tasks", values, age, age + 5)


def events(composer: Composer) -> None:
    meetings = composer.rows("Events")
    for n in range(30):
        start = composer.moment((1, -1)[n % 2] * composer.between(1, 28))
        age = max(0.3, composer.ago(start) + 3)
        row = dict(meetings[n % len(meetings)])
        values = {
            **_about(composer, age + 7),
            "Start_DateTime": start.isoformat(),
            "End_DateTime": (start + timedelta(minutes=row.pop("minutes"))).isoformat(),
            "Venue": composer.text("rooms") if row["Meeting_Venue__s"] == "In-office" else None,
            **row,
        }
        composer.add("Events", values, age, age + 7)


def calls(composer: Composer) -> None:
    topics = composer.rows("Calls")
    for n in range(36):
        coming = n % 6 == 0
        start = composer.moment(composer.between(1, 9) if coming else -composer.between(1, 40))
        age = max(0.3, composer.ago(start))
        kind = "Outbound" if coming else composer.pick(("Outbound", "Outbound", "Inbound", "Missed"))
        minutes = 0 if kind == "Missed" else 15 if coming else composer.number(2, 38)
        topic = composer.pick(topics)
        values = {
            **topic,
            **_about(composer, age + 1),
            "Subject": topic["Call_Agenda"],
            "Call_Type": kind,
            "Call_Start_Time": start.isoformat(),
            # The duration of a missed call is the time it rang; that of a future call is the planned time.
            "Call_Duration": f"{minutes:02}:{composer.number(10, 59) if not coming else 0:02}",
            "Call_Result": composer.text("call_results") if minutes and not coming else None,
        }
        if kind == "Outbound":
            values["Outgoing_Call_Status"] = "Scheduled" if coming else "Completed"
        composer.add("Calls", values, age * 0.999, age)


def _about(composer: Composer, days: float) -> dict[str, Any]:
    """The lookups of an activity: to a deal and its contact, or to a contact and its account."""
    if composer.chance(0.7):
        deal = composer.older("Deals", days)
        return {"What_Id": reference(deal), "$se_module": "Deals", "Who_Id": deal.values["Contact_Name"]}
    contact = composer.older("Contacts", days)
    return {"What_Id": contact.values["Account_Name"], "$se_module": "Accounts", "Who_Id": reference(contact)}


def cases(composer: Composer) -> None:
    for row in composer.rows("Cases"):
        contact = composer.pick(composer.records["Contacts"])
        person = contact.values
        row |= {
            "Related_To": reference(contact),
            "Account_Name": person["Account_Name"],
            "Reported_By": " ".join(person[name] for name in ("First_Name", "Last_Name")),
            "Email": person["Email"],
            "Phone": person["Phone"],
            "Status": "Closed" if row["Solution"] else composer.pick(("New", "New", "On Hold", "Escalated")),
        }
        composer.add("Cases", row, *((20, 150) if row["Solution"] else (0.1, 18)))


def notes(composer: Composer) -> None:
    parents = ("Deals", "Contacts", "Accounts", "Leads")
    for n, row in enumerate(composer.rows("Notes")):
        module = parents[n % len(parents)]
        row |= {"Parent_Id": reference(composer.older(module, 3)), "$se_module": module}
        composer.add("Notes", row, 0.1, 75)
