"""The import contracts of pyproject.toml, and the packages that they speak of."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def test_imports_look_downwards():
    lint = shutil.which("lint-imports", path=Path(sys.executable).parent)
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_room_stands_in_the_layers_or_is_a_leaf_of_its_own():
    [layers] = [contract["layers"] for contract in CONTRACTS if contract["type"] == "layers"]
    layered = {room.strip() for layer in layers for room in layer.split("|")}
    found = {
        f"moorage.{path.stem}"
        for path in (ROOT / "src" / "moorage").iterdir()
        if not path.stem.startswith("__") and path.name != "docs"  # Pages, for `moorage help`.
    }
    assert found - {"moorage.py"} == layered | {"moorage.client"}


def test_every_package_says_what_it_is():
    doors = (ROOT / "src" / "moorage").rglob("__init__.py")
    silent = [str(door.relative_to(ROOT)) for door in doors if not door.read_text().startswith('"""')]
    assert silent == []
