"""Tools for a CRM that speaks Zoho CRM API v8."""

from moorage.mcp.crm.searching import SEARCH_RECORDS
from moorage.mcp.profile import Profile

PROFILE = Profile(
    "crm",
    "Tools for CRM accounts. list_accounts shows the accounts; leave `account` out if there is only one."
    " describe_module shows the fields of a module: look there before you name fields or write records."
    " Lists are columns and rows; go on with `cursor`. What a person has to approve says so, with a link.",
    [SEARCH_RECORDS],
)
