"""The last step of signing in, by whatever way: a code if the person has set that up, and a session."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from moorage.clock import Clock
from moorage.people.errors import CodeRefused, TooManyTries
from moorage.people.frame import page_for_unknown
from moorage.people.model import Person
from moorage.people.second_factor import SecondFactors
from moorage.people.sessions import PersonSessions, client_of, go, up


class Entrance(msgspec.Struct, frozen=True):
    """`way` is where the person goes afterwards, as `way_back` gives it."""

    second_factors: SecondFactors
    sessions: PersonSessions
    clock: Clock

    async def let_in(self, request: Request, person: Person, way: str) -> Response:
        """Somebody who has proved who they are enters, or is asked for a code."""
        if person.has_second_factor:
            browser, _ = self.sessions.unknown(request)
            step = self.second_factors.step(person, browser, self.clock.timestamp())
            return self._code_page(request, step, way)
        return await self._enter(request, person, way)

    async def check_code(self, request: Request, step: str, code: str, way: str) -> Response:
        """Raises StepExpired, VaultLocked."""
        try:
            person = await self.second_factors.read_step(step, self.sessions.of(request))
            await self.second_factors.check(person, code, client_of(request))
        except (CodeRefused, TooManyTries) as error:
            status = 403 if isinstance(error, CodeRefused) else 429
            return self._code_page(request, step, way, f"{error.message} {error.help}", status)
        return await self._enter(request, person, way)

    async def _enter(self, request: Request, person: Person, way: str) -> Response:
        answer = go(f"{up(request)}{way}")
        await self.sessions.begin(person, request, answer)
        return answer

    def _code_page(
        self, request: Request, step: str, way: str, note: str = "", status: int = 200
    ) -> Response:
        shown = {"step": step, "way": way, "note": note, "up": up(request)}
        return page_for_unknown(self.sessions, request, "code.html", status, **shown)
