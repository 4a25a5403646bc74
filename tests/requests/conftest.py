from tests.control import control, owner, quick_openings, stranger  # noqa: F401
from tests.control_database import control_in_postgresql, shared_control_database  # noqa: F401
from tests.control_database import on_both as database_settings  # noqa: F401
