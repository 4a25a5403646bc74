"""Work that one of all processes does: now, later, or again and again."""

from moorage.jobs.model import Job, PutOff, Work

__all__ = ["Job", "PutOff", "Work"]
