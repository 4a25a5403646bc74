"""Fixtures that every room behind the control API shares."""

from tests.control import control, owner, stranger  # noqa: F401
