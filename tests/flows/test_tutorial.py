"""The tutorial, done as it is printed; only the host differs."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.flows.conftest import environment

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
ELSEWHERE = ("script/server", "export ")  # Steps that the fixture has done already.


def steps():
    """The commands of the page, in order."""
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL):
        for command in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            if not command.startswith(ELSEWHERE):
                yield command.strip()


def test_every_step_does_what_the_page_says(own_server, tmp_path):
    server = own_server()
    told = {}
    kept = environment(server.home, MOORAGE_API_KEY=server.api_key)
    kept["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    commands = [command for command in steps() if shutil.which(command.split()[0], path=kept["PATH"])]
    assert len(commands) > 15  # curl alone may be missing
    for command in commands:
        line = command.replace("http://127.0.0.1:8787", server.gateway)
        if line == "moorage key revoke ID":
            line = f"moorage key revoke {json.loads(server.run('key', 'list', '--json').stdout)['keys'][-1]['id']}"
        ended = subprocess.run(
            ["/bin/sh", "-c", line],
            env=kept,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == 0, (line, ended.stderr)
        told[command] = ended.stdout
        if "Hopper" in command:
            kept["ID"] = json.loads(ended.stdout)["data"][0]["details"]["id"]
    reads = [json.loads(out)["data"] for command, out in told.items() if "per_page=3" in command]
    assert len(reads[0]) == 3 and all(read == reads[0] for read in reads)
    [searched] = [out for command, out in told.items() if "/search" in command]
    assert json.loads(searched)["data"]
    status, _ = server.get("/zoho-crm/crm/v8/Leads/search?criteria=(Last_Name:equals:Mistake)")
    assert status == 204
