"""The organisations of one CRM folder: made, listed, opened, copied, reset and deleted.

registry.db          which organisations exist; the accounts server's clients and tokens
secret.key           signs page tokens and derives client secrets
openid.key           signs ID tokens; made when the first one is asked for
changes              shared memory: whether the metadata of any organisation have changed
organisations.lock   held by whoever makes, copies or removes a whole organisation
orgs/                the organisations (`storage/sqlite/organisation_files.py`)
snapshots/           those of them that are kept by a name, in a folder for each (`snapshots.py`)
"""

import contextlib
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from moorage.clock import Clock
from moorage.crm.errors import OrganisationExists, OrganisationInvalid, OrganisationUnknown
from moorage.crm.metadata import fixed_ids
from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.ids import ID_SPACE
from moorage.crm.metadata.standard import DEMO, OrganisationSpec, blueprint
from moorage.crm.organisations.registry import OrganisationRow, Registry
from moorage.crm.organisations.sample.populate import populate
from moorage.crm.organisations.snapshots import NAME, Snapshots
from moorage.crm.storage.contract.organisations import Fill, Organisation, OrganisationStorage
from moorage.crm.storage.sqlite.organisation_files import SqliteFiles
from moorage.near import did_you_mean
from moorage.storage import SecretMissing, kept_secret
from moorage.storage.errors import DatabaseUnusable

__all__ = ["OrganisationRow", "Organisations", "Wanted"]

KEY_SIZE = 32
_KEY_FIX = (
    "Put back the file used before. Without it every client of the embedded CRM needs a new secret: if it is lost, put"
    f" {KEY_SIZE} random bytes there."
)
FIRST_PREFIX = 7_243_485  # Of the first organisation in a folder: the one the specification's examples use.


class Organisations:
    """`folder` is made when it is missing, readable by its owner alone."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[int, Organisation] = {}
        self._generations: dict[int, int | None] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.registry = Registry(folder / "registry.db")
        self.secret_key = _secret_key(folder / "secret.key", self.registry)
        self.snapshots = Snapshots(folder / "snapshots")
        self._storage: OrganisationStorage = SqliteFiles(folder / "orgs", clock)

    def list(self) -> list[OrganisationRow]:
        return self.registry.all()

    def find(self, slug: str) -> OrganisationRow:
        """Raises OrganisationUnknown."""
        row = self.registry.find(slug)
        if row is None:
            known = [one.slug for one in self.list()]
            raise OrganisationUnknown(
                f"There is no organisation {slug!r}.{did_you_mean(slug, known)}",
                help=f"Known: {', '.join(known) or 'none yet'}.",
            )
        return row

    def choose(self, slug: str | None) -> OrganisationRow:
        """The one of that name, or the oldest. Raises OrganisationUnknown."""
        if slug is not None:
            return self.find(slug)
        rows = self.list()
        if not rows:
            raise OrganisationUnknown(
                "There is no organisation yet.", help="`moorage crm org create NAME` makes one."
            )
        return rows[0]

    def create(self, slug: str, spec: OrganisationSpec, *, sample: bool) -> OrganisationRow:
        """Make an organisation, with sample records if wished. Raises OrganisationExists, OrganisationInvalid."""
        if not NAME.fullmatch(slug):
            raise OrganisationInvalid(
                f"{slug[:64]!r} can't name an organisation.",
                help="Use 1 to 40 of a-z, 0-9 and -, such as acme-test.",
            )
        with self._alone():
            if self.registry.find(slug) is not None:
                raise OrganisationExists(
                    f"There is an organisation {slug!r} already.",
                    help="Choose another name, or delete it first.",
                )
            row = OrganisationRow(self._new_id(), slug, spec.name, self._clock.now())
            self.registry.begin(slug)
            self._make(row, spec, sample=sample)
            self.registry.add(row, spec, sample=sample)
        return row

    def delete(self, slug: str) -> None:
        """Raises OrganisationUnknown, like all that follow."""
        with self._alone():
            row = self.find(slug)
            self.registry.remove(row)
            self.forget(row.id)
            self._remove_unfinished()

    def snapshot(self, slug: str, target: Path) -> None:
        """Save the organisation as it is now to a file, while it goes on being used. Raises SnapshotUnwritable."""
        with self._alone():
            self._storage.snapshot(self.find(slug).slug, target)

    def restore(self, slug: str, source: Path) -> None:
        """Make the organisation what a snapshot of it holds. Others see it change in one step.

        Ids go on from where they are: none that was given after the snapshot is given again.
        """
        with self._alone():
            row = self.find(slug)
            self._storage.restore(row.slug, row.id, source)
            self._changed(row)

    def reset(self, slug: str) -> None:
        """Make the organisation what it was when it was created, ids included."""
        with self._alone():
            row = self.find(slug)
            spec, sample = self.registry.made_from(row.id)
            self._make(row, spec, sample=sample)
            self._changed(row)

    def open(self, identity: int) -> Organisation | None:
        """The organisation ready for work, kept open; None when there is none. Raises OrganisationDamaged."""
        found = self._open.get(identity)
        return found if found is not None and not found.store.closed else self._load(identity)

    def forget(self, identity: int | None = None) -> None:
        """Close one organisation, or all, so that the next use reads it anew."""
        for one in [identity] if identity is not None else list(self._open):
            if (organisation := self._open.pop(one, None)) is not None:
                organisation.store.close()

    def forget_changed(self) -> None:
        """Close what another process deleted, made anew, restored or reset."""
        for identity in list(self._open):
            if self.registry.generation(identity) != self._generations[identity]:
                self.forget(identity)

    def close(self) -> None:
        self.forget()
        self._storage.close()
        self.registry.close()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with self.registry.alone():
            self._remove_unfinished()
            yield

    def _remove_unfinished(self) -> None:
        """Remove what is deleted, and what a process that was killed began."""
        for slug in self.registry.unfinished():
            self._storage.remove(slug)
            self.snapshots.remove_all(slug)
            self.registry.finish(slug)

    def _changed(self, row: OrganisationRow) -> None:
        self.registry.announce(row.id)
        self.forget(row.id)

    def _load(self, identity: int) -> Organisation | None:
        self.forget(identity)
        # Read before the organisation is: a change in between then shows as one.
        generation, slug = self.registry.generation(identity), self.registry.slug(identity)
        if slug is None:
            return None
        organisation = self._storage.open(slug, identity)
        self._open[identity], self._generations[identity] = organisation, generation
        return organisation

    def _new_id(self) -> int:
        """An id whose seven leading digits no other organisation here has, or ever had."""
        taken = {identity // ID_SPACE for identity in self.registry.given()}
        prefix = FIRST_PREFIX
        while prefix in taken:
            prefix = 1_000_000 + secrets.randbelow(8_000_000)
        return prefix * ID_SPACE + fixed_ids.ORGANISATION

    def _make(self, row: OrganisationRow, spec: OrganisationSpec, *, sample: bool) -> None:
        created = self._clock.now()
        documents = _documents(spec, row.id, created)
        fill: Fill | None = None
        if sample:
            fill = lambda organisation, begin: populate(organisation, begin, created)  # noqa: E731
        self._storage.make(row.slug, row.id, documents, fill)


def _secret_key(path: Path, registry: Registry) -> bytes:
    """Raises DatabaseUnusable for a key that is torn, or is gone though there are organisations.

    A short one could be guessed, and another one would make every client's secret another, without a word.
    """
    try:
        found = kept_secret(
            path, lambda: secrets.token_bytes(KEY_SIZE), is_lost=lambda: bool(registry.given())
        )
    except SecretMissing as error:
        raise DatabaseUnusable(
            f"{error}, though there are organisations.", help=_KEY_FIX, kind="damaged"
        ) from None
    if len(found) != KEY_SIZE:
        told = f"{path} has {len(found)} bytes in place of {KEY_SIZE}."
        raise DatabaseUnusable(told, help=_KEY_FIX, kind="damaged")
    return found


@dataclass(frozen=True, slots=True)
class Wanted:
    """A new organisation; `unique` are fields, as `Module.Field`, that may hold no value twice."""

    slug: str
    name: str
    time_zone: str = "UTC"
    data_centre: str = "us"
    sample: bool = True
    unique: tuple[str, ...] = ()

    def make(self, organisations: Organisations) -> OrganisationRow:
        """Raises OrganisationExists, OrganisationInvalid."""
        spec = replace(
            DEMO,
            name=self.name,
            domain=f"{self.slug}.example",
            time_zone=self.time_zone,
            unique=self.unique,
            data_centre=self.data_centre,
        )
        return organisations.create(self.slug, spec, sample=self.sample)


def _documents(spec: OrganisationSpec, identity: int, created: datetime) -> list[Document]:
    try:
        return blueprint(spec, identity // ID_SPACE, created, _numbers())
    except ValueError as error:
        raise OrganisationInvalid(f"The organisation can't be made: {error.args[0]}.") from error


def _numbers() -> Callable[[], int]:
    """Local numbers for metadata, which records never meet."""
    following = iter(range(fixed_ids.FIRST_NUMBER, fixed_ids.FIRST_USER))
    return lambda: next(following)
