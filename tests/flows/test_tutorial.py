"""The tutorial, done as it is printed; only the host differs."""

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from tests.flows.conftest import environment

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"


def blocks():
    """What the page has people copy, in order, but for the start of the server, which the fixture has done."""
    blocks_found = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [block for block in blocks_found if not block.startswith("script/server")]


def shown_answers():
    """Each answer that the page shows, behind the block that it is the answer of."""
    fences = re.findall(r"^```(sh|json)\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [(before[1], fence[1]) for before, fence in pairwise(fences) if fence[0] == "json"]


def test_every_block_does_what_the_page_says(own_server, tmp_path):
    server = own_server()
    told = {}
    kept = environment(server.home)
    kept["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    has_curl = shutil.which("curl", path=kept["PATH"]) is not None
    copied = [block for block in blocks() if has_curl or not block.startswith("curl")]
    assert len(copied) > 7 and not [block for block in copied if "…" in block or block.startswith("$")]
    before = ""
    for block in copied:
        lines = block.replace("http://127.0.0.1:8787", server.gateway).replace("/tmp/", f"{tmp_path}/")
        ended = subprocess.run(
            ["/bin/sh", "-ec", before + lines],
            env=kept,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert ended.returncode == 0, (block, ended.stderr)
        told[block] = ended.stdout
        before += "".join(f"{line}\n" for line in lines.splitlines() if line.startswith("export MOORAGE"))
    answers = shown_answers()
    assert len(answers) == 2
    for block, answer in answers:
        assert json.loads(told[block])["data"] == json.loads(answer)["data"], block
    reads = [json.loads(out)["data"] for block, out in told.items() if "per_page=2" in block]
    assert len(reads[0]) == 2 and all(read == reads[0] for read in reads)
    server.api_key = json.loads(server.run("key", "create", "--json").stdout)["key"]["secret"]
    status, _ = server.get("/zoho-crm/crm/v8/Leads/search?criteria=(Last_Name:equals:Mistake)")
    assert status == 204
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
