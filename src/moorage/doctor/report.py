"""What the checks have found."""

import msgspec

from moorage.errors import MoorageError
from moorage.oauth.diagnosis.findings import Finding
from moorage.oauth.diagnosis.service import Diagnosis

NOT_STARTED = "not_started"  # The code of what the first start makes.
NEARLY_FULL = 0.9  # A server with this share of its allowed connections open gets a warning.


class Check(msgspec.Struct, frozen=True):
    """The name of a check, and its finding."""

    name: str
    finding: Finding


class Report(msgspec.Struct):
    checks: list[Check] = msgspec.field(default_factory=list)
    connections: list[Diagnosis] = msgspec.field(default_factory=list)

    @property
    def is_healthy(self) -> bool:
        """True if no finding is a problem. A connection that waits for a person is not a problem."""
        findings = [check.finding for check in self.checks]
        findings += [finding for diagnosis in self.connections for finding in diagnosis.findings]
        return all(finding.severity != "problem" for finding in findings)


def failed(error: MoorageError | OSError, evidence: str = "") -> Finding:
    """The finding that an error becomes."""
    if isinstance(error, MoorageError):
        return Finding(error.code, "problem", error.message, evidence, error.help)
    fix = "Check the permissions of the file, and whether its disk works."
    return Finding("system", "problem", error.strerror or str(error), f"{error.filename or evidence}", fix)
