"""The API's older versions, v2 to v7: one table has all their differences from v8.

Handlers know only v8. A call of an older version is changed into a call of v8 before its handler sees it, and the
answer is changed back afterwards. What is not in the table is the same as in v8.
"""

from moorage.crm.versions.table import TABLE
from moorage.crm.versions.version import NAMES, Difference, Version, versions

VERSIONS = versions(TABLE)

__all__ = ["NAMES", "TABLE", "VERSIONS", "Difference", "Version"]
