"""The calls that went through the gateway: the list, one call, its repeat, errors by kind, and files of calls."""

from moorage.console.requests import errors, fixture, har, listing, one, replay, tail
from moorage.console.visit import Page, get, post

PAGES: tuple[Page, ...] = (
    get("/requests", listing.show, "requests:read"),
    get("/requests/errors", errors.show, "requests:read"),
    get("/requests/tail", tail.follow, "requests:read"),
    get("/requests/har", har.save_list, "requests:read"),
    get("/requests/{request_id}", one.show, "requests:read"),
    get("/requests/{request_id}/har", har.save_one, "requests:read"),
    get("/requests/{request_id}/fixture", fixture.save, "requests:read"),
    get("/requests/{request_id}/replay", replay.show, "requests:read"),
    post("/requests/{request_id}/replay", replay.send, "requests:read"),
)
