"""Where a server of a test keeps its data: in files, or in a database of PostgreSQL."""

import contextlib

import pytest

from tests.postgresql import databases

STORAGES = ["sqlite", "postgresql"]
STORAGE = {"MOORAGE_DATABASE_URL", "MOORAGE_CRM_DATABASE_URL", "MOORAGE_VAULT_KEY"}
each_storage = pytest.mark.parametrize("storage", STORAGES, indirect=True)
# For `pytestmark`: each test of a file runs on both.
on_both_storages = [each_storage, pytest.mark.usefixtures("storage")]


def on_postgresql(url: str, crm_url: str | None = None) -> dict[str, str]:
    """The settings of a server whose data lies in PostgreSQL; several servers may share one database."""
    return {
        "MOORAGE_DATABASE_URL": url,
        "MOORAGE_CRM_DATABASE_URL": crm_url or url,
        "MOORAGE_VAULT_KEY": "5a" * 32,
    }


@contextlib.contextmanager
def new_storage(request, storage: str):
    """The settings of a server that begins with nothing."""
    if storage == "sqlite":
        yield {}
        return
    url, owner = (request.getfixturevalue(name) for name in ("postgresql", "postgresql_owner"))
    with databases(url, owner) as make:
        yield on_postgresql(make())
