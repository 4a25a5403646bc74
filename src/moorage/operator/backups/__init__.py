"""Everything of an installation in one sealed file: made while servers run, checked, and restored."""

from moorage.operator.backups.errors import BackupBusy, BackupDamaged, BackupUnreadable, PassphraseWrong

__all__ = ["BackupBusy", "BackupDamaged", "BackupUnreadable", "PassphraseWrong"]
