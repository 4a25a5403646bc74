"""What an operator can do with a data folder, by the commands that work on the folder itself."""

from moorage.operator.folder import find_vault_key
from moorage.operator.work import Operator, open_operator, restore_backup

__all__ = ["Operator", "find_vault_key", "open_operator", "restore_backup"]
