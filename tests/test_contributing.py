"""The guide, the forms and the tools for contributors fit the project as it is."""

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text()
# Where the paths that the guide names begin.
PLACES = (ROOT, ROOT / "src" / "moorage", ROOT / "src" / "moorage" / "crm")
FORMS = sorted(
    form for form in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if form.name != "config.yml"
)


def read_yaml(*path):
    return yaml.safe_load(ROOT.joinpath(*path).read_text())


def test_the_hosted_workflow_tests_every_version_that_bootstrap_looks_for():
    [job] = read_yaml(".github", "workflows", "test.yml")["jobs"].values()
    tested = job["strategy"]["matrix"]["python"]
    bootstrap = (ROOT / "script" / "bootstrap").read_text()
    [looked_for] = re.findall(r"^for candidate in python3 (.+); do$", bootstrap, re.MULTILINE)
    assert sorted(f"python{version}" for version in tested) == sorted(looked_for.split())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == f">={tested[0]}"
    [test] = [step for step in job["steps"] if "run" in step]
    assert test["run"] == "script/test" and test["env"] == {"PYTHON": "python"}


def test_the_hooks_run_what_the_environment_has():
    [repository] = read_yaml(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    programs = {hook["entry"].split()[0] for hook in repository["hooks"]}
    tools = {program.removeprefix(".venv/bin/") for program in programs if program.startswith(".venv/bin/")}
    assert tools == {"ruff", "codespell", "mypy"}
    assert all(shutil.which(tool, path=Path(sys.executable).parent) for tool in tools)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_an_issue_form_asks_for_what_is_needed(form):
    text = yaml.safe_load(form.read_text())
    assert text["name"] and text["description"]
    fields = [field for field in text["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields) and all(
        field["attributes"]["label"] for field in fields
    )
    assert any(field.get("validations", {}).get("required") for field in fields)


def test_every_file_that_the_guide_names_exists():
    quoted = {name.rstrip("/") for name in re.findall(r"`([\w./-]+)`", GUIDE)}
    named = {name for name in quoted if "/" in name and not name.startswith(("/", "~", "providers/"))}
    missing = {name for name in named if not any((place / name).exists() for place in PLACES)}
    # The two examples are of files that are still to be made.
    assert len(named) > 20 and missing == {
        "api/settings/appointment_preferences.py",
        "src/moorage/oauth/apps/providers/NAME.toml",
    }
