"""An organisation of the embedded CRM as the control API writes it."""

from typing import TypedDict


class Organisation(TypedDict):
    """`slug` is the short name that calls have it by, `id` its id in the CRM's API."""

    id: str
    slug: str
    name: str
    data_centre: str
    created_at: str
