"""What is known of a connected account: its metadata, and the scopes that were given."""

from collections.abc import Mapping, Sequence
from typing import Any

from moorage.oauth.apps.destinations import Destination
from moorage.oauth.model import Minted


def metadata_of(
    destination: Destination,
    facts: Mapping[str, str],
    granted: Sequence[str] = (),
    requested: Sequence[str] = (),
) -> dict[str, Any]:
    """A connection's metadata: facts about the account, its data centre, the granted scopes and the missing ones."""
    names = {scope.lower() for scope in granted}
    missing = [scope for scope in requested if scope.lower() not in names]
    environment = destination.environment
    return {
        **facts,
        "data_centre": "embedded" if destination.embedded else destination.upstream.data_centre,
        **({"environment": environment} if environment != "production" else {}),
        **({"scopes": list(granted)} if granted else {}),
        **({"scopes_missing": missing} if missing else {}),
    }


def granted_scopes(minted: Minted) -> list[str]:
    """The scopes that the token's answer names; an empty list if it names none."""
    scope = minted.answer.get("scope")
    return scope.replace(",", " ").split() if isinstance(scope, str) else []
