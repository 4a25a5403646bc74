"""Zoho's scopes: `ZohoCRM.<group>[.<part>].<operation>`. Their case does not matter.

A scope covers all parts of its group: `ZohoCRM.modules.ALL` covers `ZohoCRM.modules.leads.READ`. WRITE means CREATE and
UPDATE. Source: [Z scopes].
"""

import re

# The scopes of OpenID Connect have no dots.
_SCOPE = re.compile(r"[A-Za-z]+(\.[A-Za-z_]+){1,3}|openid|profile|email")
_COVERS = {
    "all": frozenset({"all", "read", "create", "update", "delete", "write", "custom"}),
    "write": frozenset({"write", "create", "update"}),
}
_EVERY = "all"  # As a part, it stands for each of the group: `ZohoCRM.send_mail.all.CREATE`.
# A client of the embedded CRM gets all these scopes, unless it asks for fewer.
FULL = (
    "ZohoCRM.modules.ALL,"
    "ZohoCRM.settings.ALL,"
    "ZohoCRM.users.ALL,"
    "ZohoCRM.org.ALL,"
    "ZohoCRM.bulk.ALL,"
    "ZohoCRM.coql.READ,"
    "ZohoCRM.change_owner.CREATE,"
    "ZohoCRM.mass_update.all.UPDATE,"
    "ZohoCRM.mass_delete.all.DELETE,"
    "ZohoCRM.mass_convert.all.ALL,"
    "ZohoCRM.share.all.ALL,"
    "ZohoCRM.notifications.ALL,"
    "ZohoCRM.send_mail.all.CREATE,"
    "ZohoCRM.templates.email.READ,"
    "ZohoCRM.files.CREATE,"
    "ZohoCRM.files.READ,"
    "ZohoFiles.files.ALL,"
    "ZohoCRM.composite_requests.CUSTOM,"
    "ZohoSearch.securesearch.READ,"
    "AaaServer.profile.READ"
)


class ScopeSet:
    """The scopes of a token. `names` are the scopes as they were written, in their order."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._granted = [tuple(name.lower().split(".")) for name in names]
        self._answers: dict[str, bool] = {}

    @classmethod
    def parse(cls, text: str) -> "ScopeSet":
        """Read a list that is separated by commas or spaces. Raises ValueError with the name that is not a scope."""
        names = tuple(dict.fromkeys(re.split(r"[,\s]+", text.strip(", \t\r\n"))))
        for name in names:
            if not _SCOPE.fullmatch(name):
                raise ValueError(f"{name!r} is not a scope; a scope looks like ZohoCRM.modules.READ.")
        return cls(names)

    def allows(self, required: str) -> bool:
        """True if these scopes cover the scope that a call needs."""
        remembered = self._answers.get(required)
        if remembered is not None:
            return remembered
        parts = tuple(required.lower().split("."))
        allowed = self._answers[required] = any(_covers(granted, parts) for granted in self._granted)
        return allowed

    def __str__(self) -> str:
        return " ".join(self.names)

    def covers(self, others: "ScopeSet") -> bool:
        """True if these scopes cover all the other scopes."""
        return all(self.allows(name) for name in others.names)


def _covers(granted: tuple[str, ...], required: tuple[str, ...]) -> bool:
    *groups, operation = granted
    *required_groups, required_operation = required
    pairs = zip(groups, required_groups, strict=False)
    is_within = len(groups) <= len(required_groups) and all(own in {_EVERY, other} for own, other in pairs)
    return is_within and required_operation in _COVERS.get(operation, {operation})


def module_group(api_name: str, generated_type: str) -> str:
    """The name of a module in scopes: lower case, without underscores. Every custom module is `custom`.

    If the API name ends with `__s`, only this ending is left out.
    """
    if generated_type == "custom":
        return "custom"
    name = api_name.lower()
    return name.removesuffix("__s") if name.endswith("__s") else name.replace("_", "")
