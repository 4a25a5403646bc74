"""`/assets/…`: the files of our pages, for browsers."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http.control import route
from moorage.http.errors import NotFound
from moorage.web.assets import assets

TYPES: Mapping[str, str] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "woff2": "font/woff2",
}
_FOR_GOOD = "public, max-age=31536000, immutable"


def routes() -> list[Route]:
    return [route("/assets/{digest}/{name:path}", GET=_get)]


async def _get(request: Request) -> Response:
    """Raises NotFound, also for the digest of other files."""
    digest, name = (str(request.path_params[part]) for part in ("digest", "name"))
    kind, known = TYPES.get(name.rpartition(".")[2]), assets()
    if kind is None or name not in known.files or digest != known.digest:
        raise NotFound("There is no such file.", help="Load the page again.")
    headers = {
        "content-type": kind,
        "cache-control": _FOR_GOOD,
        "x-content-type-options": "nosniff",
        "vary": "accept-encoding",
    }
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(known.files[name], headers=headers)
    return Response(known.packed(name), headers={**headers, "content-encoding": "gzip"})
