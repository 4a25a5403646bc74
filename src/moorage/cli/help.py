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


def pages() -> dict[str, Path]:
    """Each page by its topic, as the command takes it: `settings`, `crm`, `crm files`."""
    files = sorted((*PAGES.glob("*.md"), *PAGES.glob("crm/*.md")))
    return {_topic(file.relative_to(PAGES)): file for file in files}


def _topic(path: Path) -> str:
    return " ".join(part for part in path.with_suffix("").parts if part != "README")


def _page(words: list[str] | None) -> str | None:
    # `crm` is a page and a group of commands. The page wins, as `moorage crm --help` shows the commands.
    page = pages().get(" ".join(words or []).replace("/", " ").removesuffix(".md"))
    return page.read_text(encoding="utf-8") if page else None


def _command(root: Any, words: list[str]) -> str:
    context = root
    for word in words:
        commands = getattr(context.command, "commands", {})
        if word not in commands:
            names = [*commands, *pages()] if context is root else list(commands)
            raise UsageError(
                f"There is no help on {' '.join(words)!r}.{did_you_mean(word, names)}",
                help=f"Pages: {', '.join(pages())}. Commands: `moorage --help`.",
            )
        context = type(context)(commands[word], info_name=word, parent=context)
    listed = f"\n\nPages, with `moorage help PAGE`: {', '.join(pages())}." if not words else ""
    return f"{context.get_help()}{listed}"
