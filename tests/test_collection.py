"""How pytest finds and imports these tests."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Each asks for the module beside it and for the one in the other folder, and what its own name is.
TEST = """
from tests.{folder}.values import VALUE
from tests.{other}.values import VALUE as OTHER


def test_values():
    assert (VALUE, OTHER, __name__) == ("{folder}", "{other}", "tests.{folder}.test_values")
"""


def test_two_files_of_one_name_may_stand_in_two_folders(tmp_path):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "__init__.py", tmp_path / "tests")
    for folder, other in (("one", "two"), ("two", "one")):
        (tmp_path / "tests" / folder).mkdir()
        (tmp_path / "tests" / folder / "values.py").write_text(f'VALUE = "{folder}"\n')
        (tmp_path / "tests" / folder / "test_values.py").write_text(TEST.format(folder=folder, other=other))
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:xdist"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 passed" in run.stdout, run.stdout
