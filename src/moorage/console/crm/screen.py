"""All pages of the CRM, for people who may read what apps hold. Of two paths that match, the first counts."""

from msgspec.structs import replace

from moorage.console.crm import (
    belongings,
    editing,
    exporting,
    grid,
    importing,
    modules,
    record,
    selected,
)
from moorage.console.visit import VALUES, Page

_ROOMS = (modules, grid, importing, exporting, selected, editing, belongings, record)
PAGES: tuple[Page, ...] = tuple(replace(page, needs=VALUES) for room in _ROOMS for page in room.PAGES)
