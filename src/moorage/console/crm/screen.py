"""All pages of the CRM. Of two paths that match an address, the first counts."""

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
from moorage.console.visit import Page

PAGES: tuple[Page, ...] = (
    *modules.PAGES,
    *grid.PAGES,
    *importing.PAGES,
    *exporting.PAGES,
    *selected.PAGES,
    *editing.PAGES,
    *belongings.PAGES,
    *record.PAGES,
)
