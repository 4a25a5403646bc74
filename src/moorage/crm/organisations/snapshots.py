"""Snapshots of organisations in the CRM's folder. Callers choose their names."""

import re
import shutil
from pathlib import Path

from moorage.crm.errors import SnapshotInvalid, SnapshotUnknown

MAX_SNAPSHOTS = 100  # For each organisation. A snapshot is as large as the organisation.
# The names of organisations and snapshots. They are the names of files, so they can't lead to another folder.
NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


class Snapshots:
    """`folder` is made for the first snapshot. Only its owner can read it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self, slug: str) -> list[str]:
        return sorted(file.stem for file in self._of(slug).glob("*.db"))

    def target(self, slug: str, name: str) -> Path:
        """The file for a new snapshot, which may replace an older snapshot. Raises SnapshotInvalid."""
        if not NAME.fullmatch(name):
            raise SnapshotInvalid(
                f"{name[:64]!r} can't be the name of a snapshot.",
                help="Use 1 to 40 of a-z, 0-9 and -, such as before-test.",
            )
        names = self.names(slug)
        if name not in names and len(names) >= MAX_SNAPSHOTS:
            raise SnapshotInvalid(
                f"{slug} has {len(names)} snapshots already.",
                help="Delete a snapshot, or use the name of an existing snapshot.",
            )
        folder = self._of(slug)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return folder / f"{name}.db"

    def find(self, slug: str, name: str) -> Path:
        """The file of a snapshot. Raises SnapshotUnknown."""
        names = self.names(slug)
        if name not in names:
            raise SnapshotUnknown(
                f"{slug} has no snapshot {name[:64]!r}.", help=f"Known: {', '.join(names) or 'none yet'}."
            )
        return self._of(slug) / f"{name}.db"

    def remove(self, slug: str, name: str) -> None:
        """Raises SnapshotUnknown."""
        self.find(slug, name).unlink(missing_ok=True)

    def remove_all(self, slug: str) -> None:
        shutil.rmtree(self._of(slug), ignore_errors=True)

    def _of(self, slug: str) -> Path:
        return self._folder / slug
