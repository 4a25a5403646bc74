"""The API's older versions, v2 to v7: what they say otherwise than v8, in one table.

Handlers know v8 alone. A call of an older version is put into v8's words before its handler sees it, and the answer
into the older ones afterwards; what the table does not name is as in v8.
"""

from moorage.crm.versions.table import TABLE
from moorage.crm.versions.version import NAMES, Difference, Version, versions

VERSIONS = versions(TABLE)

__all__ = ["NAMES", "TABLE", "VERSIONS", "Difference", "Version"]
