"""The standard modules, fields, roles and profiles of a new organisation, as the data file lists them."""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from moorage.crm.metadata.definitions import LayoutDefinition, ModuleDefinition


class StandardLayout(LayoutDefinition, frozen=True):
    """`applies_to` are the modules that have it."""

    applies_to: tuple[str, ...] = ()


class Standard(msgspec.Struct, frozen=True):
    """What belongs to a feature that an organisation has to switch on is left out of `modules`. `optional` are the same
    modules with these fields alone.
    """

    modules: tuple[ModuleDefinition, ...]
    listed_only_modules: tuple[ModuleDefinition, ...]
    pseudo_modules: tuple[str, ...]
    roles: tuple[dict[str, Any], ...]
    profiles: tuple[dict[str, Any], ...]
    forecast_categories: tuple[str, ...]
    layout: StandardLayout
    optional: tuple[ModuleDefinition, ...] = ()


@cache
def standard() -> Standard:
    """The data file, read once and shared by everyone."""
    everything = msgspec.json.decode(
        (files(__package__) / "standard_modules.json").read_bytes(), type=Standard
    )
    return msgspec.structs.replace(
        everything,
        modules=tuple(_plain(module) for module in everything.modules),
        optional=tuple(_optional(module) for module in everything.modules),
    )


def _optional(module: ModuleDefinition) -> ModuleDefinition:
    fields = tuple(field for field in module.fields if field.requires_feature is not None)
    return msgspec.structs.replace(module, fields=fields)


def _plain(module: ModuleDefinition) -> ModuleDefinition:
    fields = tuple(field for field in module.fields if field.requires_feature is None)
    labels = {field.section for field in fields}
    sections = tuple(section for section in module.sections if section.display_label in labels)
    return msgspec.structs.replace(module, fields=fields, sections=sections)
