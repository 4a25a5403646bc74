"""Says of each call whether it reads, writes or destroys: from tables of operations, else from its method.

Wherever an app could read a call in several ways, the worst of them counts.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from moorage.policies.app_operations import AppOperations
from moorage.policies.model import Kind, Operation, Policy, Rule
from moorage.policies.overrides import in_headers
from moorage.policies.table import in_latest_version

Overrides = Mapping[str, Mapping[str, Kind]]


class Classifier:
    """`overrides` has for each app what its file says of operations, such as `{"POST /search": "read"}`."""

    def __init__(self, overrides: Overrides = {}) -> None:  # noqa: B006 (it is not changed)
        self.use(overrides)

    def use(self, overrides: Overrides) -> None:
        """Use these from now on. Decisions that others remember may be wrong then."""
        self._overrides = overrides
        self._apps: dict[str, AppOperations] = {}  # Those that somebody has asked for.

    def classify(
        self,
        app: str,
        method: str,
        path: bytes,
        query: bytes = b"",
        body: bytes | None = None,
        *,
        headers: tuple[bytes, ...] = (),
        formless: bool = False,
    ) -> Operation:
        """What a call does.

        `body` is None if nobody has looked at it, and `headers` has the names of its headers. A `formless` body has a
        type by which nobody reads a form in it.
        """
        overridden = in_headers(headers)
        return self._app(app).classify(method, path, query, body, overridden=overridden, formless=formless)

    def adapted(self, app: str, policy: Policy) -> Policy:
        """The policy, with the paths of its rules in the version in which the app's operations are listed."""
        if not self._app(app).has_table:
            return policy
        return replace(policy, rules=tuple(map(_in_latest_version, policy.rules)))

    @property
    def names(self) -> frozenset[str]:
        """The names of all operations that an app has in a table or in its file."""
        return frozenset(name for app in self._overrides for name in self._app(app).names)

    def _app(self, name: str) -> AppOperations:
        known = self._apps.get(name)
        if known is None:
            known = self._apps[name] = AppOperations(name, self._overrides.get(name, {}))
        return known


def _in_latest_version(rule: Rule) -> Rule:
    if rule.path is None:
        return rule
    return replace(rule, path="/" + "/".join(in_latest_version(rule.path[1:].split("/"))))
