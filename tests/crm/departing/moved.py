"""How tests move an organisation, and what they look at."""

import contextlib
import sqlite3

import apsw
import psycopg

from tests.crm.conftest import Caller

COPYING, CATCHING_UP, HOLDING, HANDING_OVER, REMOVING = (
    "Copying its records",
    "Copying what has changed meanwhile",
    "Copying the last changes, while nobody writes",
    "Copying its clients and tokens",
    "Removing it from its old place",
)


BEFORE_THE_END = (COPYING, CATCHING_UP, HOLDING, "held")


def move(source, slug, target, during=lambda step: None, **options):
    """Gives the steps that were told; `during` is called with each."""
    steps = []

    def tell(step):
        steps.append(step)
        during(step)

    source.move(slug, target.wrapped, tell, **({"dry_run": False} | options))
    return steps


def slugs(service):
    return [row.slug for row in service.organisations.list()]


def arrive(caller, source, service):
    """Let the organisation be at the source."""
    if source is not service:
        move(service, "acme", source)
    return Caller(source, caller.token, caller.organisation)


def what_is_left(folder, url):
    """Whatever a move has made and not cleared away, in the folder and in the database."""
    left = [path.name for path in folder.rglob("*.partial*")]
    for path in folder.glob("orgs/*.db"):
        with contextlib.closing(apsw.Connection(str(path))) as connection:
            sql = "SELECT name FROM sqlite_schema WHERE name LIKE 'changed%' OR type = 'trigger'"
            left += [name for (name,) in connection.execute(sql)]
    # The registry is opened with the library that Moorage opens it with.
    with contextlib.closing(sqlite3.connect(folder / "registry.db")) as connection:
        left += connection.execute("SELECT * FROM moves").fetchall()
    with psycopg.connect(url) as connection:
        left += connection.execute("SELECT * FROM moorage_crm.moves").fetchall()
        sql = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'org%new' OR nspname LIKE 'org%old'"
        left += connection.execute(sql).fetchall()
        left += connection.execute("SELECT relname FROM pg_class WHERE relname = 'changed'").fetchall()
    return left
