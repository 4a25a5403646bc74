"""What can go wrong with whole organisations; errors of the API itself are faults (`faults.py`)."""

from moorage.errors import MoorageError


class OrganisationUnknown(MoorageError):
    code = "organisation_unknown"


class OrganisationExists(MoorageError):
    code = "organisation_exists"


class OrganisationInvalid(MoorageError):
    """A name, a time zone or a file that can't be an organisation's."""

    code = "organisation_invalid"


class ClientNotFound(MoorageError):
    code = "client_unknown"


class ClientInvalid(MoorageError):
    """A name or a redirect URI that a client of the accounts server can't have."""

    code = "client_invalid"


class CodesExhausted(MoorageError):
    """A client was given as many grant codes as it may have within ten minutes."""

    code = "codes_exhausted"


class ScopesInvalid(MoorageError):
    """What was asked for is no list of Zoho's scopes."""

    code = "scopes_invalid"


class UserUnknown(MoorageError):
    """The organisation has no active user with that e-mail address."""

    code = "user_unknown"


class PasswordInvalid(MoorageError):
    """A password is too short or too long."""

    code = "password_invalid"


class OrganisationDamaged(MoorageError):
    """What holds the organisation's records is missing or can't be read."""

    code = "organisation_damaged"


class SnapshotUnwritable(MoorageError):
    code = "snapshot_unwritable"


class SnapshotUnknown(MoorageError):
    """The organisation has no kept snapshot of that name."""

    code = "snapshot_unknown"


class SnapshotInvalid(MoorageError):
    """A snapshot can't have that name, or there are too many."""

    code = "snapshot_invalid"


class SeedRefused(MoorageError):
    """A record of a seed is one that the API would refuse; nothing of the seed is kept."""

    code = "seed_refused"
