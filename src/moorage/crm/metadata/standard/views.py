"""The custom views of a module: four that every module has, and some for its subject."""

from collections.abc import Mapping

from moorage.crm.metadata.definitions import ModuleDefinition
from moorage.crm.metadata.documents import Body
from moorage.crm.metadata.standard.blueprint_draft import BlueprintDraft
from moorage.crm.metadata.view_documents import Term, ViewDefinition, view_document


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
# No operation of this API shares records with single users, so these views are always empty.
NONE = Term("id", "${EMPTY}")

_ADDRESS = ("Full_Name", "Company", "Street", "City", "State", "Zip_Code", "Country")
_UNPAID = unlike("Status", "Delivered", "Cancelled")

_OWN: dict[str, tuple[ViewDefinition, ...]] = {
    "Leads": (
        ViewDefinition("Converted Leads", Term("Converted__s", value=True), "CONVERTEDVIEWS"),
        ViewDefinition("Junk Leads", Term("Lead_Status", "Junk Lead"), "JUNKLEADVIEWS"),
        ViewDefinition("Mailing Labels", None, "MAILINGLABELS", columns=_ADDRESS),
        ViewDefinition("Not Qualified Leads", Term("Lead_Status", "Not Qualified"), "NOTQUALIFIEDLEADS"),
        ViewDefinition(
            "Open Leads", unlike("Lead_Status", "Junk Lead", "Lost Lead", "Not Qualified"), "OPENLEADS"
        ),
        ViewDefinition("Today's Leads", Term("Created_Time", "${TODAY}"), "TODAYSLEADS"),
        ViewDefinition("Unread Leads", Term("Last_Activity_Time", "${EMPTY}"), "UNREADLEADS"),
        ViewDefinition("Unsubscribed Leads", Term("Unsubscribed_Mode", "${NOTEMPTY}"), "UNSUBSCRIBEDVIEWS"),
        ViewDefinition("Leads Shared by Me", NONE, "LEADSSHAREDBYME"),
        ViewDefinition("Leads Shared to Me", NONE, "LEADSSHAREDTOME"),
        ViewDefinition("Co-Owner Leads", NONE, "COOWNERLEADS"),
    ),
    "Contacts": (
        ViewDefinition("New Last Week", Term("Created_Time", "${LASTWEEK}")),
        ViewDefinition("New This Week", Term("Created_Time", "${THISWEEK}")),
        ViewDefinition(
            "Unsubscribed Contacts", Term("Unsubscribed_Mode", "${NOTEMPTY}"), "UNSUBSCRIBEDVIEWS"
        ),
    ),
    "Accounts": (
        ViewDefinition("New Last Week", Term("Created_Time", "${LASTWEEK}")),
        ViewDefinition("New This Week", Term("Created_Time", "${THISWEEK}")),
        ViewDefinition("Customers", Term("Account_Type", "Customer")),
    ),
    "Deals": (
        ViewDefinition(
            "Open Deals", unlike("Stage", "Closed Won", "Closed Lost", "Closed Lost to Competition")
        ),
        ViewDefinition("Closing This Month", Term("Closing_Date", "${THISMONTH}"), sort_by="Closing_Date"),
        ViewDefinition("Closing Next Month", Term("Closing_Date", "${NEXTMONTH}"), sort_by="Closing_Date"),
        ViewDefinition(
            "Closed Deals", Term("Stage", ["Closed Won", "Closed Lost", "Closed Lost to Competition"], "in")
        ),
        ViewDefinition("Won Deals", Term("Stage", "Closed Won")),
        ViewDefinition("New Business", Term("Type", "New Business")),
    ),
    "Tasks": (
        ViewDefinition("Open Tasks", unlike("Status", "Completed"), sort_by="Due_Date"),
        ViewDefinition("Completed Tasks", Term("Status", "Completed")),
        ViewDefinition(
            "Overdue Tasks",
            every(Term("Status", "Completed", "not_equal"), Term("Due_Date", "${TODAY}", "less_than")),
            sort_by="Due_Date",
        ),
        ViewDefinition("Today's Tasks", Term("Due_Date", "${TODAY}")),
        ViewDefinition("Tomorrow's Tasks", Term("Due_Date", "${TOMORROW}")),
    ),
    "Events": (
        ViewDefinition("Today's Meetings", Term("Start_DateTime", "${TODAY}"), sort_by="Start_DateTime"),
        ViewDefinition(
            "Tomorrow's Meetings", Term("Start_DateTime", "${TOMORROW}"), sort_by="Start_DateTime"
        ),
        ViewDefinition("Meetings This Week", Term("Start_DateTime", "${THISWEEK}"), sort_by="Start_DateTime"),
    ),
    "Calls": (
        ViewDefinition(
            "Scheduled Calls", Term("Outgoing_Call_Status", "Scheduled"), sort_by="Call_Start_Time"
        ),
        ViewDefinition("Overdue Calls", Term("Outgoing_Call_Status", "Overdue"), sort_by="Call_Start_Time"),
        ViewDefinition("Missed Calls", Term("Call_Type", "Missed")),
        ViewDefinition("Today's Calls", Term("Call_Start_Time", "${TODAY}"), sort_by="Call_Start_Time"),
    ),
    "Products": (ViewDefinition("Active Products", Term("Product_Active", value=True)),),
    "Quotes": (
        ViewDefinition("Open Quotes", unlike("Quote_Stage", "Closed Won", "Closed Lost")),
        ViewDefinition("Expiring This Month", Term("Valid_Till", "${THISMONTH}"), sort_by="Valid_Till"),
    ),
    "Sales_Orders": (ViewDefinition("Open Sales Orders", _UNPAID),),
    "Purchase_Orders": (ViewDefinition("Open Purchase Orders", _UNPAID),),
    "Invoices": (
        ViewDefinition("Open Invoices", _UNPAID),
        ViewDefinition("Due This Month", Term("Due_Date", "${THISMONTH}"), sort_by="Due_Date"),
    ),
    "Campaigns": (
        ViewDefinition("Active Campaigns", Term("Status", "Active")),
        ViewDefinition("Ending This Month", Term("End_Date", "${THISMONTH}"), sort_by="End_Date"),
    ),
    "Price_Books": (ViewDefinition("Active Price Books", Term("Active", value=True)),),
    "Cases": (
        ViewDefinition("Open Cases", unlike("Status", "Closed")),
        ViewDefinition("Escalated Cases", Term("Status", "Escalated")),
    ),
    "Solutions": (ViewDefinition("Published Solutions", Term("Published", value=True)),),
    "Appointments__s": (
        ViewDefinition("Today's Appointments", Term("Appointment_Start_Time", "${TODAY}")),
        ViewDefinition("Scheduled Appointments", Term("Status", "Scheduled")),
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


def add_views(draft: BlueprintDraft, module: ModuleDefinition, fields: Mapping[str, Body]) -> None:
    name = module.api_name
    for view in (*_common(module.plural_label, name), *_OWN.get(name, ())):
        body = view_document(draft.new_id(), view, view.columns or _COLUMNS[name], fields)
        draft.add("custom_view", view.name, body, name)


def _common(label: str, module: str) -> tuple[ViewDefinition, ...]:
    everything = ViewDefinition(f"All {label}", None, "ALLVIEWS")
    if module == "Leads":
        everything = ViewDefinition("All Open Leads", None, "ALLVIEWS", display_value="All Leads")
    return (
        everything,
        ViewDefinition(f"My {label}", MINE, "MYVIEWS"),
        ViewDefinition(
            f"Recently Created {label}", recent("Created_Time"), "RECENTLYCREATED", sort_by="Created_Time"
        ),
        ViewDefinition(
            f"Recently Modified {label}", recent("Modified_Time"), "RECENTLYMODIFIED", sort_by="Modified_Time"
        ),
    )
