"""Why a token is not given. `endpoints.py` words them as Zoho does."""


class TokenRefused(Exception):
    """`error` is the code Zoho's token endpoint answers with; its message, if any, is passed on as a description."""

    error = "general_error"


class ClientUnknown(TokenRefused):
    error = "invalid_client"


class OwnerGone(TokenRefused):
    """The client, or its organisation, was deleted in this very moment."""

    error = "invalid_client"


class SecretWrong(TokenRefused):
    error = "invalid_client_secret"


class RefreshTokenUnknown(TokenRefused):
    error = "invalid_code"


class CodeUnknown(TokenRefused):
    """The code is made up, spent, too old, or another client's; or its verifier does not fit."""

    error = "invalid_code"


class RedirectWrong(TokenRefused):
    error = "invalid_redirect_uri"


class ScopeRefused(TokenRefused):
    error = "invalid_scope"


class OrganisationWrong(TokenRefused):
    """The `soid` is not that of the client's organisation."""


class CodesUsedUp(TokenRefused):
    """The client got as many codes as it may within ten minutes."""

    error = "access_denied"


class TooManyTokens(TokenRefused):
    """The grant gave as many access tokens as it may within ten minutes."""

    error = "Access Denied"


class GrantTypeUnsupported(TokenRefused):
    error = "unsupported_grant_type"


class SignInRefused(Exception):
    """The e-mail or the password is wrong; nobody is told which."""


class SignInThrottled(Exception):
    """Too many tries for one e-mail address within ten minutes, or of everybody in this moment."""
