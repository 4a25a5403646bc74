"""The import contracts of pyproject.toml, and the packages that they speak of."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def test_imports_look_downwards():
    lint = shutil.which("lint-imports", path=Path(sys.executable).parent)
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def _rooms(package: Path) -> set[str]:
    """The modules and packages directly in a package. An empty folder that a move left behind does not count."""
    packages = {
        path.parent.name for path in package.glob("*/*.py") if path.parent.name != "docs"
    }  # Pages of the help.
    return packages | {path.stem for path in package.glob("*.py") if not path.stem.startswith("__")}


def _layered(contract):
    return {room.strip() for layer in contract["layers"] for room in layer.split("|")}


def _layers(name):
    [contract] = [contract for contract in CONTRACTS if contract["name"] == name]
    return _layered(contract)


def test_every_room_stands_in_the_layers_or_is_a_leaf_of_its_own():
    rooms = {f"moorage.{room}" for room in _rooms(ROOT / "src" / "moorage")}
    assert rooms == _layers("Rooms look downwards") | {"moorage.client"}


@pytest.mark.parametrize(
    ("name", "room"), [("Rooms of the CRM look downwards", "crm"), ("Rooms of OAuth look downwards", "oauth")]
)
def test_every_room_inside_stands_in_its_layers(name, room):
    named = {layer.partition(".")[0] for layer in _layers(name)}
    assert _rooms(ROOT / "src" / "moorage" / room) == named


def test_every_package_says_what_it_is():
    doors = (ROOT / "src" / "moorage").rglob("__init__.py")
    silent = [str(door.relative_to(ROOT)) for door in doors if not door.read_text().startswith('"""')]
    assert silent == []
