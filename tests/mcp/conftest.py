"""Fixtures that every room behind the control API shares."""

from tests.control import control, owner, quick_openings, stranger  # noqa: F401
from tests.control_database import (  # noqa: F401
    control_in_postgresql,
    control_url,
    database_settings,
    shared_control_database,
)
from tests.mcp.team import others, team  # noqa: F401
