"""Where the two origins are, and what a first start names."""

from dataclasses import dataclass

DEMO_SLUG = "demo"
DEMO_APP = "zoho-crm"


@dataclass(frozen=True, slots=True)
class Urls:
    """The base URLs of the two origins."""

    gateway: str
    crm: str
