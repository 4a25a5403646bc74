"""What the codes mean by which accounts servers and APIs refuse, and what to do about each.

The codes are those of RFC 6749 and of Zoho's accounts server and API, as its documentation [Z access-refresh] and its
users [Z observed] report them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    cause: str
    fix: str


# What is said of our client says nothing of a grant: that is good again once the operator has set the client right.
OF_THE_CLIENT = frozenset(
    {"incorrect_client_credentials", "invalid_client", "invalid_client_secret", "unauthorized_client"}
)
SCOPE_MISMATCH = "OAUTH_SCOPE_MISMATCH"  # The token is good, only not for this call.
# What Zoho's APIs say of a token that is no good at all.
OF_THE_TOKEN = frozenset({"AUTHENTICATION_FAILURE", "INVALID_OAUTHTOKEN", "INVALID_TOKEN"})
RECONNECT = "Open the connection's url and connect it anew."
_GRANT_GONE = Reason(
    "The grant is no longer good: it was used before, it expired, somebody took the access back, or it belongs to"
    " another data centre or client.",
    RECONNECT,
)
_CLIENT = Reason(
    "The accounts server does not know the client: its id is wrong, it was deleted, or it is not registered in this"
    " data centre.",
    "Compare `moorage client list` with the app's developer console. At Zoho, turn on the client's other data centres"
    " (Multi-DC) or register one there.",
)
_SECRET = Reason(
    "The client's secret is wrong. Each data centre may have a secret of its own.",
    "Copy it anew from the app's developer console: `moorage client set`.",
)
_SCOPE = Reason(
    "The token does not cover what was asked: the connection was made with other scopes.",
    "Connect anew and leave the scopes ticked that the calls need.",
)
_TOKEN = Reason(
    "The API does not accept the token: it was taken back, or the account lives in another data centre.",
    RECONNECT,
)
_BUSY = Reason(
    "The accounts server was asked for too many tokens in a short time.",
    "Wait ten minutes. See that nothing else uses the same account's client to make tokens.",
)
REASONS: dict[str, Reason] = {
    "access_denied": Reason(
        "Access was declined by the person who was asked.",
        "To connect after all, try again and accept. If you did accept: Zoho says the same once a client was connected"
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
        "Leave it out, or allow it to the client in the app's developer console.",
    ),
    SCOPE_MISMATCH: _SCOPE,
    "INVALID_TOKEN": _TOKEN,
    "AUTHENTICATION_FAILURE": _TOKEN,
    "INVALID_OAUTHTOKEN": _TOKEN,
    "Access Denied": _BUSY,
    "no_refresh_token": Reason(
        "The accounts server gave no refresh token, so the connection would end within the hour.",
        "Take the access back in the account's settings (at Zoho: Connected Apps), and connect anew. A client has to be"
        " of the kind that web servers use.",
    ),
    "key_refused": Reason(
        "The app does not accept the key.", "Copy it again, whole, from the app's settings."
    ),
    "organisation_unknown": Reason(
        "The organisation is no longer in the embedded CRM.", "Connect anew and choose another one."
    ),
    "data_centre_unknown": Reason(
        "The app's declaration no longer has the connection's data centre.",
        "Put it back into the app's file, or connect anew.",
    ),
    "instance_unknown": Reason(
        "The accounts server named an API host that is not one of the app's.",
        "Tell whoever keeps the app's file.",
    ),
    "accounts_silent": Reason("The accounts server could not be asked.", "Try again in a moment."),
    "connect_refused": Reason(
        "The account's data centre can't be connected.", "Ask the operator, then try again."
    ),
    "connect_invalid": Reason(
        "The answer was not one of the accounts server's that was asked.",
        "Begin again from the connection's url.",
    ),
    "connection_limit": Reason("The account has too many grants for this client.", RECONNECT),
}


def reason(code: str) -> Reason:
    """What a code means; of one that nobody knows, what can be said all the same."""
    return REASONS.get(code) or Reason(
        f"The accounts server answered {code[:100]!r}.",
        "See what the app's documentation says about it, then try again.",
    )
