"""The templates of a room's pages, and the headers of all pages."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from moorage.errors import MoorageError
from moorage.http.message import Headers, Response
from moorage.web.assets import ICON, assets

if TYPE_CHECKING:
    from jinja2 import Environment

# A URL may hold a secret, and a page a form. No other site may learn the URL or frame the page; nobody may store
# either.
_HEADERS: Headers = [
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
_POLICY = "default-src 'none'; {sources}; form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
# Browsers apply `form-action` also to the redirect that answers a form. Forms that lead to an accounts server, or back
# to a client, need this.
ANYWHERE = ("'self'", "http:", "https:")


def headers(form_targets: tuple[str, ...] = ("'self'",), sources: str | None = None) -> Headers:
    """The headers of an answer for a browser. `form_targets` is where its forms may lead (Content-Security-Policy), and
    `sources` what a page may load; by default nothing, beside the style sheet that is in the page itself.
    """
    policy = _POLICY.format(sources=sources or _own_sheet(), targets=" ".join(form_targets))
    return [*_HEADERS, (b"content-security-policy", policy.encode("ascii"))]


def named_headers(form_targets: tuple[str, ...] = ("'self'",), sources: str | None = None) -> dict[str, str]:
    """The headers of an answer for a browser, as Starlette takes them."""
    return {name.decode(): value.decode() for name, value in headers(form_targets, sources)}


def html_headers(form_targets: tuple[str, ...] = ("'self'",)) -> Headers:
    """The headers of an HTML page."""
    return [(b"content-type", b"text/html; charset=utf-8"), *headers(form_targets)]


@cache
def _own_sheet() -> str:
    digest = hashlib.sha256(assets().plain_sheet.encode()).digest()
    return f"style-src 'sha256-{base64.b64encode(digest).decode()}'"


class Pages:
    """The templates in the folder `pages` of a package. Each extends this room's frame, `base.html`.

    `site` is the name in the window's title. The pages are plain HTML with the style sheet inside, so a page needs no
    other request. They work without scripts, and forbid scripts; those of the console alone have some. `filters` are
    functions for templates.
    """

    def __init__(
        self, package: str, site: str, filters: Mapping[str, Callable[..., Any]] | None = None
    ) -> None:
        self._package = package
        self._site = site
        self._filters = filters or {}

    def render(self, template: str, **values: object) -> bytes:
        return self._environment.get_template(template).render(site=self._site, **values).encode()

    def failed(
        self, error: MoorageError, form_targets: tuple[str, ...] = ("'self'",), **ways_on: object
    ) -> Response:
        """The error as a page, by the template `failed.html`. Whoever sends it sets its status."""
        html = self.render("failed.html", message=error.message, help=error.help or "", **ways_on)
        return Response(0, html, html_headers(form_targets))

    @cached_property
    def _environment(self) -> "Environment":
        # Few servers ever show a page, so the first page loads the library.
        from jinja2 import ChoiceLoader, Environment, PackageLoader, select_autoescape  # noqa: PLC0415
        from markupsafe import Markup  # noqa: PLC0415

        loader = ChoiceLoader([PackageLoader(package, "pages") for package in (self._package, "moorage.web")])
        environment = Environment(
            loader=loader, autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
        )
        environment.filters.update(self._filters)
        environment.globals["sheet"] = lambda: Markup(assets().plain_sheet)  # noqa: S704 - a file of ours
        environment.globals["asset"] = assets().path
        # A browser asks for an icon again whenever a script changes the address of the page.
        environment.globals["icon"] = lambda: f"data:image/svg+xml,{quote(assets().text(ICON))}"
        return environment
