from contextlib import closing

import pytest

from moorage.metrics.shared import Places
from tests.control import Control, owner, quick_openings  # noqa: F401
from tests.control_database import control_in_postgresql, shared_control_database  # noqa: F401
from tests.control_database import on_both as database_settings  # noqa: F401


@pytest.fixture
def control(tmp_path, database_settings):  # noqa: F811
    """One whose metrics are on, and which keeps no request log."""
    settings = {"MOORAGE_METRICS": "on", "MOORAGE_REQUESTS_KEPT": "0", "MOORAGE_LOG_LEVEL": "error"}
    with closing(Control(tmp_path / "home", database_settings | settings)) as control:
        control.rooms.place = Places(1).of(0)
        yield control
