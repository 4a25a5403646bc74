"""`moorage api`: any call, with the key and the address filled in."""

import json
import sys
from typing import Annotated, Any

import typer

from moorage.cli import reach
from moorage.cli.failures import Exit, UsageError, report
from moorage.cli.fields import document, read_input, split_field, typed
from moorage.cli.options import Json, Url
from moorage.cli.output import print_json
from moorage.client import Answer, ApiError

_IN_QUERY = {"GET", "HEAD", "DELETE"}  # Methods whose fields are query parameters.


def api(
    path: Annotated[str, typer.Argument(help="Such as /zoho-crm/crm/v8/Leads?fields=Last_Name")],
    *,
    method: Annotated[
        str | None, typer.Option("-X", "--method", help="Default: GET, or POST with fields or --input.")
    ] = None,
    raw_fields: Annotated[
        list[str] | None, typer.Option("-f", "--raw-field", metavar="KEY=VALUE", help="A field that is text.")
    ] = None,
    typed_fields: Annotated[
        list[str] | None,
        typer.Option(
            "-F",
            "--field",
            metavar="KEY=VALUE",
            help="A field: true, false, null, a number, @file, @- or text.",
        ),
    ] = None,
    body_from: Annotated[
        str | None,
        typer.Option("--input", metavar="FILE", help="Send this file's bytes; - is standard input."),
    ] = None,
    headers: Annotated[
        list[str] | None, typer.Option("-H", "--header", metavar="NAME:VALUE", help="Another header.")
    ] = None,
    connection: Annotated[
        str | None, typer.Option("--connection", metavar="ID", help="Which of several connections.")
    ] = None,
    include: Annotated[bool, typer.Option("-i", "--include", help="Print status and headers too.")] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Make any call and print the answer's body. Exits with 1 if its status is 400 or above."""
    fields = [split_field(text) for text in raw_fields or ()]
    fields += [(key, typed(value)) for key, value in map(split_field, typed_fields or ())]
    method = (method or ("POST" if fields or body_from is not None else "GET")).upper()
    in_query = method in _IN_QUERY or body_from is not None
    try:
        with reach.client(url) as client:
            answer = client.request(
                method,
                path if path.startswith("/") else f"/{path}",
                params=[(key, _query_text(value)) for key, value in fields] if in_query else None,
                json=document(fields) if fields and not in_query else None,
                body=None if body_from is None else read_input(body_from),
                headers=_headers(headers or (), has_input=body_from is not None),
                connection=connection,
            )
    except ApiError as error:
        _print(error.answer, include=include, as_json=as_json)
        status = report(error, as_json=as_json, status=Exit.FAILED)
        raise typer.Exit(status) from error
    except ValueError as error:
        raise UsageError(str(error)) from error
    _print(answer, include=include, as_json=as_json)


def _query_text(value: Any) -> Any:
    return "null" if value is None else value


def _headers(given: list[str] | tuple[str, ...], *, has_input: bool) -> dict[str, str]:
    headers = {"Content-Type": "application/json"} if has_input else {}
    for text in given:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise UsageError(f"The header {text!r} is not Name: value")
        if name.strip().lower() == "content-type":
            headers.pop("Content-Type", None)
        headers[name.strip()] = value.strip()
    return headers


def _print(answer: Answer, *, include: bool, as_json: bool) -> None:
    if as_json:
        print_json({"status": answer.status, "headers": answer.headers, "body": _json_or_text(answer)})
        return
    if include:
        typer.echo(f"HTTP/1.1 {answer.status} {answer.reason}")
        for name, value in answer.headers:
            typer.echo(f"{name}: {value}")
        typer.echo()
    sys.stdout.flush()
    sys.stdout.buffer.write(_for_reading(answer) if sys.stdout.isatty() else answer.body)
    sys.stdout.buffer.flush()


def _for_reading(answer: Answer) -> bytes:
    """The body as a person at a terminal wants it: JSON indented, and never the last line without its end."""
    try:
        return (
            json.dumps(answer.json(), ensure_ascii=False, indent=2).encode() + b"\n" if answer.body else b""
        )
    except ValueError:
        return answer.body


def _json_or_text(answer: Answer) -> Any:
    try:
        return answer.json()
    except ValueError:
        return answer.body.decode(errors="replace")
