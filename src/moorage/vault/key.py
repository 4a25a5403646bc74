"""Where the vault's key comes from."""

import secrets
from pathlib import Path

from moorage.errors import SettingsInvalid
from moorage.settings import Secret, key_bytes
from moorage.storage import kept_secret


def load_key(given: Secret | None, home: Path) -> bytes:
    """The key from the settings, else from `vault.key` in the data folder, which the first start makes.

    Raises SettingsInvalid for a file that holds none.
    """
    if given is not None:
        return key_bytes(given.reveal())
    path = home / "vault.key"
    content = kept_secret(path, lambda: secrets.token_hex(32).encode())
    try:
        return key_bytes(content.decode("ascii").strip())
    except ValueError as error:
        raise SettingsInvalid(
            f"{path} holds no key.", help="Put back the file used before, or set MOORAGE_VAULT_KEY."
        ) from error
