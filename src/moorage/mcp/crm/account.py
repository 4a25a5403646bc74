"""Arguments that several tools have."""

from typing import Annotated, TypeAlias

from msgspec import Meta

Account: TypeAlias = Annotated[str, Meta(description="Alias or id of the account", max_length=64)]
Module: TypeAlias = Annotated[str, Meta(description="API name, such as Leads", min_length=1, max_length=64)]
Id: TypeAlias = Annotated[str, Meta(pattern="^[0-9]{1,30}$")]
Ids: TypeAlias = Annotated[list[Id], Meta(min_length=1, max_length=100)]
Fields: TypeAlias = Annotated[list[str], Meta(description="API names", min_length=1, max_length=50)]
