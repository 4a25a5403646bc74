"""Which versions are installed is decided in this repository, to the last package."""

import re
import tomllib
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINES = (ROOT / "constraints.txt").read_text().split()
PINNED = dict(line.split("==") for line in LINES)


def test_a_pin_is_one_exact_version():
    assert [line for line in LINES if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    assert all(
        re.fullmatch(r"[\w.-]+==[\w.]+", requirement) for requirement in PROJECT["build-system"]["requires"]
    )


def test_tests_build_with_what_everybody_builds_with():
    build, dev = PROJECT["build-system"]["requires"], PROJECT["project"]["optional-dependencies"]["dev"]
    assert set(build) <= set(dev)


def brought_along(package, extras, packages):
    """All packages that a package needs, and those that they need: their names, each with the extras asked for."""
    for text in requires(package) or ():
        needed = Requirement(text)
        if needed.marker is not None and not any(
            needed.marker.evaluate({"extra": extra}) for extra in extras
        ):
            continue
        asked = {"", *needed.extras}
        known = packages.setdefault(canonicalize_name(needed.name), set())
        if not asked <= known:
            known |= asked
            brought_along(needed.name, asked, packages)
    return packages


@pytest.mark.parametrize("extras", [{""}, {"", "dev"}], ids=["to run", "to develop"])
def test_every_package_is_pinned_to_the_version_that_is_tested(extras):
    pinned = {canonicalize_name(name): pin for name, pin in PINNED.items()}
    packages = brought_along("moorage", extras, {})
    assert len(packages) > 20
    assert {name: version(name) for name in packages} == {name: pinned.get(name) for name in packages}
