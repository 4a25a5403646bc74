"""One authorised call of the API, and the answers handlers build for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.organisation import Organisation
from moorage.crm.paging import PageTokens
from moorage.http.message import Request, Response

JSON = [(b"content-type", b"application/json;charset=UTF-8")]

encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Call:
    """`path` holds the values of the route's {placeholders}; `params` the decoded query, last value wins."""

    request: Request
    organisation: Organisation
    user: int  # id of the user whose token it is
    path: Mapping[str, str]
    params: Mapping[str, str]
    now: float  # seconds since the epoch
    tokens: PageTokens


def answer(document: Any, status: int = 200) -> Response:
    return Response(status, encode(document), JSON)


def no_content() -> Response:
    """Zoho's "nothing found": 204, empty, and still typed as JSON."""
    return Response(204, b"", JSON)


def fault_answer(fault: Fault) -> Response:
    return answer(fault.document(), fault.status)
