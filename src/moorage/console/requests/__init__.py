"""The calls that went through the gateway: the list, one call, its repeat in the embedded CRM, and errors by kind."""

from moorage.console.requests import errors, listing, one, replay, tail
from moorage.console.visit import Page, get, post

PAGES: tuple[Page, ...] = (
    get("/requests", listing.show, "requests:read"),
    get("/requests/errors", errors.show, "requests:read"),
    get("/requests/tail", tail.follow, "requests:read"),
    get("/requests/{request_id}", one.show, "requests:read"),
    get("/requests/{request_id}/replay", replay.show, "requests:read"),
    post("/requests/{request_id}/replay", replay.send, "requests:read"),
)
