"""The changes that break promises fit the code as it is; `script/mutate` finds out whether tests notice them."""

import ast
import shutil

import pytest

from tests.mutations import ROOT, changes


def test_no_two_changes_have_one_name():
    names = [change.promise for change in changes()]
    assert len(names) == len(set(names)) >= 100


@pytest.mark.parametrize("change", changes(), ids=lambda change: change.promise)
def test_each_change_can_be_made_and_leaves_python(change, tmp_path):
    file = tmp_path / "src" / "moorage" / change.file
    file.parent.mkdir(parents=True)
    shutil.copy(ROOT / "src" / "moorage" / change.file, file)
    change.apply(tmp_path)
    if file.suffix == ".py":
        ast.parse(file.read_text())
    assert change.tests and all((ROOT / "tests" / test).exists() for test in change.tests)
