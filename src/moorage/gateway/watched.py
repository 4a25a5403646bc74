"""Calls with which more is done once they are noted. All others use `Relay` itself, so that they pay nothing."""

from time import monotonic

from moorage.gateway.relay import Relay
from moorage.requests import Caller, Notes, Source


class WatchedRelay(Relay):
    """Subclasses say in `_on_noted` what is done."""

    __slots__ = ()

    def on_complete(self) -> None:
        if not self.answered_at:
            self.answered_at = monotonic()  # So it is noted by `_note`, and does not wait itself.
        super().on_complete()

    def _note(
        self,
        source: Source,
        status: int,
        ended: float,
        error: str | None = None,
        caller: Caller | None = None,
    ) -> bool:
        is_noted = super()._note(source, status, ended, error, caller)
        if is_noted:
            assert self._gateway.notes is not None
            self._on_noted(self._gateway.notes)
        return is_noted

    def _on_noted(self, notes: Notes) -> None:
        """The call has just been noted, as the last one."""
