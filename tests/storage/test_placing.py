"""Files take the place of others, all of them or none, wherever the process is killed."""

from pathlib import Path

import pytest

from moorage.storage import placing
from moorage.storage.placing import Move, empty_stage, is_unsettled, place, settle


class Killed(BaseException):
    pass


def folder(home):
    """A data folder with an old file, an old folder and one that goes; and the moves that bring the new ones."""
    home.mkdir()
    (home / "a").write_text("old")
    (home / "crm").mkdir()
    (home / "crm" / "b").write_text("old")
    (home / "gone").write_text("old")
    stage = empty_stage(home)
    (stage / "a").write_text("new")
    (stage / "crm").mkdir()
    (stage / "crm" / "b").write_text("new")
    (stage / "more").write_text("new")
    names = ["a", "crm", "gone", "more"]
    return [Move(stage / n if (stage / n).exists() else None, home / n, home / "kept" / n) for n in names]


def files(home):
    return {str(path.relative_to(home)): path.read_text() for path in home.rglob("*") if path.is_file()}


OLD = {"a": "old", "crm/b": "old", "gone": "old"}
NEW = {"a": "new", "crm/b": "new", "more": "new"} | {f"kept/{name}": "old" for name in OLD}


def test_a_kill_at_any_step_leaves_all_or_nothing(tmp_path, monkeypatch):
    """The steps are the renames, of which the first makes the list of moves valid."""
    rename, replace = Path.rename, Path.replace

    def dying_at(step):
        left = iter(range(step + 1))

        def counted(move):
            def moved(path, target):
                if next(left) == step:
                    raise Killed
                return move(path, target)

            return moved

        monkeypatch.setattr(Path, "rename", counted(rename))
        monkeypatch.setattr(Path, "replace", counted(replace))

    steps = 0
    while True:
        home = tmp_path / str(steps)
        moves = folder(home)
        dying_at(steps)
        try:
            place(home, moves)
        except Killed:
            pass
        else:
            break
        finally:
            monkeypatch.undo()
        assert is_unsettled(home) == (steps > 0)
        assert settle(home) == (steps > 0)
        assert files(home) == (OLD if steps == 0 else NEW)
        steps += 1
    assert steps == 7 and files(home) == NEW and not placing.stage_of(home).exists()


def test_what_a_killed_process_left_before_its_moves_is_removed(tmp_path):
    folder(tmp_path / "home")
    settle(tmp_path / "home")
    assert files(tmp_path / "home") == OLD


@pytest.mark.parametrize("times", [1, 2])
def test_settling_where_nothing_is_to_be_done_does_nothing(tmp_path, times):
    for _ in range(times):
        assert not settle(tmp_path)
    assert list(tmp_path.iterdir()) == []
