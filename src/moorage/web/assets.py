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

SHEET, ICON = "moorage.css", "icon.svg"
_CONSOLE = "/* The frame of the console."  # Here the sheet goes on with what only the console needs.
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

    @cached_property
    def plain_sheet(self) -> str:
        """The part of the style sheet that pages outside of the console have in themselves."""
        return self.text(SHEET).partition(_CONSOLE)[0].rstrip()

    def packed(self, name: str) -> bytes:
        """A file, compressed."""
        if name not in self._packed:
            self._packed[name] = gzip.compress(self.files[name], mtime=0)
        return self._packed[name]


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
