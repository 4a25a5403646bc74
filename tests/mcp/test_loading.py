"""A server without agents does not pay for their protocol."""

import subprocess
import sys

PROGRAM = """
import sys
from pathlib import Path
from tests.control import Control
control = Control(Path(sys.argv[1]) / "home")
statuses = [control.call("POST", path).status for path in ("/mcp", "/mcp/c/sales", "/mcp/ops")]
print(statuses, sorted({"mcp", "mcp_types", "pydantic"} & set(sys.modules)))
"""


def test_the_sdk_is_not_loaded_for_strangers(tmp_path):
    """It takes half a second and 26 MB."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[401, 401, 401] []"
