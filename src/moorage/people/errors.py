"""The errors of people and their sessions."""

from moorage.errors import MoorageError


class PersonUnknown(MoorageError):
    """The id is unknown, or of another account: callers can't tell which."""

    code = "person_unknown"

    def __init__(self, person: str, known: str = "") -> None:
        super().__init__(
            f"There is no person {person[:80]!r}.{known}",
            help="`moorage people list` and the console list everybody.",
        )


class PersonExists(MoorageError):
    code = "person_exists"

    def __init__(self, email: str) -> None:
        super().__init__(
            f"There is a person with the e-mail address {email} already.",
            help="`moorage people reset` gives that person a new link.",
        )


class PersonInvalid(MoorageError):
    """A name, an e-mail address, a role or a password can't be used."""

    code = "person_invalid"


class LastOwner(MoorageError):
    """Nobody could invite people, or change what they may do, if the last owner went."""

    code = "last_owner"

    def __init__(self) -> None:
        super().__init__(
            "This is the last owner who can sign in.",
            help="Make somebody else an owner first. An owner counts as soon as they have set a password.",
        )


class LinkInvalid(MoorageError):
    """The link is invented, used, replaced by a newer one, or too old."""

    code = "link_invalid"

    def __init__(self) -> None:
        super().__init__(
            "This link is not valid any more.",
            help="It works once, and for a day. Ask an owner, or the operator of this server, for a new one.",
        )


class EntryInvalid(MoorageError):
    """The link to sign in on this machine is invented, used, replaced or too old, or was opened on another machine."""

    code = "entry_invalid"

    def __init__(self) -> None:
        super().__init__(
            "This link is not valid any more.",
            help="It works once, for a quarter of an hour, and only on the machine of the server: `moorage open` gives"
            " another one.",
        )


class SignInRefused(MoorageError):
    """The e-mail address or the password is wrong. Nobody learns which."""

    code = "sign_in_refused"

    def __init__(self) -> None:
        super().__init__(
            "The e-mail address or the password is wrong.", help="An owner can give you a new link."
        )


class CodeRefused(MoorageError):
    """The code of a second factor is wrong, too old, or was used before."""

    code = "code_refused"

    def __init__(self) -> None:
        super().__init__(
            "This code is not right, or was used already.",
            help="Wait for the next code on your phone, or use a recovery code.",
        )


class StepExpired(MoorageError):
    """Between the password and the code went too much time, or the browser is another one."""

    code = "step_expired"

    def __init__(self) -> None:
        super().__init__("That took too long.", help="Sign in again.")


class TooManyTries(MoorageError):
    """There were too many tries for one person, or of one address. `retry_after` is in seconds."""

    code = "sign_in_throttled"
    retry_after = 60

    def __init__(self) -> None:
        super().__init__("Too many tries.", help="Wait a few minutes.")


class NotInvited(MoorageError):
    """The issuer knows the person, and nobody has invited them here. Nobody learns more."""

    code = "not_invited"

    def __init__(self) -> None:
        super().__init__(
            "Nobody with your e-mail address was invited here.",
            help="Ask an owner to invite exactly the address that you signed in with.",
        )


class IssuerRefused(MoorageError):
    """The issuer did not sign the person in, or did not accept the code that the browser brought back."""

    code = "issuer_refused"

    def __init__(self, message: str) -> None:
        super().__init__(message, help="Sign in again.")


class IssuerFailed(MoorageError):
    """The issuer can't be reached, or what it says can't be trusted. `reason` says why, as a part of a sentence."""

    code = "issuer_failed"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The issuer of MOORAGE_OIDC_ISSUER can't be used: {reason}.",
            help="Try again, or sign in with a password. If it fails again, tell the operator of this server.",
        )


class PermissionMissing(MoorageError):
    """The person is signed in, and may not do this."""

    code = "permission_missing"

    def __init__(self, permission: str, role: str) -> None:
        super().__init__(
            f"This needs the permission {permission}, which the role {role} does not have.",
            help="Ask an owner, who can change roles in the console.",
        )


class PersonNeeded(MoorageError):
    """An API key tried what only people do."""

    code = "person_needed"

    def __init__(self) -> None:
        super().__init__(
            "Only a person who has signed in can do this. No API key can.",
            help="Open the console in a browser, and sign in there.",
        )
