"""Control calls that a program may repeat: with an Idempotency-Key, the call is made once, and its answer repeated."""

from moorage.idempotency.middleware import CALLER, Idempotent

__all__ = ["CALLER", "Idempotent"]
