"""The errors of the vault."""

from moorage.errors import MoorageError


class VaultLocked(MoorageError):
    """The vault's keys do not decrypt the stored secrets."""

    code = "vault_locked"

    def __init__(self) -> None:
        super().__init__(
            "The vault key does not decrypt the stored secrets.",
            help="Restore the key that was used before: MOORAGE_VAULT_KEY, or vault.key in the data folder.",
        )


class VaultKeyMissing(MoorageError):
    """The key that encrypted the stored secrets is missing, so no server may start."""

    code = "vault_key_missing"

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            help="Restore the key that was used before: MOORAGE_VAULT_KEY, or vault.key in the data folder. If it is "
            "lost, `moorage vault forget` deletes the secrets that can't be decrypted any more.",
        )


class VaultKeyUnshared(MoorageError):
    """The secrets are in a database that several machines can use, and the vault key would be in one data folder."""

    code = "vault_key_missing"

    def __init__(self, file: str | None) -> None:
        super().__init__(
            "MOORAGE_VAULT_KEY is not set. With a control database in PostgreSQL it has to be, as every server on it"
            " needs the same vault key.",
            help="Make a key with `openssl rand -base64 32`, keep it in a safe place, and give it to each server as"
            " MOORAGE_VAULT_KEY, or in a file as MOORAGE_VAULT_KEY_FILE."
            if file is None
            else f"This data folder has a key already: set MOORAGE_VAULT_KEY_FILE={file}.",
        )


class VaultBusy(MoorageError):
    """Another command is rotating the vault's keys."""

    code = "vault_busy"

    def __init__(self) -> None:
        super().__init__("Another command is rotating the vault's keys.", help="Wait until it ends.")


class VaultKeyGiven(MoorageError):
    """The keys come from a setting, which a command can't change."""

    code = "vault_key_given"

    def __init__(self) -> None:
        super().__init__(
            "The vault key comes from MOORAGE_VAULT_KEY, which this command can't change.",
            help="Put a new key in front of the old key, as in new,old; restart the server; rotate again.",
        )


class VaultKeyRefused(MoorageError):
    """The vault can't rotate to the key that was named."""

    code = "vault_key_refused"
