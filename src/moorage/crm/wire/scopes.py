"""Zoho's scopes: `ZohoCRM.<group>[.<part>].<operation>`, compared without regard to case.

A scope covers what is below it: `ZohoCRM.modules.ALL` covers `ZohoCRM.modules.leads.READ`. WRITE means CREATE and
UPDATE. Source: [Z scopes].
"""

import re

# OpenID Connect's own have no dots.
_SCOPE = re.compile(r"[A-Za-z]+(\.[A-Za-z_]+){1,3}|openid|profile|email")
_COVERS = {
    "all": frozenset({"all", "read", "create", "update", "delete", "write", "custom"}),
    "write": frozenset({"write", "create", "update"}),
}
# What a client of the embedded CRM gets unless it asks for less.
FULL = (
    "ZohoCRM.modules.ALL,"
    "ZohoCRM.settings.ALL,"
    "ZohoCRM.users.ALL,"
    "ZohoCRM.org.ALL,"
    "ZohoCRM.bulk.ALL,"
    "ZohoCRM.coql.READ,"
    "ZohoCRM.notifications.ALL,"
    "ZohoCRM.files.CREATE,"
    "ZohoCRM.files.READ,"
    "ZohoFiles.files.ALL,"
    "ZohoCRM.composite_requests.CUSTOM,"
    "ZohoSearch.securesearch.READ,"
    "AaaServer.profile.READ"
)


class ScopeSet:
    """The scopes of one token. `names` keeps them as they were given, in order."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._granted = [tuple(name.lower().split(".")) for name in names]
        self._answers: dict[str, bool] = {}

    @classmethod
    def parse(cls, text: str) -> "ScopeSet":
        """Read a list separated by commas or spaces. Raises ValueError naming what is no scope."""
        names = tuple(dict.fromkeys(re.split(r"[,\s]+", text.strip(", \t\r\n"))))
        for name in names:
            if not _SCOPE.fullmatch(name):
                raise ValueError(f"{name!r} is no scope; one looks like ZohoCRM.modules.READ.")
        return cls(names)

    def allows(self, required: str) -> bool:
        """Whether a call that needs this scope may be made."""
        known = self._answers.get(required)
        if known is None:
            wanted = tuple(required.lower().split("."))
            known = self._answers[required] = any(_covers(granted, wanted) for granted in self._granted)
        return known

    def __str__(self) -> str:
        return " ".join(self.names)

    def covers(self, others: "ScopeSet") -> bool:
        """Whether whoever has these scopes has all the others, too."""
        return all(self.allows(name) for name in others.names)


def _covers(granted: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    *groups, operation = granted
    *wanted_groups, wanted_operation = wanted
    within = wanted_groups[: len(groups)] == groups
    return within and wanted_operation in _COVERS.get(operation, {operation})


def module_group(api_name: str, generated_type: str) -> str:
    """How scopes call a module: in lower case without underscores; every custom module is `custom`.

    Of the newer modules, whose names end in `__s`, only that ending is left out.
    """
    if generated_type == "custom":
        return "custom"
    name = api_name.lower()
    return name.removesuffix("__s") if name.endswith("__s") else name.replace("_", "")
