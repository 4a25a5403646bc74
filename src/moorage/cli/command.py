"""How a command tells about itself: its help in our words, with an example, and what a shell completes."""

import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

from moorage import __file__ as package
from moorage.errors import SettingsInvalid
from moorage.settings import load

# Of the commands that people meet first.
EXAMPLES = {
    "up": ("moorage up", "moorage up --home ~/.moorage-tests --port 0 --crm-port 0 --json"),
    "api": (
        "moorage api '/zoho-crm/crm/v8/Leads?fields=Last_Name,Company'",
        "moorage api /zoho-crm/crm/v8/Leads -f 'data[][Last_Name]=Hopper' -f 'data[][Company]=Navy'",
    ),
    "key create": (
        "moorage key create --name ci --mode test --expires-in 90d",
        "moorage key create --name reports --scope proxy:zoho-crm:read",
    ),
    "connection create": (
        "moorage connection create zoho-crm",
        "moorage connection create zoho-crm --organisation demo",
    ),
    "client set": ("moorage client set zoho-crm --client-id 1000.ABC --secret-file secret.txt",),
    "crm org create": ("moorage crm org create acme --name 'Acme Inc' --time-zone Europe/Oslo --empty",),
}


class Command(TyperCommand):
    """A command whose help names each element by our word for it, and no type of Python."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """`[OPTIONS] PATH`, and what may be left out in brackets."""
        names = [(one.metavar or "", one.required) for one in self._arguments(ctx)]
        return ["[OPTIONS]", *(name if required else f"[{name}]" for name, required in names)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        arguments = self._arguments(ctx)
        if arguments:
            with formatter.section("Arguments"):
                formatter.write_dl([(one.metavar, one.help or "") for one in arguments])
        options = [one.get_help_record(ctx) for one in self.get_params(ctx) if one not in arguments]
        with formatter.section("Options"):
            formatter.write_dl([option for option in options if option is not None])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        examples = EXAMPLES.get(ctx.command_path.partition(" ")[2], ())
        if examples:
            with formatter.section("For example"):
                for line in examples:  # Whole, as they are to be copied.
                    formatter.write(f"{'':{formatter.current_indent}}{line}\n")

    def _arguments(self, ctx: Any) -> list[Any]:
        return [one for one in self.get_params(ctx) if one.param_type_name == "argument"]


def starting(words: Iterable[str]) -> Callable[[str], list[str]]:
    """What completes to one of these words."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def apps(incomplete: str) -> list[str]:
    """The apps that Moorage ships and those of the data folder's own files, by the names of the files alone."""
    shipped = Path(package).parent / "oauth" / "apps" / "providers"
    names = {file.name for file in shipped.iterdir()}
    # What can't be asked completes nothing, and says nothing into a line that is being typed.
    with contextlib.suppress(OSError, SettingsInvalid):
        mine = {name: text for name, text in os.environ.items() if name == "MOORAGE_HOME"}
        names |= {file.name for file in (load(mine).home / "providers").iterdir()}
    found = {name.removesuffix(".toml") for name in names if name.endswith(".toml")}
    return sorted(name for name in found if name.startswith(incomplete))
