"""The Python client. It needs only Python's standard library.

from moorage.client import Moorage

moorage = Moorage(api_key="mk_…")
response = moorage.request("GET", "/zoho-crm/crm/v8/Leads", params={"fields": "Last_Name"})
print(response.json()["data"])
"""

from moorage.client.approvals import Approval, ApprovalRequired, Approvals, NotSent
from moorage.client.audit import Audit, Entry
from moorage.client.client import Connections, Keys, Moorage, Organisations
from moorage.client.connection import Connection, Default, Health, Pruned, Revocation
from moorage.client.errors import ApiError, ClientError, Misconfigured, Unreachable
from moorage.client.key import Key
from moorage.client.organisation import Organisation
from moorage.client.policies import Policies, Policy, Tried
from moorage.client.requests import Request, RequestBodies, RequestPage, Requests
from moorage.client.response import Response

__all__ = [
    "ApiError",
    "Approval",
    "ApprovalRequired",
    "Approvals",
    "Audit",
    "ClientError",
    "Connection",
    "Connections",
    "Default",
    "Entry",
    "Health",
    "Key",
    "Keys",
    "Misconfigured",
    "Moorage",
    "NotSent",
    "Organisation",
    "Organisations",
    "Policies",
    "Policy",
    "Pruned",
    "Request",
    "RequestBodies",
    "RequestPage",
    "Requests",
    "Response",
    "Revocation",
    "Tried",
    "Unreachable",
]
