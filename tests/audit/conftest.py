"""Fixtures of the audit: a control database of each kind."""

from tests.control_database import control_in_postgresql, control_url, shared_control_database  # noqa: F401
