"""What `deploy/` has for a service: a unit for systemd, an image and a compose file. Both name only what there is."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from moorage.settings.table import SETTINGS

ROOT = Path(__file__).parents[1]
UNIT = (ROOT / "deploy" / "systemd" / "moorage.service").read_text()
DOCKER = ROOT / "deploy" / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DOCKER / "compose.yml").read_text())
PAGE = (ROOT / "docs" / "service.md").read_text()
VARIABLES = {setting.env for setting in SETTINGS}
VARIABLES |= {f"{setting.env}_FILE" for setting in SETTINGS if setting.may_be_secret}


def analyze(tmp_path, *arguments):
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "moorage.service"
    unit.write_text(UNIT.replace("/opt/moorage/bin/moorage", sys.executable))
    return subprocess.run(
        [program, *arguments, unit], capture_output=True, text=True, check=False, timeout=60
    )


def test_systemd_takes_the_unit_without_a_complaint(tmp_path):
    done = analyze(tmp_path, "verify")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_is_as_hardened_as_the_page_says(tmp_path):
    done = analyze(tmp_path, "security", "--offline=true", "--no-pager")
    if "Unknown" in done.stderr or "unrecognized" in done.stderr:
        pytest.skip("this systemd-analyze can't look at a file")
    [level] = re.findall(r"exposure level for moorage.service: ([\d.]+)", done.stdout)
    assert float(level) <= 1.5 and f"gives it {level} of 10" in PAGE


@pytest.mark.parametrize("text", [UNIT, DOCKERFILE, PAGE], ids=["unit", "image", "page"])
def test_every_variable_is_a_setting(text):
    named = set(re.findall(r"\bMOORAGE_[A-Z_]+\b", text))
    assert named and named <= VARIABLES | {"MOORAGE_NAME", "MOORAGE_CRM_NAME"}


def test_the_image_copies_what_there_is_and_runs_as_nobody_special():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = [source for line in copied for source in line.split()]
    assert len(sources) > 4 and [source for source in sources if not (ROOT / source).exists()] == []
    kept = (DOCKER / "Dockerfile.dockerignore").read_text().split("\n")
    assert {line.removeprefix("!") for line in kept if line.startswith("!")} == set(sources)
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER [1-9]\d+:[1-9]\d+$", last, re.MULTILINE) and "HEALTHCHECK" in last


def test_the_services_may_do_little_and_get_secrets_as_files():
    for service in COMPOSE["services"].values():
        for secret in service.get("secrets", ()):
            assert COMPOSE["secrets"][secret]["file"] == f"secrets/{secret}"
            assert f"secrets/{secret}" in PAGE
    moorage = COMPOSE["services"]["moorage"]
    assert set(moorage["environment"]) <= VARIABLES
    files = [value for name, value in moorage["environment"].items() if name.endswith("_FILE")]
    assert {file.removeprefix("/run/secrets/") for file in files} == set(moorage["secrets"])
    assert moorage["read_only"] and moorage["cap_drop"] == ["ALL"]
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["caddy"]
    assert (
        COMPOSE["services"]["postgres"]["networks"] == ["inside"]
        and COMPOSE["networks"]["inside"]["internal"]
    )


def test_what_compose_takes_from_the_repository_exists():
    moorage, caddy = COMPOSE["services"]["moorage"], COMPOSE["services"]["caddy"]
    context = DOCKER / moorage["build"]["context"]
    assert (context / moorage["build"]["dockerfile"]).samefile(DOCKER / "Dockerfile")
    [caddyfile] = [volume.split(":")[0] for volume in caddy["volumes"] if volume.startswith(".")]
    text = (DOCKER / caddyfile).read_text()
    assert set(re.findall(r"\{\$(\w+):", text)) == set(caddy["environment"])
