"""The errors of work on whole organisations. The errors of the API itself are faults (`faults.py`)."""

from moorage.errors import MoorageError


class OrganisationUnknown(MoorageError):
    code = "organisation_unknown"


class OrganisationExists(MoorageError):
    code = "organisation_exists"


class OrganisationInvalid(MoorageError):
    """An organisation can't have such a name or time zone, or a file is no snapshot of an organisation."""

    code = "organisation_invalid"


class ClientNotFound(MoorageError):
    code = "client_unknown"


class ClientInvalid(MoorageError):
    """A name or a redirect URI that a client of the accounts server can't have."""

    code = "client_invalid"


class CodesExhausted(MoorageError):
    """A client got as many grant codes within ten minutes as it may get."""

    code = "codes_exhausted"


class ScopesInvalid(MoorageError):
    """A text is not a list of Zoho's scopes."""

    code = "scopes_invalid"


class UserUnknown(MoorageError):
    """The organisation has no active user with that e-mail address."""

    code = "user_unknown"


class PasswordInvalid(MoorageError):
    """A password is too short or too long."""

    code = "password_invalid"


class OrganisationDamaged(MoorageError):
    """The file with the organisation's records is missing or can't be read."""

    code = "organisation_damaged"


class SnapshotUnwritable(MoorageError):
    code = "snapshot_unwritable"


class SnapshotUnknown(MoorageError):
    """The organisation has no snapshot of that name."""

    code = "snapshot_unknown"


class SnapshotExists(MoorageError):
    """The organisation has a snapshot of that name, which was not to be replaced."""

    code = "snapshot_exists"


class SnapshotInvalid(MoorageError):
    """A snapshot can't have that name, or there are too many."""

    code = "snapshot_invalid"


class SeedRefused(MoorageError):
    """The API refuses a record of a seed. No record of the seed was inserted."""

    code = "seed_refused"
