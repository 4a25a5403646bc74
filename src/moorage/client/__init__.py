"""The Python client: the standard library only, so that it can be used wherever Python runs.

from moorage.client import Moorage

moorage = Moorage(api_key="mk_…")
answer = moorage.request("GET", "/zoho-crm/crm/v8/Leads", params={"fields": "Last_Name"})
print(answer.json()["data"])
"""

from moorage.client.answer import Answer
from moorage.client.client import Connections, Keys, Moorage
from moorage.client.connection import Connection, Revocation
from moorage.client.errors import ApiError, ClientError, Misconfigured, Unreachable
from moorage.client.key import Key

__all__ = [
    "Answer",
    "ApiError",
    "ClientError",
    "Connection",
    "Connections",
    "Key",
    "Keys",
    "Misconfigured",
    "Moorage",
    "Revocation",
    "Unreachable",
]
