"""Files take the place of others, all of them or none, also if the process is killed meanwhile.

They are made in a folder of the data folder first. A list of all moves is written last. From then on the moves are
made, by this process or by the next one that has the lock of the data folder. What was there before is kept beside.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from moorage.storage.secret_files import flush_folder, replace_file

_STAGE = ".restoring"
_LIST = "moves.json"


class Move(msgspec.Struct, frozen=True):
    """`new` comes to `place`; None if nothing comes there. What was there goes to `kept`."""

    new: Path | None
    place: Path
    kept: Path


def stage_of(home: Path) -> Path:
    """The folder in which the new files are made."""
    return home / _STAGE


def empty_stage(home: Path) -> Path:
    """The same, without what a killed process has left there."""
    stage = stage_of(home)
    remove(stage)
    stage.mkdir(mode=0o700)
    return stage


def is_unsettled(home: Path) -> bool:
    """True if a process was killed while it made the moves."""
    return (stage_of(home) / _LIST).exists()


def place(home: Path, moves: Sequence[Move]) -> None:
    """Make all moves. The caller has the lock of the data folder."""
    texts = [[str(move.new) if move.new else None, str(move.place), str(move.kept)] for move in moves]
    replace_file(stage_of(home) / _LIST, json.dumps(texts).encode())
    settle(home)


def settle(home: Path) -> bool:
    """Make the moves that a killed process has left, and remove the folder of the new files. False without such moves.

    The caller has the lock of the data folder.
    """
    are_left = is_unsettled(home)
    if are_left:
        for new, where, kept in json.loads((stage_of(home) / _LIST).read_text()):
            _make(Path(new) if new else None, Path(where), Path(kept))
        (stage_of(home) / _LIST).unlink()
    shutil.rmtree(stage_of(home), ignore_errors=True)
    return are_left


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it. It is no error if there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _make(new: Path | None, where: Path, kept: Path) -> None:
    """Each half is made once: a file that comes is not at its old place any more, and one that went is kept already."""
    is_ahead = new is None or new.exists()
    if is_ahead and where.exists() and not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        where.rename(kept)
        flush_folder(kept)
    if new is not None and new.exists():
        where.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new.rename(where)
    flush_folder(where)
