"""Why a token is not given. `endpoints.py` words them as Zoho does."""


class TokenRefused(Exception):
    """`error` is the code Zoho's token endpoint answers with."""

    error = "general_error"


class ClientUnknown(TokenRefused):
    error = "invalid_client"


class SecretWrong(TokenRefused):
    error = "invalid_client_secret"


class RefreshTokenUnknown(TokenRefused):
    error = "invalid_code"


class GrantTypeUnsupported(TokenRefused):
    error = "unsupported_grant_type"
