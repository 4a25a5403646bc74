from moorage.errors import MoorageError


class VaultLocked(MoorageError):
    """The vault's key does not open what is stored."""

    code = "vault_locked"

    def __init__(self) -> None:
        super().__init__(
            "The vault's key does not open the stored secrets.",
            help="Give back the key used before: MOORAGE_VAULT_KEY, or vault.key in the data folder.",
        )
