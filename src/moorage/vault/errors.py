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
