"""The argument that all tools of an account have."""

from typing import Annotated, TypeAlias

from msgspec import Meta

Account: TypeAlias = Annotated[str, Meta(description="Alias or id of the account", max_length=64)]
Module: TypeAlias = Annotated[str, Meta(description="API name, such as Leads", min_length=1, max_length=64)]
