"""People who sign in with a browser."""

from functools import cached_property
from typing import TYPE_CHECKING

from moorage.rooms.control import ControlRooms

if TYPE_CHECKING:
    from moorage.people.second_factor import SecondFactors
    from moorage.people.service import People
    from moorage.people.sessions import PersonSessions
    from moorage.people.sign_in import SignIn
    from moorage.web.passwords import Passwords

# ruff: noqa: PLC0415 (a service is loaded when it is first used)


class PeopleRooms(ControlRooms):
    @cached_property
    def passwords(self) -> "Passwords":
        from moorage.web.passwords import Passwords

        return Passwords("person-password")

    @cached_property
    def people(self) -> "People":
        from moorage.people.service import People

        return People(self.database, self.passwords, self.vault)

    @cached_property
    def sign_in(self) -> "SignIn":
        from moorage.people.sign_in import SignIn
        from moorage.web.tries import Tries

        return SignIn(self.database, self.passwords, Tries())

    @cached_property
    def second_factors(self) -> "SecondFactors":
        from moorage.people.second_factor import MOST_WRONG, MOST_WRONG_OF_ALL, SecondFactors
        from moorage.web.tries import Tries

        tries = Tries(most=MOST_WRONG, most_of_all=MOST_WRONG_OF_ALL)
        return SecondFactors(self.database, self.vault, tries)

    @cached_property
    def sessions(self) -> "PersonSessions":
        from moorage.people.sessions import PersonSessions

        return PersonSessions(self.database, self.urls.gateway)
