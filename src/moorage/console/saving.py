"""Files that a browser saves, whatever is in them: it shows nothing of them."""

from urllib.parse import quote

from starlette.responses import Response

from moorage.web.pages import named_headers


def saved(content: bytes, name: str, kind: str) -> Response:
    """A file that a browser saves."""
    safe = "".join(sign if sign.isprintable() and sign not in '/\\"' else "_" for sign in name) or "file"
    headers = {
        **named_headers(sources="sandbox"),
        "content-disposition": f"attachment; filename*=UTF-8''{quote(safe.encode('utf-8', 'replace')[:200])}",
    }
    return Response(content, headers=headers, media_type=kind)
