"""The screens on which people ask an account: by COQL, and by any operation of its API."""

from moorage.console.query import coql, explorer
from moorage.console.visit import Page

PAGES: tuple[Page, ...] = (*coql.PAGES, *explorer.PAGES)
