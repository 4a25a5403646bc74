"""`moorage help`: shows the help of a command, or a page of the documentation, which is part of the package."""

from pathlib import Path
from typing import Annotated, Any

import typer

from moorage import __file__ as package
from moorage.cli.failures import UsageError
from moorage.cli.options import Json
from moorage.cli.output import print_json
from moorage.near import did_you_mean

PAGES = Path(package).parent / "docs"

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="TOPIC", help="A page, such as errors, or a command, such as key create."),
]


def help(context: typer.Context, words: Words = None, *, as_json: Json = False) -> None:  # noqa: A001 (as it is called)
    """Show a page of the documentation, or the help of a command."""
    root = context.parent
    assert root is not None
    text = _page(words) or _command(root, words or [])
    if as_json:
        print_json({"topic": " ".join(words or []), "text": text})
    else:
        typer.echo(text.rstrip())


def topics() -> list[str]:
    """The names of the pages."""
    return sorted(page.stem for page in PAGES.glob("*.md"))


def _page(words: list[str] | None) -> str | None:
    # `crm` is a page and a group of commands. The page wins, as `moorage crm --help` shows the commands.
    if words is None or len(words) != 1 or words[0].removesuffix(".md") not in topics():
        return None
    return (PAGES / f"{words[0].removesuffix('.md')}.md").read_text(encoding="utf-8")


def _command(root: Any, words: list[str]) -> str:
    context = root
    for word in words:
        commands = getattr(context.command, "commands", {})
        if word not in commands:
            names = [*commands, *topics()] if context is root else list(commands)
            raise UsageError(
                f"There is no help on {' '.join(words)!r}.{did_you_mean(word, names)}",
                help=f"Pages: {', '.join(topics())}. Commands: `moorage --help`.",
            )
        context = type(context)(commands[word], info_name=word, parent=context)
    pages = f"\n\nPages, with `moorage help PAGE`: {', '.join(topics())}." if not words else ""
    return f"{context.get_help()}{pages}"
