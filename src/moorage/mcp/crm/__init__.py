"""Tools for a CRM that speaks Zoho CRM API v8."""

from moorage.mcp.crm.accounts import CONNECT_ACCOUNT, LIST_ACCOUNTS
from moorage.mcp.crm.approving import CHECK_APPROVAL
from moorage.mcp.crm.calling import CALL_API
from moorage.mcp.crm.converting import CONVERT_LEAD
from moorage.mcp.crm.deleting import DELETE_RECORDS
from moorage.mcp.crm.describing import DESCRIBE_MODULE
from moorage.mcp.crm.getting import GET_RECORDS
from moorage.mcp.crm.noting import ADD_NOTE
from moorage.mcp.crm.querying import QUERY_RECORDS
from moorage.mcp.crm.searching import SEARCH_RECORDS
from moorage.mcp.crm.writing import WRITE_RECORDS
from moorage.mcp.profile import Profile

PROFILE = Profile(
    "crm",
    "Tools for CRM accounts. list_accounts shows the accounts; leave `account` out if there is only one."
    " describe_module shows the fields of a module: look there before you name fields or write records."
    " Lists are columns and rows; go on with `cursor`. What a person has to approve says so, with a link.",
    [
        LIST_ACCOUNTS,
        CONNECT_ACCOUNT,
        DESCRIBE_MODULE,
        SEARCH_RECORDS,
        QUERY_RECORDS,
        GET_RECORDS,
        WRITE_RECORDS,
        DELETE_RECORDS,
        CONVERT_LEAD,
        ADD_NOTE,
        CALL_API,
        CHECK_APPROVAL,
    ],
)
