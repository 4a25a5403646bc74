"""The map of the code, docs/architecture.md, shows the house as it stands."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()
CODE = ROOT / "src" / "moorage"
# Where the paths that the page names begin.
PLACES = (ROOT, CODE, CODE / "crm", CODE / "crm" / "api", CODE / "oauth", ROOT / "src")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def entries(folder):
    """What a reader sees in a folder of the code."""
    names = {
        path.name if path.suffix == ".py" or not path.is_dir() or path.is_symlink() else f"{path.name}/"
        for path in folder.iterdir()
    }
    return {name for name in names if not name.startswith(("_", "."))} - {"py.typed"}


def rooms(heading):
    """The names in the first column of a table."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


@pytest.mark.parametrize(("heading", "folder"), [("room", CODE), ("room of `crm/`", CODE / "crm")])
def test_every_room_has_a_row_and_no_other(heading, folder):
    assert rooms(heading) == entries(folder)


@pytest.mark.parametrize(
    ("name", "prefix"), [("Rooms look downwards", "moorage."), ("Rooms of the CRM look downwards", "")]
)
def test_the_floors_are_those_of_the_contract(name, prefix):
    [contract] = [contract for contract in CONTRACTS if contract["name"] == name]
    floors = [{room.removeprefix(prefix) for room in layer.split(" | ")} for layer in contract["layers"]]
    shown = [
        [set(layer.split(" | ")) for layer in line.split(" > ")]
        for line in re.findall(r"^    (\S+ > .+)$", PAGE, re.MULTILINE)
    ]
    assert floors in shown


def test_every_file_that_the_page_names_exists():
    quoted = {name.rstrip("/") for name in re.findall(r"`([\w./-]+)`", PAGE)}
    named = {name for name in quoted if ("/" in name and not name.startswith("/")) or name.endswith(".py")}
    missing = {name for name in named if not any((place / name).exists() for place in PLACES)}
    assert len(named) > 60 and missing == {"run/server.json"}
