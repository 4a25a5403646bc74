"""The call of a form as a command of curl."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from moorage.console.places import APP, Connection, name_of
from moorage.console.recipes import curl
from moorage.console.visit import Visit


def curl_of(visit: Visit, connection: Connection, call: Mapping[str, str]) -> str:
    """The command that makes a call with a key of one's own."""
    query = f"?{urlencode(parse_qsl(call['query'], keep_blank_values=True))}" if call["query"] else ""
    url = f"{visit.base_url}/{APP}{call['path']}{query}"
    return curl(call["method"], url, name_of(connection), call["body"] if call["body"].strip() else None)
