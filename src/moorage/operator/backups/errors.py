"""What can go wrong with backups."""

from pathlib import Path

from moorage.errors import MoorageError


class BackupUnreadable(MoorageError):
    """The file is no backup, or one of a newer version."""

    code = "backup_unreadable"

    def __init__(self, file: Path, why: str) -> None:
        super().__init__(
            f"{file} can't be read as a backup: {why}.", help="Name a file that `moorage backup` made."
        )


class BackupDamaged(MoorageError):
    """The file was cut, changed or put together of others."""

    code = "backup_damaged"

    def __init__(self, file: Path, where: str) -> None:
        super().__init__(
            f"{file} is damaged: {where}. Nothing of it was used.",
            help="Use another copy, or an older backup.",
        )


class PassphraseWrong(MoorageError):
    """The passphrase does not open the backup."""

    code = "passphrase_wrong"

    def __init__(self, file: Path) -> None:
        super().__init__(
            f"The passphrase does not open {file}.",
            help="Use the passphrase or the recovery key with which it was made. Without it nobody can open it.",
        )


class BackupBusy(MoorageError):
    """Another process makes a backup of the same data folder, or into the same file."""

    code = "backup_busy"

    def __init__(self, what: Path) -> None:
        super().__init__(
            f"Another process makes a backup: it holds {what}.",
            help="Repeat the command when that has ended.",
        )
