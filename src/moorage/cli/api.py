"""`moorage api`: makes any call, with the key and the address of the server."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, TextIO
from urllib.parse import urlsplit

import typer

from moorage.cli import context, reading
from moorage.cli.completion import connections, starting
from moorage.cli.failures import Exit, UsageError, note, report
from moorage.cli.fields import document, split_field, typed
from moorage.cli.options import Json, Url
from moorage.cli.output import print_json
from moorage.cli.responses import remarks, response_document
from moorage.client import ApiError, Response
from moorage.near import did_you_mean

_METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "PROPFIND",
    "REPORT",
    "SEARCH",
    "PURGE",
)
_IN_QUERY = {"GET", "HEAD", "DELETE"}  # With these methods, fields are query parameters.

Target = Annotated[
    str, typer.Argument(metavar="PATH", help="The path, such as /zoho-crm/crm/v8/Leads?fields=Last_Name")
]
Method = Annotated[
    str | None,
    typer.Option(
        "-X",
        "--method",
        metavar="METHOD",
        autocompletion=starting(_METHODS),
        help="Default: GET, or POST with fields or --input.",
    ),
]
RawFields = Annotated[
    list[str] | None, typer.Option("-f", "--raw-field", metavar="KEY=VALUE", help="A field that is text.")
]
TypedFields = Annotated[
    list[str] | None,
    typer.Option(
        "-F", "--field", metavar="KEY=VALUE", help="A field: true, false, null, a number, @file, @- or text."
    ),
]
Input = Annotated[
    str | None, typer.Option("--input", metavar="FILE", help="Send this file's bytes; - is standard input.")
]
Headers = Annotated[
    list[str] | None, typer.Option("-H", "--header", metavar="NAME:VALUE", help="Another header.")
]
Connection = Annotated[
    str | None,
    typer.Option(
        "--connection",
        metavar="ID",
        autocompletion=connections,
        help="The connection's id or alias, if there are several.",
    ),
]
Include = Annotated[bool, typer.Option("-i", "--include", help="Print the status and the headers, too.")]


def api(
    path: Target,
    *,
    method: Method = None,
    raw_fields: RawFields = None,
    typed_fields: TypedFields = None,
    body_from: Input = None,
    headers: Headers = None,
    connection: Connection = None,
    include: Include = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Make any call and print the answer's body. Exits with 1 if its status is 400 or above."""
    _require_path(path)
    fields = [split_field(text) for text in raw_fields or ()]
    fields += [(key, typed(value)) for key, value in map(split_field, typed_fields or ())]
    try:
        with context.client(url) as client:
            response = client.request(
                path=path if path.startswith("/") else f"/{path}",
                connection=connection,
                **_request(method, fields, body_from, headers or ()),
            )
    except ApiError as error:
        _print(error.response, include=include, as_json=as_json)
        status = report(error, as_json=as_json, status=Exit.FAILED, path=path)
        raise typer.Exit(status) from error
    except ValueError as error:
        raise UsageError(str(error)) from error
    _print(response, include=include, as_json=as_json)
    if not as_json:
        for sentence in remarks(response, path):
            note(sentence)


def _request(
    method: str | None, fields: list[tuple[str, Any]], body_from: str | None, headers: Sequence[str]
) -> dict[str, Any]:
    """The arguments of `Moorage.request`: method, headers, and the fields as query or body. Raises UsageError."""
    has_input = body_from is not None
    method = (method or ("POST" if fields or has_input else "GET")).upper()
    if method not in _METHODS:
        raise UsageError(f"There is no HTTP method {method}.{did_you_mean(method, _METHODS)}")
    request: dict[str, Any] = {"method": method, "headers": _headers(headers, has_input=has_input)}
    if body_from is not None:
        request["body"] = reading.content(body_from)
    if method in _IN_QUERY or has_input:
        request["params"] = [(key, "null" if value is None else value) for key, value in fields]
    elif fields:
        request["json"] = document(fields)
    return request


def _require_path(path: str) -> None:
    if "://" in path.partition("?")[0]:
        parts = urlsplit(path)
        server = f"{parts.scheme}://{parts.netloc}"
        raise UsageError(
            f"{path!r} is a whole URL, but this command needs only its path",
            help=f"Use {parts.path or '/'}, with --url {server} if that is not your server's usual address.",
        )


def _headers(texts: Sequence[str], *, has_input: bool) -> dict[str, str]:
    headers = {"Content-Type": "application/json"} if has_input else {}
    for text in texts:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise UsageError(f"The header {text!r} is not Name: value")
        if name.strip().lower() == "content-type":
            headers.pop("Content-Type", None)
        headers[name.strip()] = value.strip()
    return headers


def _print(response: Response, *, include: bool, as_json: bool) -> None:
    if as_json:
        print_json(response_document(response))
        return
    if include:
        typer.echo(f"HTTP/1.1 {response.status} {response.reason}")
        for name, value in response.headers:
            typer.echo(f"{name}: {value}")
        typer.echo()
    sys.stdout.flush()
    body = _for_reading(response) if sys.stdout.isatty() else response.body
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()
    if body and not body.endswith(b"\n") and _is_same_file(sys.stdout, sys.stderr):
        print(file=sys.stderr, flush=True)  # So that the messages after the body begin on a new line.


def _is_same_file(first: TextIO, second: TextIO) -> bool:
    """True if two streams lead to the same file, as with `2>&1`."""
    try:
        return os.path.sameopenfile(first.fileno(), second.fileno())
    except (OSError, ValueError):
        return False


def _for_reading(response: Response) -> bytes:
    """The body for a person at a terminal: JSON with indentation and a line break at the end."""
    try:
        return (
            json.dumps(response.json(), ensure_ascii=False, indent=2).encode() + b"\n"
            if response.body
            else b""
        )
    except ValueError:
        return response.body
