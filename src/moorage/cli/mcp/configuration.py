"""Changes the configuration file of another program: our entry, and nothing else in it."""

import contextlib
import copy
import difflib
import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import msgspec

from moorage.cli.failures import UsageError
from moorage.errors import MoorageError

# A path of keys in a file; in a list, the place of an item.
Way: TypeAlias = Sequence[str | int]


class ConfigurationBroken(MoorageError):
    """The file of another program can't be read, so it is not changed."""

    code = "configuration_broken"


class Change(msgspec.Struct, frozen=True):
    """What a file is, and what it will be. `before` is None if there is no file yet."""

    file: Path
    before: bytes | None
    after: bytes

    @property
    def is_needed(self) -> bool:
        return self.after != (self.before or b"")

    def diff(self) -> str:
        """The lines that change, with few others, because the entries of other programs may hold secrets."""
        old, new = ((text or b"").decode("utf-8-sig").splitlines() for text in (self.before, self.after))
        name = str(self.file)
        return "\n".join(difflib.unified_diff(old, new, name, name, lineterm="", n=1))

    def write(self) -> Path | None:
        """Write the file as a whole, and give the copy of the old one. Raises UsageError, OSError."""
        file = Path(
            os.path.realpath(self.file)
        )  # A link stays a link: many people keep such files elsewhere.
        if _content(file) != self.before:
            raise UsageError(f"{file} was changed meanwhile", help="Run this again.")
        if self.before is None:
            file.parent.mkdir(parents=True, exist_ok=True)
            _replace(file, self.after, 0o600)
            return None
        mode, copied = stat.S_IMODE(file.stat().st_mode), file.with_name(f"{file.name}.before-moorage")
        _replace(copied, self.before, mode)
        _replace(file, self.after, mode)
        return copied


class Configuration:
    """A file that is read, and changed in memory. `kind` is the module that edits such texts."""

    def __init__(self, file: Path, kind: ModuleType) -> None:
        self._file = file
        self._kind = kind
        self._before = _content(file)
        try:
            self._text = (self._before or b"").decode()
            self.values: Any = kind.parse(self._text)
        except ValueError as error:
            raise self._broken(error) from None
        if not isinstance(self.values, dict):
            raise self._broken("there has to be an object around everything")

    def at(self, way: Way) -> Any:
        """The value at this path; None if there is none."""
        found: Any = self.values
        for key in way:
            try:
                found = found[key]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def put(self, way: Sequence[str], value: Any) -> None:
        if self.at(way) != value:
            self._edit(lambda text: self._kind.put(text, way, value), _putting(way, value))

    def add(self, way: Sequence[str], item: Any) -> None:
        """Put an item at the end of a list."""
        self._edit(lambda text: self._kind.add(text, way, item), _putting(way, [*(self.at(way) or ()), item]))

    def drop(self, way: Way) -> None:
        if self.at(way) is not None:
            self._edit(lambda text: self._kind.drop(text, way), _dropping(way))

    def change(self) -> Change:
        return Change(self._file, self._before, self._text.encode())

    def _edit(self, edit: Callable[[str], str], expect: Callable[[Any], None]) -> None:
        """Change the text, and look whether it now says what it should, and everything else that it said before."""
        expected = copy.deepcopy(self.values)
        try:
            text = edit(self._text)
            expect(expected)
            is_right = _filled(self._kind.parse(text)) == _filled(expected)
        except (ValueError, TypeError, KeyError) as error:
            raise self._broken(error) from None
        if not is_right:
            raise self._broken("its form is one that this command can't change without a risk")
        self._text, self.values = text, expected

    def _broken(self, reason: object) -> ConfigurationBroken:
        return ConfigurationBroken(f"{self._file} is left as it is: {reason}", help="Repair it.")


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    """The members that hold something: a table of TOML that loses its last one is gone."""
    return {key: value for key, value in values.items() if value != {}}


def _putting(way: Sequence[str], value: Any) -> Callable[[Any], None]:
    def put(values: Any) -> None:
        for key in way[:-1]:
            values = values.setdefault(key, {})
        values[way[-1]] = value

    return put


def _dropping(way: Way) -> Callable[[Any], None]:
    def drop(values: Any) -> None:
        for key in way[:-1]:
            values = values[key]
        del values[way[-1]]

    return drop


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _replace(file: Path, content: bytes, mode: int) -> None:
    """Write a file so that nobody ever sees a part of it."""
    number, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    draft = Path(name)
    try:
        with os.fdopen(number, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.chmod(mode)
        draft.replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
