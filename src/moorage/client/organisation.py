"""An organisation of the embedded CRM, in the form of the control API."""

from typing import TypedDict


class Organisation(TypedDict):
    """`slug` is the short name that the control API uses, `id` the number that the CRM's API uses."""

    id: str
    slug: str
    name: str
    data_centre: str
    created_at: str
