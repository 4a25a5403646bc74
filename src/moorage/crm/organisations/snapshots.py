"""Snapshots of organisations that are kept in the CRM's folder, by a name that callers give them."""

import re
import shutil
from pathlib import Path

from moorage.crm.errors import SnapshotInvalid, SnapshotUnknown

MOST = 100  # Of one organisation: each is as large as it.
# What organisations and their snapshots may be called. Files are named by it, and nothing in it leads elsewhere.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


class Snapshots:
    """`folder` is made once something is to be kept in it, readable by its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self, slug: str) -> list[str]:
        return sorted(file.stem for file in self._of(slug).glob("*.db"))

    def place(self, slug: str, name: str) -> Path:
        """Where a new snapshot goes, or one that takes the place of the old. Raises SnapshotInvalid."""
        if not NAME.fullmatch(name):
            raise SnapshotInvalid(
                f"{name[:64]!r} can't name a snapshot.",
                help="Use 1 to 40 of a-z, 0-9 and -, such as before-test.",
            )
        known = self.names(slug)
        if name not in known and len(known) >= MOST:
            raise SnapshotInvalid(
                f"{slug} has {len(known)} snapshots already.", help="Delete one of them, or overwrite it."
            )
        folder = self._of(slug)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder / f"{name}.db"

    def find(self, slug: str, name: str) -> Path:
        """Raises SnapshotUnknown."""
        known = self.names(slug)
        if name not in known:
            raise SnapshotUnknown(
                f"{slug} has no snapshot {name[:64]!r}.", help=f"Known: {', '.join(known) or 'none yet'}."
            )
        return self._of(slug) / f"{name}.db"

    def remove(self, slug: str, name: str) -> None:
        """Raises SnapshotUnknown."""
        self.find(slug, name).unlink(missing_ok=True)

    def remove_all(self, slug: str) -> None:
        shutil.rmtree(self._of(slug), ignore_errors=True)

    def _of(self, slug: str) -> Path:
        return self._folder / slug
