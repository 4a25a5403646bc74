"""One's own page: name, sessions, password and second factor. No secret is shown again in a form that was refused."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from moorage.console.calls import Answer, Refused
from moorage.console.people import tabs_of
from moorage.console.visit import Done, Page, Shown, Visit, get, post

PATH = "/me"
_KEPT = ("name", "email")  # What a form that was refused still has.
_WRONG = frozenset({400, 403, 409, 422, 429})


async def show(visit: Visit) -> Shown:
    return await _page(visit)


async def _page(visit: Visit, form: str = "", fault: Refused | None = None) -> Shown:
    """The page; with what is wrong with one of its forms."""
    answer = await _call(visit, "GET", "")
    shown = {name: value for name, value in answer.document.items() if name != "person"}
    values = {
        **shown,
        "somebody": answer.document["person"],
        "tabs": tabs_of(visit),
        "typed": {name: visit.form[name] for name in _KEPT if name in visit.form},
        "fault": fault and {**fault.told, "form": form},
    }
    return Shown("me.html", values, 200 if fault is None else fault.status)


async def _call(visit: Visit, method: str, path: str, body: Mapping[str, str] | None = None) -> Answer:
    """A call about the person. It takes the browser's own headers along, as it is about the session in this browser."""
    headers = {name: visit.request.headers.get(name, "") for name in ("cookie", "user-agent")}
    return await visit.control(method, f"{PATH}{path}", body=body, headers=headers)


def _sent(visit: Visit, *names: str) -> dict[str, str]:
    return {name: visit.form.get(name, "") for name in names}


def _form(
    name: str, send: Callable[[Visit], Awaitable[Shown | Done]]
) -> Callable[[Visit], Awaitable[Shown | Done]]:
    """What sends a form of the page. If that is refused, the page comes again, and says so at the form."""

    async def sent(visit: Visit) -> Shown | Done:
        try:
            return await send(visit)
        except Refused as refused:
            if refused.status not in _WRONG:
                raise
            return await _page(visit, name, refused)

    return sent


async def rename(visit: Visit) -> Done:
    await _call(visit, "PATCH", "", _sent(visit, "name"))
    return Done(PATH, "Your name is changed.")


async def change_password(visit: Visit) -> Done:
    answer = await _call(visit, "POST", "/password", _sent(visit, "present", "password", "repeated", "email"))
    said = "Your password is changed. All your other sessions have ended."
    return Done(PATH, said, cookie=answer.headers["set-cookie"])


async def end_session(visit: Visit) -> Done:
    await _call(visit, "DELETE", f"/sessions/{visit.segment('session_id')}")
    return Done(PATH, "That session has ended.")


async def begin_codes(visit: Visit) -> Shown | Done:
    answer = await _call(visit, "POST", "/second-factor", _sent(visit, "present"))
    return _enrolment(answer.document["enrolment"])


def _enrolment(enrolment: Mapping[str, Any] | None, fault: Refused | None = None) -> Shown | Done:
    """The page with the QR code. There is none if codes are set up already, or were not begun."""
    if enrolment is None:
        return Done(PATH)
    help_now = "Wait for the next code, and see whether the clock of your phone is right."
    values = {"enrolment": enrolment, "fault": fault and {**fault.told, "help": help_now}}
    return Shown("me_codes.html", values, 200 if fault is None else fault.status)


async def turn_codes_on(visit: Visit) -> Shown | Done:
    try:
        answer = await _call(visit, "POST", "/second-factor/on", _sent(visit, "code"))
    except Refused as refused:
        if refused.status not in _WRONG:
            raise
        begun = await _call(visit, "GET", "/second-factor")
        return _enrolment(begun.document["enrolment"], refused)
    return Shown("me_recovery.html", {"codes": answer.document["recovery_codes"]})


async def turn_codes_off(visit: Visit) -> Done:
    await _call(visit, "POST", "/second-factor/off", _sent(visit, "code"))
    return Done(PATH, "No code is asked for any more.")


async def back(_visit: Visit) -> Done:
    """For somebody who loads the page again that a form has answered with."""
    return Done(PATH)


PAGES: tuple[Page, ...] = (
    get(PATH, show),
    *(get(f"{PATH}/{form}", back) for form in ("name", "password", "second-factor")),
    get("/me/second-factor/{way}", back),
    post("/me/name", _form("name", rename)),
    post("/me/password", _form("password", change_password)),
    post("/me/sessions/{session_id}/end", end_session),
    post("/me/second-factor", _form("codes", begin_codes)),
    post("/me/second-factor/on", turn_codes_on),
    post("/me/second-factor/off", _form("codes", turn_codes_off)),
)
