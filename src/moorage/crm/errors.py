"""What can go wrong with whole organisations; errors of the API itself are faults (`faults.py`)."""

from moorage.errors import MoorageError


class OrganisationUnknown(MoorageError):
    code = "organisation_unknown"


class OrganisationExists(MoorageError):
    code = "organisation_exists"


class OrganisationInvalid(MoorageError):
    """A name, a time zone or a file that can't be an organisation's."""

    code = "organisation_invalid"


class OrganisationDamaged(MoorageError):
    """What holds the organisation's records is missing or can't be read."""

    code = "organisation_damaged"


class SnapshotUnwritable(MoorageError):
    code = "snapshot_unwritable"
