"""Secrets that a room needs before it can do anything, for all processes on one control database."""

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from moorage.storage.backend import backend_of
from moorage.storage.migrate import opened
from moorage.storage.secret_files import SecretMissing, known_secret
from moorage.vault.errors import VaultLocked
from moorage.vault.keys import KeySource
from moorage.vault.store import is_of_other_keys, secrets

OWNER = "crm"


class SealedSecrets:
    """Keeps the secrets of the embedded CRM in the control database with this URL. Its tables have to exist.

    A secret that is missing comes from its file in `folder`, if there is one: the installation kept it there before.
    Connections are opened for one call, so that a process can fork after it.
    """

    def __init__(self, url: str, keys: KeySource, folder: Path) -> None:
        self._backend = backend_of(url)
        self._keys = keys
        self._folder = folder

    def where(self, name: str) -> str:
        return f"The secret {name!r} of the embedded CRM in the vault"

    def kept(
        self, name: str, make: Callable[[], bytes], *, is_lost: Callable[[], bool] = lambda: False
    ) -> bytes:
        """See `moorage.crm.secret_key.SecretKeeper`. Raises also VaultLocked."""
        return self._read(name) or self._made(name, self._first(name, make, is_lost))

    def known(self, name: str) -> bytes | None:
        return self._read(name) or self._in_folder(name)

    def _in_folder(self, name: str) -> bytes | None:
        return known_secret(self._folder / f"{name}.key")

    def _first(self, name: str, make: Callable[[], bytes], is_lost: Callable[[], bool]) -> bytes:
        content = self._in_folder(name)
        if content is not None:
            return content
        if is_lost():
            raise SecretMissing(self.where(name))
        return make()

    def _read(self, name: str) -> bytes | None:
        with opened(self._backend, self._backend.reading()) as connection:
            return self._secret(connection, name)

    def _made(self, name: str, secret: bytes) -> bytes:
        """Writing transactions are serial, so of several processes the first one keeps its secret."""
        with opened(self._backend, self._backend.writing()) as connection:
            known = self._secret(connection, name)
            if known is not None:
                return known
            ring = self._keys.ring()
            if connection.execute(is_of_other_keys(ring.ids).limit(1)).first() is not None:
                raise VaultLocked  # A wrong key must not encrypt what the right one then can't decrypt.
            sealed = ring.seal(OWNER, name, secret.hex())
            values = {"owner_id": OWNER, "kind": name, "value": sealed}
            connection.execute(secrets.insert().values(values))
            return secret

    def _secret(self, connection: sa.Connection, name: str) -> bytes | None:
        is_secret = (secrets.c.owner_id == OWNER) & (secrets.c.kind == name)
        row = connection.execute(sa.select(secrets.c.value).where(is_secret)).first()
        return None if row is None else bytes.fromhex(self._keys.ring().open(OWNER, name, row.value))
