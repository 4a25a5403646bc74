"""Where the vault's key comes from."""

import contextlib
import os
import secrets
from pathlib import Path

from moorage.settings import Secret, key_bytes


def load_key(given: Secret | None, home: Path) -> bytes:
    """The key from the settings, else from `vault.key` in the data folder, which the first start makes."""
    if given is not None:
        return key_bytes(given.reveal())
    path = home / "vault.key"
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_bytes(32).hex())
    return key_bytes(path.read_text().strip())
