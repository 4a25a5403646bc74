"""Faults of two settings that are valid alone, but not together."""

from collections.abc import Iterator, Mapping
from typing import Any

from moorage.settings import databases
from moorage.settings.sources import Source


def contradictions(values: Mapping[str, Any], sources: Mapping[str, Source]) -> Iterator[str]:
    """A sentence about each. `values` has the settings that could be read; a setting is named as it was written."""

    def name(setting: str) -> str:
        return sources[setting].name

    port = values.get("port")
    if port and port == values.get("crm_port"):
        both = f"{name('port')} and {name('crm_port')} are both {port}"
        yield f"{both}, but each of the two servers needs its own port; 0 picks a free port."
    if values.get("crm_servers") and not databases.is_postgresql(
        values.get("crm_database_url", "postgresql://")
    ):
        yield (
            f"{name('crm_servers')} names PostgreSQL servers, but {name('crm_database_url')}, which has the list of"
            " organisations, is not in PostgreSQL; set it, too."
        )
    if values.get("oidc_issuer") and not (values.get("oidc_client_id") and values.get("oidc_client_secret")):
        yield (
            f"{name('oidc_issuer')} needs the client that you registered there: set {name('oidc_client_id')} and"
            f" {name('oidc_client_secret')}, too."
        )
    if values.get("oidc_role") and not values.get("oidc_allow"):
        yield (
            f"{name('oidc_role')} would let in everybody whom the issuer knows; name your e-mail domains in"
            f" {name('oidc_allow')}."
        )
