"""What a command loads: each module takes its time, and a command has half a second for everything."""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
sys.argv = ["moorage", *json.loads(sys.argv[1])]
from moorage.cli import main
status = main()
print(json.dumps([status, sorted(name for name, module in sys.modules.items() if module)]), file=sys.stderr)
"""
SERVERS = {"moorage.app", "moorage.gateway", "uvicorn", "starlette", "aiohttp", "jinja2", "alembic", "rich"}
CONTROL = {"sqlalchemy"}
CRM = {"apsw", "moorage.crm"}
NOTHING = SERVERS | CONTROL | CRM | {"asyncio", "cryptography"}


def loaded(arguments, home):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([*arguments, *(["--home", str(home)] if home else [])])],
        env={name: text for name, text in os.environ.items() if not name.startswith("MOORAGE_")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    status, modules = json.loads(done.stderr.splitlines()[-1])
    assert status == 0, done.stderr
    return set(modules)


@pytest.mark.parametrize(
    ("arguments", "never"),
    [
        (["--version"], NOTHING | {"moorage.settings"}),
        (["help", "settings"], NOTHING - {"asyncio"}),
        (["key", "list"], SERVERS | CRM | {"sqlalchemy.orm"}),
        (["vault", "status"], SERVERS | CRM | {"sqlalchemy.orm"}),
        (["client", "list"], SERVERS | CRM | {"sqlalchemy.orm"}),
        (["crm", "org", "list"], SERVERS | {"sqlalchemy.orm"}),
        (["crm", "client", "list"], SERVERS | {"sqlalchemy.orm"}),
        (["doctor"], SERVERS | {"sqlalchemy.orm"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_loads_what_it_needs_and_nothing_heavy_besides(home, arguments, never):
    modules = loaded(arguments, None if never >= NOTHING - {"asyncio"} else home)
    assert sorted(modules & never) == []


def test_only_the_command_that_is_called_is_made(home):
    modules = {name for name in loaded(["key", "list"], home) if name.startswith("moorage.cli.")}
    assert not modules & {
        f"moorage.cli.{name}" for name in ("up", "crm", "vault", "doctor", "connection", "api")
    }


@pytest.mark.parametrize(
    ("line", "same_as"),
    [
        ("--json key list", "key list --json"),
        ("--version --json", "version --json"),
        ("--json --version", "version --json"),
        ("--home {home} --json key list", "key list --json"),
        ("--home={home} crm org list", "crm org list"),
        ("key -h", "key --help"),
        ("help key", "key --help"),
    ],
)
def test_options_may_stand_before_the_command_too(moorage, home, line, same_as):
    first, other = moorage(*line.format(home=home).split()), moorage(*same_as.split())
    assert (first.status, first.out) == (0, other.out) and first.out


@pytest.mark.parametrize(
    "line", ["-h", "key -h", "crm -h", "crm org -h", "vault -h", "client -h", "connection -h"]
)
def test_no_line_of_a_help_is_cut(moorage, line):
    told = moorage(*line.split())
    assert told.status == 0 and "..." not in told.out.replace("[ARGS]...", "")
