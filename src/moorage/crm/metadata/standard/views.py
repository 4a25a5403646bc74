"""The custom views of a module: four that every module has, and those its subject suggests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from moorage.crm.metadata.standard.draft import Body, Draft


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison, or several joined when `terms` are given."""

    field: str = ""
    value: Any = None
    comparator: str = "equal"
    terms: tuple["Term", ...] = ()
    join: str = "AND"


@dataclass(frozen=True, slots=True)
class View:
    name: str
    criteria: Term | None = None
    system_name: str | None = None
    display_value: str | None = None
    columns: tuple[str, ...] = ()
    sort_by: str | None = None


def every(*terms: Term) -> Term:
    return Term(terms=terms)


def any_of(*terms: Term) -> Term:
    return Term(terms=terms, join="OR")


def unlike(field: str, *values: str) -> Term:
    return every(*(Term(field, value, "not_equal") for value in values))


def recent(field: str) -> Term:
    # The last days exclude today, so today has to be named.
    return any_of(Term(field, "${TODAY}"), Term(field, "${LAST_N_DAYS:7}"))


MINE = Term("Owner", {"name": "${CURRENTUSER}"})
# Records are shared with single colleagues by no operation of this API, so nothing can be in these views.
NONE = Term("id", "${EMPTY}")

_ADDRESS = ("Full_Name", "Company", "Street", "City", "State", "Zip_Code", "Country")
_UNPAID = unlike("Status", "Delivered", "Cancelled")

_OWN: dict[str, tuple[View, ...]] = {
    "Leads": (
        View("Converted Leads", Term("Converted__s", value=True), "CONVERTEDVIEWS"),
        View("Junk Leads", Term("Lead_Status", "Junk Lead"), "JUNKLEADVIEWS"),
        View("Mailing Labels", None, "MAILINGLABELS", columns=_ADDRESS),
        View("Not Qualified Leads", Term("Lead_Status", "Not Qualified"), "NOTQUALIFIEDLEADS"),
        View("Open Leads", unlike("Lead_Status", "Junk Lead", "Lost Lead", "Not Qualified"), "OPENLEADS"),
        View("Today's Leads", Term("Created_Time", "${TODAY}"), "TODAYSLEADS"),
        View("Unread Leads", Term("Last_Activity_Time", "${EMPTY}"), "UNREADLEADS"),
        View("Unsubscribed Leads", Term("Unsubscribed_Mode", "${NOTEMPTY}"), "UNSUBSCRIBEDVIEWS"),
        View("Leads Shared by Me", NONE, "LEADSSHAREDBYME"),
        View("Leads Shared to Me", NONE, "LEADSSHAREDTOME"),
        View("Co-Owner Leads", NONE, "COOWNERLEADS"),
    ),
    "Contacts": (
        View("New Last Week", Term("Created_Time", "${LASTWEEK}")),
        View("New This Week", Term("Created_Time", "${THISWEEK}")),
        View("Unsubscribed Contacts", Term("Unsubscribed_Mode", "${NOTEMPTY}"), "UNSUBSCRIBEDVIEWS"),
    ),
    "Accounts": (
        View("New Last Week", Term("Created_Time", "${LASTWEEK}")),
        View("New This Week", Term("Created_Time", "${THISWEEK}")),
        View("Customers", Term("Account_Type", "Customer")),
    ),
    "Deals": (
        View("Open Deals", unlike("Stage", "Closed Won", "Closed Lost", "Closed Lost to Competition")),
        View("Closing This Month", Term("Closing_Date", "${THISMONTH}"), sort_by="Closing_Date"),
        View("Closing Next Month", Term("Closing_Date", "${NEXTMONTH}"), sort_by="Closing_Date"),
        View(
            "Closed Deals", Term("Stage", ["Closed Won", "Closed Lost", "Closed Lost to Competition"], "in")
        ),
        View("Won Deals", Term("Stage", "Closed Won")),
        View("New Business", Term("Type", "New Business")),
    ),
    "Tasks": (
        View("Open Tasks", unlike("Status", "Completed"), sort_by="Due_Date"),
        View("Completed Tasks", Term("Status", "Completed")),
        View(
            "Overdue Tasks",
            every(Term("Status", "Completed", "not_equal"), Term("Due_Date", "${TODAY}", "less_than")),
            sort_by="Due_Date",
        ),
        View("Today's Tasks", Term("Due_Date", "${TODAY}")),
        View("Tomorrow's Tasks", Term("Due_Date", "${TOMORROW}")),
    ),
    "Events": (
        View("Today's Meetings", Term("Start_DateTime", "${TODAY}"), sort_by="Start_DateTime"),
        View("Tomorrow's Meetings", Term("Start_DateTime", "${TOMORROW}"), sort_by="Start_DateTime"),
        View("Meetings This Week", Term("Start_DateTime", "${THISWEEK}"), sort_by="Start_DateTime"),
    ),
    "Calls": (
        View("Scheduled Calls", Term("Outgoing_Call_Status", "Scheduled"), sort_by="Call_Start_Time"),
        View("Overdue Calls", Term("Outgoing_Call_Status", "Overdue"), sort_by="Call_Start_Time"),
        View("Missed Calls", Term("Call_Type", "Missed")),
        View("Today's Calls", Term("Call_Start_Time", "${TODAY}"), sort_by="Call_Start_Time"),
    ),
    "Products": (View("Active Products", Term("Product_Active", value=True)),),
    "Quotes": (
        View("Open Quotes", unlike("Quote_Stage", "Closed Won", "Closed Lost")),
        View("Expiring This Month", Term("Valid_Till", "${THISMONTH}"), sort_by="Valid_Till"),
    ),
    "Sales_Orders": (View("Open Sales Orders", _UNPAID),),
    "Purchase_Orders": (View("Open Purchase Orders", _UNPAID),),
    "Invoices": (
        View("Open Invoices", _UNPAID),
        View("Due This Month", Term("Due_Date", "${THISMONTH}"), sort_by="Due_Date"),
    ),
    "Campaigns": (
        View("Active Campaigns", Term("Status", "Active")),
        View("Ending This Month", Term("End_Date", "${THISMONTH}"), sort_by="End_Date"),
    ),
    "Price_Books": (View("Active Price Books", Term("Active", value=True)),),
    "Cases": (
        View("Open Cases", unlike("Status", "Closed")),
        View("Escalated Cases", Term("Status", "Escalated")),
    ),
    "Solutions": (View("Published Solutions", Term("Published", value=True)),),
    "Appointments__s": (
        View("Today's Appointments", Term("Appointment_Start_Time", "${TODAY}")),
        View("Scheduled Appointments", Term("Status", "Scheduled")),
    ),
}

_COLUMNS: dict[str, tuple[str, ...]] = {
    "Leads": ("Full_Name", "Company", "Email", "Phone", "Lead_Source", "Lead_Status", "Owner"),
    "Contacts": ("Full_Name", "Account_Name", "Email", "Phone", "Owner"),
    "Accounts": ("Account_Name", "Phone", "Website", "Industry", "Owner"),
    "Deals": ("Deal_Name", "Amount", "Stage", "Closing_Date", "Account_Name", "Contact_Name", "Owner"),
    "Tasks": ("Subject", "Due_Date", "Status", "Priority", "What_Id", "Who_Id", "Owner"),
    "Events": ("Event_Title", "Start_DateTime", "End_DateTime", "What_Id", "Who_Id", "Owner"),
    "Calls": ("Subject", "Call_Type", "Call_Start_Time", "Call_Duration", "What_Id", "Who_Id", "Owner"),
    "Products": ("Product_Name", "Product_Code", "Product_Active", "Unit_Price", "Owner"),
    "Quotes": ("Subject", "Quote_Stage", "Grand_Total", "Valid_Till", "Account_Name", "Owner"),
    "Sales_Orders": ("Subject", "Status", "Grand_Total", "Due_Date", "Account_Name", "Owner"),
    "Purchase_Orders": ("Subject", "Status", "Grand_Total", "PO_Date", "Vendor_Name", "Owner"),
    "Invoices": ("Subject", "Status", "Grand_Total", "Invoice_Date", "Due_Date", "Account_Name", "Owner"),
    "Campaigns": ("Campaign_Name", "Type", "Status", "Start_Date", "End_Date", "Owner"),
    "Vendors": ("Vendor_Name", "Email", "Phone", "Website", "Category", "Owner"),
    "Price_Books": ("Price_Book_Name", "Active", "Pricing_Model", "Owner"),
    "Cases": ("Subject", "Case_Number", "Status", "Priority", "Case_Origin", "Related_To", "Owner"),
    "Solutions": ("Solution_Title", "Solution_Number", "Status", "Product_Name", "Published", "Owner"),
    "Services__s": ("Service_Name", "Duration", "Location", "Price", "Status", "Owner"),
    "Appointments__s": ("Appointment_Name", "Appointment_For", "Appointment_Start_Time", "Status", "Owner"),
}


def add_views(draft: Draft, module: dict[str, Any], fields: Mapping[str, Body]) -> None:
    name = module["api_name"]
    for view in (*_common(module["plural_label"], name), *_OWN.get(name, ())):
        body = _view(draft.new_id(), view, view.columns or _COLUMNS[name], fields)
        draft.add("custom_view", view.name, body, name)


def _common(label: str, module: str) -> tuple[View, ...]:
    everything = View(f"All {label}", None, "ALLVIEWS")
    if module == "Leads":
        everything = View("All Open Leads", None, "ALLVIEWS", display_value="All Leads")
    return (
        everything,
        View(f"My {label}", MINE, "MYVIEWS"),
        View(f"Recently Created {label}", recent("Created_Time"), "RECENTLYCREATED", sort_by="Created_Time"),
        View(
            f"Recently Modified {label}", recent("Modified_Time"), "RECENTLYMODIFIED", sort_by="Modified_Time"
        ),
    )


def _view(id_: str, view: View, columns: tuple[str, ...], fields: Mapping[str, Body]) -> Body:
    return {
        "id": id_,
        "name": view.name,
        "display_value": view.display_value or view.name,
        "system_name": view.system_name,
        "default": view.system_name == "ALLVIEWS",
        "criteria": _criteria(view.criteria, fields) if view.criteria else None,
        "fields": [{**_reference(fields[column]), "_pin": False} for column in columns],
        "sort_by": _reference(fields[view.sort_by]) if view.sort_by else None,
        "sort_order": _sort_order(view.sort_by),
    }


def _sort_order(sort_by: str | None) -> str | None:
    if sort_by is None:
        return None
    # What is past is read latest first, what is due soonest first.
    return "desc" if sort_by in {"Created_Time", "Modified_Time"} else "asc"


def _criteria(term: Term, fields: Mapping[str, Body]) -> Body:
    if len(term.terms) == 1:
        return _criteria(term.terms[0], fields)
    if term.terms:
        return {"group_operator": term.join, "group": [_criteria(t, fields) for t in term.terms]}
    field = _reference(fields[term.field])
    return {"comparator": term.comparator, "field": field, "type": "value", "value": term.value}


def _reference(field: Body) -> Body:
    return {"api_name": field["api_name"], "id": field["id"]}
