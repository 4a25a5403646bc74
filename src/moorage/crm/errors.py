"""What can go wrong with whole organisations; errors of the API itself are faults (`faults.py`)."""

from moorage.errors import MoorageError


class OrganisationUnknown(MoorageError):
    code = "organisation_unknown"


class OrganisationExists(MoorageError):
    code = "organisation_exists"


class OrganisationInvalid(MoorageError):
    """A name, a time zone or a file that can't be an organisation's."""

    code = "organisation_invalid"
