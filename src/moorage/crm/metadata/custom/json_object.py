"""An object of a request's body, read member by member: each Fault names the member and its place."""

from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.metadata.documents import Body


class JsonObject:
    """One object of a body. `path` says where it stands, such as `$.fields[0]`."""

    def __init__(self, body: Body, path: str) -> None:
        self._body = body
        self.path = path

    def __contains__(self, name: str) -> bool:
        return self._body.get(name) is not None

    def place(self, name: str) -> dict[str, str]:
        """Where a member is, as faults tell it."""
        return {"api_name": name, "json_path": f"{self.path}.{name}"}

    def fault(self, code: str, message: str, name: str, **details: Any) -> Fault:
        return Fault(400, code, message, {**details, **self.place(name)})

    def invalid(self, name: str, **details: Any) -> Fault:
        return self.fault("INVALID_DATA", "invalid data", name, **details)

    def missing(self, name: str, **details: Any) -> Fault:
        return self.fault("MANDATORY_NOT_FOUND", "required field not found", name, **details)

    def require(self, *names: str) -> None:
        """Raise the Fault of the first of these members that is not there, or is null."""
        for name in names:
            if name not in self:
                raise self.missing(name)

    def text(self, name: str, longest: int) -> str | None:
        """The text without white space around it; None for an empty one."""
        value = self._body.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or "\0" in value:
            raise self.invalid(name, expected_data_type="text")
        if len(value) > longest:
            raise self.invalid(name, maximum_length=longest)
        return value.strip() or None

    def whole_number(self, name: str) -> int | None:
        value = self._body.get(name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise self.invalid(name, expected_data_type="integer")
        return value

    def boolean(self, name: str, *, default: bool = False) -> bool:
        value = self._body.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.invalid(name, expected_data_type="boolean")
        return value

    def inner(self, name: str) -> "JsonObject | None":
        """An object within this one."""
        value = self._body.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.invalid(name, expected_data_type="jsonobject")
        return JsonObject(value, f"{self.path}.{name}")

    def items(self, name: str, most: int) -> "list[JsonObject]":
        """The objects of an array within this one."""
        value = self._body.get(name, [])
        if not isinstance(value, list):
            raise self.invalid(name, expected_data_type="jsonarray")
        if len(value) > most:
            raise self.invalid(name, maximum_length=most)
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                place = {"api_name": name, "json_path": f"{self.path}.{name}[{index}]"}
                raise Fault(
                    400, "INVALID_DATA", "invalid data", {"expected_data_type": "jsonobject", **place}
                )
        return [JsonObject(item, f"{self.path}.{name}[{index}]") for index, item in enumerate(value)]

    def has_member(self, name: str) -> bool:
        """Whether the object has the member, even if it is null."""
        return name in self._body

    def raw(self, name: str) -> Any:
        """The value as it was sent, of any type."""
        return self._body.get(name)
