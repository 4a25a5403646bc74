"""The style sheet, scripts and pictures of our pages: files in the folder `static`, served by a digest of them all.

Browsers keep a file for good, because its path changes with any of the files. So scripts can import each other by
relative paths. The files hold no secret; everybody may read them.
"""

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http.control import route
from moorage.http.errors import NotFound

SHEET, ICON = "moorage.css", "icon.svg"
TYPES: Mapping[str, str] = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "woff2": "font/woff2",
}
_FOR_GOOD = "public, max-age=31536000, immutable"
_DIGITS = 12  # Hexadecimal digits of the digest.


class Assets:
    """The files in a folder. They are read when the first page needs them."""

    def __init__(self, folder: Traversable) -> None:
        self._folder = folder
        self._packed: dict[str, bytes] = {}

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """The content of each file, by its path in the folder."""
        return dict(sorted(_read(self._folder, "")))

    @cached_property
    def digest(self) -> str:
        whole = hashlib.sha256()
        for name, content in self.files.items():
            whole.update(f"{name} {len(content)} ".encode() + content)
        return whole.hexdigest()[:_DIGITS]

    def path(self, name: str) -> str:
        """Where a file is served, relative to the root of the site. Raises KeyError for a file that is not there."""
        self.files[name]
        return f"assets/{self.digest}/{name}"

    def text(self, name: str) -> str:
        return self.files[name].decode()

    def answer(self, digest: str, name: str, *, packed: bool) -> Response:
        """Raises NotFound, also for the digest of other files."""
        kind = TYPES.get(name.rpartition(".")[2])
        content = self.files.get(name)
        if kind is None or content is None or digest != self.digest:
            raise NotFound("There is no such file.", help="Load the page again.")
        headers = {
            "content-type": kind,
            "cache-control": _FOR_GOOD,
            "x-content-type-options": "nosniff",
            "vary": "accept-encoding",
        }
        if not packed:
            return Response(content, headers=headers)
        if name not in self._packed:
            self._packed[name] = gzip.compress(content, mtime=0)
        return Response(self._packed[name], headers={**headers, "content-encoding": "gzip"})


def _read(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found.extend(_read(entry, f"{prefix}{entry.name}/"))
        else:
            found.append((f"{prefix}{entry.name}", entry.read_bytes()))
    return found


@cache
def assets() -> Assets:
    """The files of this package."""
    return Assets(files("moorage.web") / "static")


def routes() -> list[Route]:
    async def get(request: Request) -> Response:
        takes_packed = "gzip" in request.headers.get("accept-encoding", "")
        return assets().answer(
            str(request.path_params["digest"]), str(request.path_params["name"]), packed=takes_packed
        )

    return [route("/assets/{digest}/{name:path}", GET=get)]
