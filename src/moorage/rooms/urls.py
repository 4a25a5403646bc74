"""Where the two origins are, and what a first start names."""

import msgspec

DEMO_SLUG = "demo"
DEMO_APP = "zoho-crm"


class Urls(msgspec.Struct, frozen=True):
    """The base URLs of the two origins."""

    gateway: str
    crm: str
