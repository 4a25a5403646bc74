"""The parameters of a request to the accounts server, wherever clients put them."""

import re
from urllib.parse import parse_qsl

from moorage.http.message import Request

MAX_BODY = 64 * 1024


def form(request: Request) -> dict[str, str]:
    """The parameters of the body and the query, the body's first. Anything that is no form gives none."""
    found = fields(request.query.decode("utf-8", "replace"))
    body = request.body[:MAX_BODY]
    content_type = request.header(b"content-type") or ""
    multipart = "multipart/" in content_type.lower()
    found.update(_multipart(content_type, body) if multipart else fields(body.decode("utf-8", "replace")))
    return found


def fields(text: str) -> dict[str, str]:
    """The parameters of a query or of a form like one. Of a name given twice the last counts."""
    return dict(parse_qsl(text, keep_blank_values=True))


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    from email.parser import BytesParser  # noqa: PLC0415 (few clients send these, and the package takes a megabyte)
    from email.policy import HTTP  # noqa: PLC0415

    header = re.sub(r"[\r\n]", " ", content_type).encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + header + b"\r\n\r\n" + body)
    fields = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            fields[name] = content.decode("utf-8", "replace").strip("\r\n")
    return fields
