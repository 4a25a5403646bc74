"""Calls that wait for a person, and control calls that may be repeated."""

from functools import cached_property
from typing import TYPE_CHECKING

from moorage.rooms.people import PeopleRooms

if TYPE_CHECKING:
    from moorage.approvals.diffs import Diffs
    from moorage.approvals.holder import Holder
    from moorage.approvals.sending import Sending
    from moorage.approvals.service import Approvals
    from moorage.gateway.own_calls import OwnCalls
    from moorage.idempotency.service import Idempotency

# ruff: noqa: PLC0415 (a service is loaded when it is first used)


class ApprovalRooms(PeopleRooms):
    """`own_calls` sends calls that were approved. A server sets it, as it needs the gateway. Commands send nothing."""

    own_calls: "OwnCalls"

    @cached_property
    def approvals(self) -> "Approvals":
        from moorage.approvals.service import Approvals, Limits

        limits = Limits(self.settings.approval_time, self.settings.approval_body)
        return Approvals(self.database, self.vault, self.jobs, self.clock, self.urls.gateway, limits)

    @cached_property
    def holder(self) -> "Holder":
        from moorage.approvals.holder import Holder

        return Holder(self.approvals, self.urls.gateway, self.providers.environment)

    @cached_property
    def sending(self) -> "Sending":
        from moorage.approvals.sending import Sending

        return Sending(self.database, self.vault, lambda: self.own_calls)

    @cached_property
    def diffs(self) -> "Diffs":
        from moorage.approvals.diffs import Diffs

        return Diffs(self.database, self.vault, lambda: self.own_calls)

    @cached_property
    def idempotency(self) -> "Idempotency":
        from moorage.idempotency.service import Idempotency

        return Idempotency(self.database, self.vault)
