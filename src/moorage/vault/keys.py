"""The sources of the vault's keys: the settings, or a file that may change while servers run."""

import contextlib
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Protocol
from urllib.parse import quote

from moorage.errors import SettingsInvalid
from moorage.locks import FileLock
from moorage.settings.readers import Secret, decode_keys
from moorage.storage import kept_secret
from moorage.storage.secret_files import replace_file
from moorage.storage.trouble import trouble_of, unusable
from moorage.vault.errors import VaultBusy, VaultKeyGiven, VaultKeyMissing, VaultKeyUnshared, VaultLocked
from moorage.vault.model import Key, Ring


class KeySource(Protocol):
    """A source of keys. If it is `fixed`, only the operator can change the keys."""

    fixed: ClassVar[bool]

    def ring(self) -> Ring:
        """The keys that are live now. Raises VaultLocked if there are none."""

    def rotating(self) -> contextlib.AbstractContextManager[None]:
        """Hold the rotation lock. Raises VaultBusy if another process holds it."""

    def replace(self, keys: Sequence[Key], /) -> None:
        """Make these the live keys, in every process. Raises VaultKeyGiven if the source is fixed."""


def shared_keys(setting: Secret | None, home: Path) -> KeySource:
    """The keys from the setting, for secrets in a database that other machines use, too. Raises VaultKeyUnshared."""
    if setting is None:
        file = home / "vault.key"
        raise VaultKeyUnshared(str(file) if _is_filled(file) else None)
    return load_keys(setting, home)


def load_keys(
    setting: Secret | None, home: Path, database: Path | None = None, *, make: bool = True
) -> KeySource:
    """The keys from the setting; without it, from `vault.key` in the data folder.

    The file is created if it is missing, unless `database` has encrypted secrets already, or `make` is False. Raises
    SettingsInvalid for a file without a key, and VaultKeyMissing if the file is missing and may not be created.
    """
    lock = home / "vault.lock"
    if setting is not None:
        return SettingKeys(_ring(setting.reveal()), lock)
    path = home / "vault.key"
    may_make = make and (database is None or not _holds_secrets(database))
    if not may_make and not _is_filled(path):
        raise VaultKeyMissing(
            f"The key that encrypted the secrets in {home} is missing: MOORAGE_VAULT_KEY is not set, and there is no "
            f"{path}."
        )
    content = make_key_file(home)
    try:
        _ring(content.decode("ascii"))
    except ValueError as error:
        raise SettingsInvalid(
            f"{path} holds no key.", help="Restore the file that was used before, or set MOORAGE_VAULT_KEY."
        ) from error
    return KeyFile(path, lock)


def make_key_file(home: Path) -> bytes:
    """The content of `vault.key`. The file is created with a new key if it is missing."""
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
        return False  # The error shows again, with a better message, when the database is opened.


class SettingKeys:
    """The keys from the setting. They never change while the process runs."""

    fixed: ClassVar[bool] = True

    def __init__(self, ring: Ring, lock: Path) -> None:
        self._ring = ring
        self._lock = lock

    def ring(self) -> Ring:
        return self._ring

    def rotating(self) -> contextlib.AbstractContextManager[None]:
        return _exclusive(self._lock)

    def replace(self, _keys: Sequence[Key], /) -> None:
        raise VaultKeyGiven


class LateKeys:
    """Loads the keys at their first use, because a command that decrypts no secret needs no key."""

    fixed: ClassVar[bool] = True

    def __init__(self, load: Callable[[], KeySource]) -> None:
        self._load = load

    def ring(self) -> Ring:
        """The keys that are live now. Raises also the errors of `load_keys`."""
        return self._load().ring()

    def rotating(self) -> contextlib.AbstractContextManager[None]:
        return self._load().rotating()

    def replace(self, keys: Sequence[Key], /) -> None:
        self._load().replace(keys)


class KeyFile:
    """A file with one key in each line, the current key first. It is checked at each use, so all processes agree."""

    fixed: ClassVar[bool] = False

    def __init__(self, path: Path, lock: Path) -> None:
        self._path = path
        self._lock = lock
        self._read: tuple[tuple[int, int, int], Ring] | None = None

    def ring(self) -> Ring:
        """The keys that are live now. Raises also DatabaseUnusable, if the disk or the system prevents reading."""
        try:
            status = self._path.stat()
            version = (status.st_ino, status.st_mtime_ns, status.st_size)
            if self._read is None or self._read[0] != version:
                self._read = version, _ring(self._path.read_text("ascii"))
        except (OSError, ValueError) as error:
            self._read = None
            if trouble_of(error) is not None:
                raise unusable(f"{self._path}", error) from error
            raise VaultLocked from None
        return self._read[1]

    def rotating(self) -> contextlib.AbstractContextManager[None]:
        return _exclusive(self._lock)

    def replace(self, keys: Sequence[Key], /) -> None:
        # It is on the disk before any secret is encrypted with a new key, which could get lost otherwise.
        replace_file(self._path, content_of(keys))


def content_of(keys: Iterable[Key]) -> bytes:
    """The content of a `vault.key` with these keys."""
    return "".join(f"{key.secret.hex()}\n" for key in keys).encode("ascii")


def _ring(text: str) -> Ring:
    return Ring(tuple(Key(secret) for secret in dict.fromkeys(decode_keys(text))))


@contextlib.contextmanager
def _exclusive(lock: Path) -> Iterator[None]:
    with contextlib.ExitStack() as locks:
        try:
            locks.enter_context(FileLock(lock, wait=False))
        except BlockingIOError:
            raise VaultBusy from None
        yield
