"""`moorage audit`: what was changed in this data folder, by whom."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from moorage.cli.failures import Exit, UsageError
from moorage.cli.operator import operate
from moorage.cli.options import Home, Json
from moorage.cli.output import print_json, print_table, second

if TYPE_CHECKING:
    from moorage.audit.chain import Chain
    from moorage.audit.store import Filter
    from moorage.operator import Operator

Actor = Annotated[
    str | None, typer.Option("--actor", metavar="WHO", help="A key's or person's id or name; or operator.")
]
Action = Annotated[
    str | None, typer.Option("--action", metavar="ACTION", help="Such as key.revoked, or key.")
]
Subject = Annotated[
    str | None, typer.Option("--subject", metavar="ID", help="The id or name of what was changed.")
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="A time, or how long ago, such as 24h.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="As --since.")]
Limit = Annotated[int, typer.Option("--limit", metavar="NUMBER", min=1, help="The most entries to show.")]
Verify = Annotated[bool, typer.Option("--verify", help="Check that no entry was changed or removed.")]
Anchors = Annotated[
    list[str] | None,
    typer.Option("--anchor", metavar="ANCHOR", help="With --verify: what an earlier --verify printed."),
]
File = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="With --verify: an export, in place of the data folder."),
]
Export = Annotated[
    str | None,
    typer.Option("--export", metavar="FILE", help="Write all entries there as JSON lines; -: print."),
]


def audit(
    *,
    actor: Actor = None,
    action: Action = None,
    subject: Subject = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    verify: Verify = False,
    anchor: Anchors = None,
    file: File = None,
    export: Export = None,
    home: Home = None,
    as_json: Json = False,
) -> None:
    """Show what was changed and by whom, newest first; or check or export all of it."""
    asked = {"actor": actor, "action": action, "subject": subject, "since": since, "until": until}
    if verify:
        _require_no_more(asked, "--verify checks all entries", export=export)
        _require_anchors(anchor or [])
        _verify(home, anchor or [], file, as_json=as_json)
        return
    if anchor or file is not None:
        raise UsageError("--anchor and --file belong to --verify")
    if export is not None:
        some = {name: asked[name] for name in ("actor", "action", "subject")}
        _require_no_more(some, "--export writes all entries of a time, so that they can be verified")
        _export(home, _filter(asked), export, as_json=as_json)
        return
    filter_ = _filter(asked)
    entries = operate(home, lambda operator: operator.audit.every(filter_, limit=limit))
    if as_json:
        print_json({"entries": entries})
    else:
        print_table(("TIME", "WHO", "FROM", "ACTION", "SUBJECT"), [_row(entry) for entry in entries])


def _require_no_more(asked: dict[str, str | None], why: str, export: str | None = None) -> None:
    """Raises UsageError, which names an option that does not fit."""
    for name, text in {**asked, "export": export}.items():
        if text is not None:
            raise UsageError(f"{why}, so --{name} can't be used with it")


def _filter(asked: dict[str, str | None]) -> "Filter":
    from moorage.audit.asking import filter_of  # noqa: PLC0415 (it loads slowly)

    return filter_of(
        asked, datetime.now(UTC), lambda name, text, fix: UsageError(f"--{name} can't be {text!r}", help=fix)
    )


def _row(entry: dict[str, Any]) -> tuple[object, ...]:
    from moorage.audit.canonical import plain_text  # noqa: PLC0415 (it loads slowly)

    who = entry.get("actor") or {}
    names = (who.get("kind"), who.get("name") or who.get("id"))
    time = second(entry.get("at") or "")
    cells = time, " ".join(filter(None, names)), who.get("address"), entry.get("action"), entry.get("subject")
    # What stands in the database may be somebody else's work, and no text of it may control a terminal.
    return tuple(cell and plain_text(str(cell)) for cell in cells)


def _export(home: Path | None, asked: "Filter", target: str, *, as_json: bool) -> None:
    """Write JSON lines, as docs/audit.md describes them: each line is the entry's canonical JSON, with its hash."""
    from moorage.audit.canonical import canonical  # noqa: PLC0415 (it loads slowly)

    async def write(operator: "Operator") -> int:
        count = 0
        with _opened(target) as out:
            async for entry in operator.audit.whole(asked):
                out.write(f"{canonical(entry)}\n")
                count += 1
        return count

    count = operate(home, write)
    if target == "-":
        return
    if as_json:
        print_json({"exported": count, "file": target})
    else:
        typer.echo(f"Wrote {count} entries to {target}")


@contextmanager
def _opened(target: str) -> Iterator[IO[str]]:
    """The file to write to, which only its owner may read; standard output for -."""
    if target == "-":
        yield sys.stdout
        sys.stdout.flush()
        return
    path = Path(target)
    path.touch(0o600)
    with path.open("w", encoding="utf-8") as out:
        yield out


def _require_anchors(anchors: list[str]) -> None:
    """A text that was cut or mistyped must not look like an audit that was changed."""
    for anchor in anchors:
        if not re.fullmatch(r"\d+:[0-9a-f]{64}", anchor, re.ASCII):
            raise UsageError(
                f"{anchor[:80]!r} is no anchor",
                help="Give what an earlier --verify printed: 42:9b1d…, whole.",
            )


def _verify(home: Path | None, anchors: list[str], file: Path | None, *, as_json: bool) -> None:
    if file is not None:
        chains, missing = _of_file(file, anchors)
    else:
        chains, missing = operate(home, lambda operator: operator.audit.verify(anchors))
    is_whole = not missing and not any(chain.faults for chain in chains)
    if as_json:
        documents = [
            {"account": chain.account, "entries": chain.count, "anchor": chain.anchor, "faults": chain.faults}
            for chain in chains
        ]
        print_json({"whole": is_whole, "chains": documents, "missing_anchors": missing})
    else:
        _print_verified(chains, missing)
    if not is_whole:
        raise typer.Exit(Exit.FAILED)


def _of_file(file: Path, anchors: list[str]) -> "tuple[list[Chain], list[str]]":
    """The chains in an export. Raises UsageError if it is none."""
    from moorage.audit.chain import Chains  # noqa: PLC0415 (it loads slowly)

    chains = Chains(anchors)
    with file.open("rb") as lines:
        for number, entry in enumerate(_entries(lines), 1):
            if not isinstance(entry, dict):
                raise UsageError(
                    f"{file}: line {number} is no entry", help="Name a file that --export wrote."
                )
            chains.add(entry, whole=False)
    return chains.found()


def _entries(lines: Iterable[bytes]) -> Iterator[Any]:
    for line in lines:
        try:
            yield json.loads(line.decode(), object_pairs_hook=_object)
        except (ValueError, RecursionError):
            yield None


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises ValueError if a name is there twice: programs differ in which of the two they show."""
    found = dict(members)
    if len(found) < len(members):
        raise ValueError
    return found


def _print_verified(chains: "list[Chain]", missing: list[str]) -> None:
    for chain in chains:
        name = f"account {chain.account}" if len(chains) > 1 else "The audit"
        for fault in chain.faults:
            typer.echo(f"broken   {name}: {fault}")
        if not chain.faults:
            typer.echo(f"ok       {name}: entries {chain.first} to {chain.number}, each as it was written")
            typer.echo(f"anchor   {chain.anchor}")
    for anchor in missing:
        typer.echo(f"broken   No entry fits the anchor {anchor}: entries were written anew, or removed")
    if not chains:
        typer.echo("There is no entry.")
