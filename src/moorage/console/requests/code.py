"""A call as code that makes it again. What the log has not kept has a place left."""

import json
from collections.abc import Mapping
from typing import Any

from moorage.console.recipes import KEY, curl

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def snippets(call: Mapping[str, Any], base_url: str, body: str | None) -> list[dict[str, str]]:
    """The call for curl, Python and JavaScript. `body` is None if it is not known."""
    query = f"?{call['query']}" if call["query"] else ""
    path = f"/{call['app']}{call['path']}{query}"
    data = (body or "{}") if call["method"] in _WITH_BODY else None
    connection = call["connection"] and (call["connection"]["alias"] or call["connection"]["id"])
    return [
        {"name": "curl", "text": curl(call["method"], f"{base_url}{path}", connection, data)},
        {"name": "Python", "text": _python(call["method"], path, connection, data)},
        {"name": "JavaScript", "text": _javascript(call["method"], f"{base_url}{path}", connection, data)},
    ]


def _python(method: str, path: str, connection: str | None, data: str | None) -> str:
    named = f", connection={connection!r}" if connection else ""
    body = (
        f", body={data!r}.encode(), headers={{'Content-Type': 'application/json'}}"
        if data is not None
        else ""
    )
    call = f"moorage.request({method!r}, {path!r}{named}{body})"
    return f"from moorage.client import Moorage\n\nwith Moorage() as moorage:\n    print({call}.json())"


def _javascript(method: str, url: str, connection: str | None, data: str | None) -> str:
    headers = [f'"Authorization": `Bearer ${{process.env.{KEY}}}`']
    if connection:
        headers.append(f'"Maton-Connection": {json.dumps(connection)}')
    if data is not None:
        headers.append('"Content-Type": "application/json"')
    lines = [f"  method: {json.dumps(method)},", f"  headers: {{{', '.join(headers)}}},"]
    if data is not None:
        lines.append(f"  body: {json.dumps(data)},")
    inside = "\n".join(lines)
    call = f"const answer = await fetch({json.dumps(url)}, {{\n{inside}\n}});"
    return f"{call}\nconsole.log(answer.status, await answer.text());"
