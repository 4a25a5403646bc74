"""The package as others get it: a wheel, installed away from the clone, beside nothing but what it asks for."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from moorage import __version__
from tests.flows.conftest import finish, start
from tests.test_pins import brought_along

ROOT = Path(__file__).parents[2]
# Without the environment's variables for Python, which could lead back to the clone.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
LEAD = "/zoho-crm/crm/v8/Leads/7243485000000597000?fields=First_Name,Last_Name,Company"


def run(*command, cwd):
    ended = subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built in a copy, as a build leaves files behind, and without a network."""
    copy = tmp_path_factory.mktemp("wheel")
    for folder in ("src", "docs"):
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / folder, copy / folder, symlinks=True, ignore=ignored)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, copy)
    pip = (sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation")
    run(*pip, "--wheel-dir", str(copy / "dist"), str(copy), cwd=copy)
    [file] = (copy / "dist").iterdir()
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A virtual environment with the wheel in it, and links to the packages that it says it needs."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", symlinks=True)
    [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    for name in brought_along("moorage", {""}, {}):
        needed = distribution(name)
        for entry in {file.parts[0] for file in needed.files} - {"..", "__pycache__"}:
            (packages / entry).symlink_to(needed.locate_file(entry))
    # With its requirements: pip refuses the wheel if one of them is not there.
    python = folder / "venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--no-compile")
    run(*pip, str(wheel), cwd=folder)
    return folder


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    package = ROOT / "src" / "moorage"
    files = {path for path in package.rglob("*") if path.is_file()}
    files |= {page for folder in (".", "crm") for page in (package / "docs" / folder).glob("*.md")}
    needed = {str(path.relative_to(package.parent)) for path in files if path.suffix not in {".pyc", ".mako"}}
    names = set(zipfile.ZipFile(wheel).namelist())
    described = {name for name in names if name.startswith(f"moorage-{__version__}.dist-info/")}
    assert names - described == needed
    kinds = ("pages/", "data/", "migrations/versions/", "docs/", "providers/", "py.typed")
    assert [kind for kind in kinds if not any(kind in name for name in names)] == []
    assert f"moorage-{__version__}.dist-info/licenses/LICENSE" in described


def test_the_installed_package_starts_answers_a_first_call_and_ends(installed):
    program = str(installed / "venv" / "bin" / "moorage")
    source = "import moorage, importlib.metadata as m; print(moorage.__file__, m.version('moorage'))"
    file, version = run(str(installed / "venv" / "bin" / "python"), "-c", source, cwd=installed).split()
    assert Path(file).is_relative_to(installed) and version == __version__
    assert "# The embedded CRM" in run(program, "help", "crm", cwd=installed)
    server = start(installed / "home", program=[program], PYTHONPATH="", PYTHONHOME="")
    try:
        status, body = server.get(LEAD)
        assert (status, body["data"][0]["Company"]) == (200, "Achterberg Greenhouses")
        assert server.stop() == 0
    finally:
        finish(server)
