"""The codes with which accounts servers and APIs refuse: the meaning of each, and what to do.

The codes come from RFC 6749, and from Zoho's accounts server and API, by its documentation [Z access-refresh] and by
reports of its users [Z observed].
"""

import msgspec


class Reason(msgspec.Struct, frozen=True):
    cause: str
    fix: str


# These codes concern our client, not the grant. The grant works again after the operator has corrected the client.
OF_THE_CLIENT = frozenset(
    {"incorrect_client_credentials", "invalid_client", "invalid_client_secret", "unauthorized_client"}
)
SCOPE_MISMATCH = "OAUTH_SCOPE_MISMATCH"  # The token is valid, but not for this call.
# The codes of Zoho's APIs for a token that is not accepted at all.
OF_THE_TOKEN = frozenset({"AUTHENTICATION_FAILURE", "INVALID_OAUTHTOKEN", "INVALID_TOKEN"})
RECONNECT = "Open the connection's url and connect it again."
_GRANT_GONE = Reason(
    "The grant is no longer valid: it was used before, it has expired, somebody has removed the access, or it belongs"
    " to another data centre or client.",
    RECONNECT,
)
_CLIENT = Reason(
    "The accounts server does not know the client: its id is wrong, it was deleted, or it is not registered in this"
    " data centre.",
    "Compare `moorage client list` with the app's developer console. At Zoho, turn on the client's other data centres"
    " (Multi-DC), or register a client in each.",
)
_SECRET = Reason(
    "The client's secret is wrong. Each data centre may have its own secret.",
    "Copy the secret again from the app's developer console: `moorage client set`.",
)
_SCOPE = Reason(
    "The token does not allow this call: the connection was made with other scopes.",
    "Connect again, with the scopes that the calls need.",
)
_TOKEN = Reason(
    "The API does not accept the token: it was revoked, or the account is in another data centre.",
    RECONNECT,
)
_BUSY = Reason(
    "The accounts server has got too many requests for tokens in a short time.",
    "Wait ten minutes. Make sure that no other program makes tokens for the same account and client.",
)
REASONS: dict[str, Reason] = {
    "access_denied": Reason(
        "Access was declined.",
        "To connect, try again and accept. If you have accepted: Zoho answers the same after a client was connected"
        " ten times in ten minutes; wait, and try again.",
    ),
    "invalid_code": _GRANT_GONE,
    "invalid_grant": _GRANT_GONE,
    "bad_verification_code": _GRANT_GONE,
    "invalid_client": _CLIENT,
    "unauthorized_client": _CLIENT,
    "invalid_client_secret": _SECRET,
    "incorrect_client_credentials": _SECRET,
    "invalid_redirect_uri": Reason(
        "The callback URL is not registered with the client, to the letter.",
        "Register the callback URL that `moorage client list` shows in the app's developer console.",
    ),
    "redirect_uri_mismatch": Reason(
        "The callback URL is not registered with the client, to the letter.",
        "Register the callback URL that `moorage client list` shows in the app's developer console.",
    ),
    "invalid_scope": Reason(
        "The app does not know one of the scopes, or the client may not ask for it.",
        "Leave the scope out, or allow it to the client in the app's developer console.",
    ),
    SCOPE_MISMATCH: _SCOPE,
    "INVALID_TOKEN": _TOKEN,
    "AUTHENTICATION_FAILURE": _TOKEN,
    "INVALID_OAUTHTOKEN": _TOKEN,
    "Access Denied": _BUSY,
    "no_refresh_token": Reason(
        "The accounts server gave no refresh token, so the connection would stop working within an hour.",
        "Remove the access in the account's settings (at Zoho: Connected Apps), and connect again."
        " The client has to be of the type for web servers.",
    ),
    "key_refused": Reason(
        "The app does not accept the key.", "Copy the whole key again from the app's settings."
    ),
    "organisation_unknown": Reason(
        "The organisation is no longer in the embedded CRM.",
        "Connect again, and choose another organisation.",
    ),
    "data_centre_unknown": Reason(
        "The app's declaration no longer has the connection's data centre.",
        "Restore it in the app's file, or connect again.",
    ),
    "instance_unknown": Reason(
        "The accounts server named an API host that does not belong to the app.",
        "Tell the operator, who maintains the app's file.",
    ),
    "accounts_silent": Reason("The accounts server gave no answer.", "Try again in a moment."),
    "connect_refused": Reason(
        "The account's data centre can't be connected.", "Ask the operator, then try again."
    ),
    "connect_invalid": Reason(
        "The response did not come from the accounts server of the sign-in.",
        "Begin again from the connection's url.",
    ),
    "connection_limit": Reason("The account has too many grants for this client.", RECONNECT),
}


def explained(code: str) -> tuple[str, str]:
    """The cause and the fix of a code, for rooms that know nothing about OAuth."""
    meaning = reason(code)
    return meaning.cause, meaning.fix


def reason(code: str) -> Reason:
    """The meaning of a code, and what to do. An unknown code gets general advice."""
    return REASONS.get(code) or Reason(
        f"The accounts server answered {code[:100]!r}.",
        "Look this answer up in the app's documentation, then try again.",
    )
