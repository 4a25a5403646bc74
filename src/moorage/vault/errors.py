from moorage.errors import MoorageError


class VaultLocked(MoorageError):
    """The vault's keys do not open what is stored."""

    code = "vault_locked"

    def __init__(self) -> None:
        super().__init__(
            "The vault's key does not open the stored secrets.",
            help="Give back the key used before: MOORAGE_VAULT_KEY, or vault.key in the data folder.",
        )


class VaultKeyMissing(MoorageError):
    """The key that sealed what is stored is not among those that are given, so nothing may be started with these."""

    code = "vault_key_missing"

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            help="Set MOORAGE_VAULT_KEY as it was, or put the vault.key used before back into the data folder. If it "
            "is lost, `moorage vault forget` drops what nobody can open any more.",
        )


class VaultBusy(MoorageError):
    """Somebody else is rotating the vault's keys."""

    code = "vault_busy"

    def __init__(self) -> None:
        super().__init__("The vault's keys are being rotated by another command.", help="Wait until it ends.")


class VaultKeyGiven(MoorageError):
    """The keys come from a setting, which only the operator can change."""

    code = "vault_key_given"

    def __init__(self) -> None:
        super().__init__(
            "The vault's key comes from MOORAGE_VAULT_KEY, which can't be changed from here.",
            help="Put a new key in front of the one there, as in new,old; restart the server; rotate again.",
        )


class VaultKeyRefused(MoorageError):
    """The vault can't rotate to the key that was named."""

    code = "vault_key_refused"
