"""The specification of a new organisation."""

from typing import Literal

import msgspec

from moorage.crm import centres


class Person(msgspec.Struct, frozen=True):
    """A user of the new organisation. `role` and `profile` are names of standard roles and profiles."""

    first_name: str
    last_name: str
    email: str
    role: str = "Manager"
    profile: str = "Standard"
    status: Literal["active", "inactive", "deleted"] = "active"
    confirmed: bool = True


class Currency(msgspec.Struct, frozen=True):
    name: str = "US Dollar"
    code: str = "USD"
    symbol: str = "$"


class OrganisationSpec(msgspec.Struct, frozen=True):
    """The first of `users` is the organisation's primary contact; `unique` names fields as `Module.Field`."""

    name: str
    domain: str  # Of its e-mail addresses and its website.
    users: tuple[Person, ...]
    time_zone: str = "America/Los_Angeles"
    country: str = "United States"
    country_code: str = "US"
    currency: Currency = Currency()
    phone: str | None = "555-555-0100"
    unique: tuple[str, ...] = ()
    data_centre: str = centres.HOME


DEMO = OrganisationSpec(
    name="Harbour & Pine",
    domain="harbourpine.example",
    users=(
        Person("Ana", "Moreira", "ana@harbourpine.example", "CEO", "Administrator"),
        Person("Tomas", "Lindqvist", "tomas@harbourpine.example", "Manager", "Administrator"),
        Person("Priya", "Raman", "priya@harbourpine.example"),
        Person("Callum", "Reid", "callum@harbourpine.example"),
        Person("Yuki", "Tanaka", "yuki@harbourpine.example", confirmed=False),
        Person("Helena", "Brandt", "helena@harbourpine.example", "Manager", "Administrator", "inactive"),
        Person("Omar", "Haddad", "omar@harbourpine.example", status="deleted"),
    ),
)
