"""A call as a command of curl."""

import shlex
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from moorage.console.places import Connection, name_of
from moorage.console.visit import Visit


def curl_of(visit: Visit, connection: Connection, call: Mapping[str, str]) -> str:
    """The command that makes a call with a key of one's own."""
    query = f"?{urlencode(parse_qsl(call['query'], keep_blank_values=True))}" if call["query"] else ""
    method = "" if call["method"] == "GET" else f"-X {call['method']} "
    url = shlex.quote(f"{visit.base_url}/zoho-crm{call['path']}{query}")
    body = ""
    if call["body"].strip():
        body = f" -H 'Content-Type: application/json' --data {shlex.quote(call['body'])}"
    return (
        f'curl {method}{url} -H "Authorization: Bearer $MOORAGE_API_KEY"'
        f" -H 'Maton-Connection: {name_of(connection)}'{body}"
    )
