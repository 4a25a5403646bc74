"""Changes that break a promise in one place, and the tests that have to notice: `script/mutate` makes and judges them.

A test that passes whatever the code does holds nothing. The changes stand in the TOML files of this folder, one
file for each kind of promise; `tests/test_mutations.py` keeps them in step with the code.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Change:
    """`old` stands once in `file` (below `src/moorage`) and becomes `new`; then one of its `tests` fails."""

    promise: str
    file: str
    old: str
    new: str
    tests: list[str]

    def apply(self, root: Path) -> None:
        """Make the change below a copy of the project. Raises ValueError where the code has moved on."""
        path = root / "src" / "moorage" / self.file
        source = path.read_text()
        if source.count(self.old) != 1:
            raise ValueError(
                f"{self.promise!r}: what it changes stands {source.count(self.old)} times in {self.file}"
            )
        path.write_text(source.replace(self.old, self.new))


def changes() -> list[Change]:
    return [
        Change(**change)
        for file in sorted(_HERE.glob("*.toml"))
        for change in tomllib.loads(file.read_text())["change"]
    ]
