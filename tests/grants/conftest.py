"""Programs that ask people for leave, and these people."""

import pytest

from tests.control import control, owner, stranger  # noqa: F401 (fixtures)
from tests.control_database import (  # noqa: F401 (fixtures)
    control_in_postgresql,
    database_settings,
    shared_control_database,
)
from tests.grants.program import Program
from tests.people.conftest import ada, browser, join, quick_hashes  # noqa: F401 (fixtures)


@pytest.fixture
def program(control):  # noqa: F811
    return Program(control)
