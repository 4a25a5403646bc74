"""Every command of `moorage`, by its words."""

import typer

from moorage.cli.program import program


def _each(group, words=()):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _each(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


COMMANDS = dict(_each(typer.main.get_command(program())))
