"""The trouble that an error of PostgreSQL shows, by its SQLSTATE (the appendix "PostgreSQL Error Codes" of its manual).

Nothing here loads the driver, because most processes don't use PostgreSQL.
"""

from moorage.storage.trouble_kinds import RETRY_SECONDS, Trouble

_BY_ITSELF = "Moorage goes on by itself"

UNREACHABLE = Trouble(
    "unreachable",
    "its server can't be reached",
    f"Check that PostgreSQL runs, and that its address, user and password are right. {_BY_ITSELF} once the server"
    " answers.",
    RETRY_SECONDS,
)
REFUSED = Trouble(
    "refused",
    "its server does not let this user in",
    "Check the user, the password and the name of the database in the URL, and the server's pg_hba.conf.",
    RETRY_SECONDS,
)
TOO_MANY_CONNECTIONS = Trouble(
    "connections",
    "its server has no connection left",
    "Raise max_connections of the server, give Moorage fewer connections (`moorage help settings`), or put a pooler"
    f" such as PgBouncer between them. {_BY_ITSELF} once one is free.",
    RETRY_SECONDS,
)
STANDBY = Trouble(
    "read_only",
    "its server accepts no writes now, as after a fail-over to another one",
    "Check that the URL leads to the primary server; target_session_attrs=read-write in the URL chooses it among"
    f" several hosts. {_BY_ITSELF} once it does.",
    RETRY_SECONDS,
)
NO_ROOM = Trouble(
    "full",
    "its server has no room left",
    f"Make room on the server's disk. Nothing that was acknowledged is lost, and {_BY_ITSELF[0].lower()}"
    f"{_BY_ITSELF[1:]} once there is room.",
    RETRY_SECONDS,
)
LOCKED = Trouble(
    "busy",
    "others hold a lock or the server is too slow",
    "Look in pg_stat_activity for a transaction that stays open, and end it. Then repeat the call.",
    RETRY_SECONDS,
)
FORBIDDEN = Trouble(
    "forbidden",
    "its user lacks a right",
    "Make the user of the URL the owner of the schema and its tables; to create them it needs CREATE on the database.",
)
FAILING = Trouble(
    "io",
    "its server fails",
    "Look for errors of the disk in the server's log.",
    RETRY_SECONDS,
)
BROKEN = Trouble(
    "damaged",
    "it is damaged, or its tables are not those of this version",
    "Stop Moorage, and restore a good copy of the database.",
)

_OF_STATE = {
    "25006": STANDBY,
    "25P03": LOCKED,  # A transaction stood still for too long.
    "25P04": LOCKED,  # A transaction took too long.
    "3D000": REFUSED,  # There is no such database.
    "3F000": BROKEN,
    "40001": LOCKED,
    "40P01": LOCKED,
    "42501": FORBIDDEN,
    "42703": BROKEN,  # There is no such column.
    "42P01": BROKEN,  # There is no such table.
    "53100": NO_ROOM,
    "53300": TOO_MANY_CONNECTIONS,
    "55P03": LOCKED,
    "57014": LOCKED,  # A statement took too long.
    "57P04": REFUSED,  # The database was dropped.
}
_OF_CLASS = {
    "08": UNREACHABLE,
    "28": REFUSED,
    "53": FAILING,  # Memory, above all.
    "57": UNREACHABLE,  # The server stops or starts.
    "58": FAILING,
    "XX": BROKEN,
}
# The library does not give the SQLSTATE of an error at connecting, only its text, which is English unless the server's
# `lc_messages` is another language.
_OF_TEXT = {
    "too many clients": TOO_MANY_CONNECTIONS,
    "too many connections": TOO_MANY_CONNECTIONS,
    "connection slots are reserved": TOO_MANY_CONNECTIONS,
    "no more connections allowed": TOO_MANY_CONNECTIONS,  # PgBouncer.
    "authentication failed": REFUSED,
    "no password supplied": REFUSED,
    "no pg_hba.conf entry": REFUSED,
    'database "': REFUSED,
    'role "': REFUSED,
    "is not permitted to log in": REFUSED,
}


def trouble_of_sqlstate(error: BaseException) -> Trouble | None:
    """The trouble that an error of psycopg shows; None if its cause is the statement."""
    state = getattr(error, "sqlstate", None)
    if state is not None:
        return _OF_STATE.get(state) or _OF_CLASS.get(state[:2])
    # Without a state it is the library's own error. Of the kinds that DB-API knows, this one is about the connection.
    if not _is_operational(error):
        return None
    text = str(error)
    return next((trouble for words, trouble in _OF_TEXT.items() if words in text), UNREACHABLE)


def _is_operational(error: BaseException) -> bool:
    return any(kind.__name__ == "OperationalError" for kind in type(error).__mro__)
