"""The reasons why no token is given. `endpoints.py` answers them in the words of Zoho."""


class TokenRefused(Exception):
    """`error` is the code in the answer of Zoho's token endpoint. A message of the error becomes its description."""

    error = "general_error"


class ClientUnknown(TokenRefused):
    error = "invalid_client"


class OwnerGone(TokenRefused):
    """The client or its organisation was deleted while the request was answered."""

    error = "invalid_client"


class SecretWrong(TokenRefused):
    error = "invalid_client_secret"


class RefreshTokenUnknown(TokenRefused):
    error = "invalid_code"


class CodeUnknown(TokenRefused):
    """The code is invented, spent, too old, or from another client; or the verifier does not fit."""

    error = "invalid_code"


class RedirectWrong(TokenRefused):
    error = "invalid_redirect_uri"


class ScopeRefused(TokenRefused):
    error = "invalid_scope"


class OrganisationWrong(TokenRefused):
    """The `soid` does not name the client's organisation."""


class CodesUsedUp(TokenRefused):
    """The client got as many codes within ten minutes as it may get."""

    error = "access_denied"


class TooManyTokens(TokenRefused):
    """As many access tokens were made for the grant within ten minutes as may be made."""

    error = "Access Denied"


class GrantTypeUnsupported(TokenRefused):
    error = "unsupported_grant_type"


class SignInRefused(Exception):
    """The e-mail address or the password is wrong. Nobody learns which."""
