"""Where the vault's keys come from: the settings, or a file that may change while servers run."""

import contextlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Protocol
from urllib.parse import quote

from moorage.errors import SettingsInvalid
from moorage.locks import FileLock
from moorage.settings import Secret, decode_keys
from moorage.storage import flush_folder, kept_secret
from moorage.storage.trouble import trouble_of, unusable
from moorage.vault.errors import VaultBusy, VaultKeyGiven, VaultKeyMissing, VaultLocked
from moorage.vault.model import Key, Ring


class KeySource(Protocol):
    """`fixed` ones can be changed by the operator alone."""

    fixed: ClassVar[bool]

    def ring(self) -> Ring:
        """The keys that are live now. Raises VaultLocked when there are none."""

    def rotating(self) -> contextlib.AbstractContextManager[None]:
        """For one at a time. Raises VaultBusy."""

    def replace(self, keys: Sequence[Key], /) -> None:
        """From now on these are live, in every process. Raises VaultKeyGiven for fixed ones."""


def load_keys(
    given: Secret | None, home: Path, database: Path | None = None, *, make: bool = True
) -> KeySource:
    """The keys from the settings, else from `vault.key` in the data folder, which is made unless `database` holds
    something sealed already, or `make` says no.

    Raises SettingsInvalid for a file that holds none, VaultKeyMissing where another one would have to be made.
    """
    lock = home / "vault.lock"
    if given is not None:
        return GivenKeys(_ring(given.reveal()), lock)
    path = home / "vault.key"
    may_make = make and (database is None or not _holds_secrets(database))
    if not may_make and not _is_filled(path):
        raise VaultKeyMissing(
            f"The key that sealed what is stored in {home} is missing: MOORAGE_VAULT_KEY is not set, and there is no "
            f"{path}."
        )
    content = make_key_file(home)
    try:
        _ring(content.decode("ascii"))
    except ValueError as error:
        raise SettingsInvalid(
            f"{path} holds no key.", help="Put back the file used before, or set MOORAGE_VAULT_KEY."
        ) from error
    return KeyFile(path, lock)


def make_key_file(home: Path) -> bytes:
    """What `vault.key` holds: a new key, unless there is one."""
    return kept_secret(home / "vault.key", lambda: secrets.token_hex(32).encode())


def _is_filled(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def _holds_secrets(database: Path) -> bool:
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True)
        ) as connection:
            return connection.execute("SELECT 1 FROM secrets LIMIT 1").fetchone() is not None
    except sqlite3.Error:
        return False  # Whoever opens the database next says what is wrong with it.


class GivenKeys:
    """Those of the settings, which stay as they are for as long as the process lives."""

    fixed: ClassVar[bool] = True

    def __init__(self, ring: Ring, lock: Path) -> None:
        self._ring = ring
        self._lock = lock

    def ring(self) -> Ring:
        return self._ring

    def rotating(self) -> contextlib.AbstractContextManager[None]:
        return _alone(self._lock)

    def replace(self, _keys: Sequence[Key], /) -> None:
        raise VaultKeyGiven


class LateKeys:
    """Loads the keys when they are first needed: a command that opens no secret needs none."""

    fixed: ClassVar[bool] = True

    def __init__(self, load: Callable[[], KeySource]) -> None:
        self._load = load

    def ring(self) -> Ring:
        """Raises what `load_keys` raises, too."""
        return self._load().ring()

    def rotating(self) -> contextlib.AbstractContextManager[None]:
        return self._load().rotating()

    def replace(self, keys: Sequence[Key], /) -> None:
        self._load().replace(keys)


class KeyFile:
    """One key on each line, the current one first. It is looked at before each use, so no process lags behind."""

    fixed: ClassVar[bool] = False

    def __init__(self, path: Path, lock: Path) -> None:
        self._path = path
        self._lock = lock
        self._read: tuple[tuple[int, int, int], Ring] | None = None

    def ring(self) -> Ring:
        """Raises DatabaseUnusable, too, where the disk or the system keeps the file from being read."""
        try:
            found = self._path.stat()
            version = (found.st_ino, found.st_mtime_ns, found.st_size)
            if self._read is None or self._read[0] != version:
                self._read = version, _ring(self._path.read_text("ascii"))
        except (OSError, ValueError) as error:
            self._read = None
            if trouble_of(error) is not None:
                raise unusable(f"{self._path}", error) from error
            raise VaultLocked from None
        return self._read[1]

    def rotating(self) -> contextlib.AbstractContextManager[None]:
        return _alone(self._lock)

    def replace(self, keys: Sequence[Key], /) -> None:
        draft = self._path.with_suffix(".draft")
        draft.unlink(missing_ok=True)  # Of somebody who was killed.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("".join(f"{key.secret.hex()}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        # A new name is on disk only once its folder is, and nothing may be sealed with a key that could get lost.
        flush_folder(self._path)


def _ring(text: str) -> Ring:
    return Ring(tuple(Key(secret) for secret in dict.fromkeys(decode_keys(text))))


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(FileLock(lock, wait=False))
        except BlockingIOError:
            raise VaultBusy from None
        yield
