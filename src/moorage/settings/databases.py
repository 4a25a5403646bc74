"""Read the text of a setting that names databases. Each function raises ValueError, as those in `readers` do."""

import re
from collections.abc import Mapping
from typing import Any

from moorage.settings.readers import Secret

# The name of the server of MOORAGE_CRM_DATABASE_URL, among those of MOORAGE_CRM_SERVERS.
MAIN = "main"
_SERVER_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
_POSTGRESQL = re.compile(r"postgres(?:ql)?://[^\s/?#]*/[^\s/?#,]+(?:\?[^\s#]*)?")


class DatabaseUrl(str):
    """The URL of a PostgreSQL database. `repr` does not show it, because it may contain a password."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "DatabaseUrl(…)"


def database(text: str) -> str:
    return _database(text, "a SQLite file such as sqlite:////var/lib/moorage/moorage.db")


def crm_database(text: str) -> str:
    return _database(text, "a folder of SQLite files such as sqlite:////var/lib/moorage/crm")


def _database(text: str, of_sqlite: str) -> str:
    if is_postgresql(text):
        if not _POSTGRESQL.fullmatch(text):
            raise ValueError(
                "use a PostgreSQL database such as postgresql://moorage:…@db.example.com/moorage"
            )
        return DatabaseUrl(text)
    if text and not _is_absolute(text):
        known = (
            f"use {of_sqlite}, or a PostgreSQL database such as postgresql://moorage:…@db.example.com/moorage"
        )
        scheme = re.match(r"[a-z0-9+]{1,32}(?=://)", text)
        other = "" if scheme is None or scheme[0] == "sqlite" else f"{scheme[0]}:// is not supported; "
        raise ValueError(f"{other}{known}")
    return text


def is_postgresql(url: str) -> bool:
    return url.startswith(("postgresql://", "postgres://"))


def has_password(url: str) -> bool:
    """True if a URL of PostgreSQL may contain a password, before the host or among the parameters."""
    login, at, _ = url.partition("://")[2].partition("?")[0].rpartition("@")
    return is_postgresql(url) and ((bool(at) and ":" in login) or "password=" in url.partition("?")[2])


def _is_absolute(url: str) -> bool:
    # A relative path would mean another file for each working folder.
    return url.startswith("sqlite:////") and len(url) > len("sqlite:////")


def servers(text: str) -> Secret | None:
    if not text:
        return None
    decode_servers(text)
    return Secret(text)


def decode_servers(text: str) -> dict[str, str]:
    """The URLs in a text of `name=url`, separated by commas or line breaks, by their names. Raises ValueError."""
    # A URL may name several hosts, which are separated by commas, too.
    parts = re.split(r"[,\s]+(?=[^,\s=/?]*=postgres)", text.strip(", \t\r\n"))
    named = [part.rstrip(", \t\r\n").partition("=") for part in parts]
    names = [name for name, _, _ in named]
    if len(set(names)) < len(names):
        raise ValueError("use each name for one server only")
    if MAIN in names:
        raise ValueError(f"use another name than {MAIN}, which is the server of MOORAGE_CRM_DATABASE_URL")
    for name, _, url in named:
        if not _SERVER_NAME.fullmatch(name) or not _POSTGRESQL.fullmatch(url):
            raise ValueError("use name=URL, as in two=postgresql://moorage:…@two.example.com/moorage")
    return {name: url for name, _, url in named}


def text_of_servers(table: Mapping[str, Any]) -> str:
    """The text of a table of TOML that has the URL of each server by its name. Raises ValueError."""
    if not all(isinstance(url, str) for url in table.values()):
        raise ValueError("use name = URL, as in two = postgresql://moorage:…@two.example.com/moorage")
    return ",".join(f"{name}={url}" for name, url in table.items())
