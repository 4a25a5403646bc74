"""Fixtures of the audit: the gateway's own origin, and a control database of each kind."""

from tests.control import control, owner, quick_openings, stranger  # noqa: F401
from tests.control_database import (  # noqa: F401
    control_in_postgresql,
    control_url,
    database_settings,
    shared_control_database,
)
