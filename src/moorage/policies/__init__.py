"""Policies: what each call does, and whether a key may make it."""

from moorage.policies.classify import Classifier
from moorage.policies.guard import Decision, Guard
from moorage.policies.model import Kind, Operation, Policy, Verdict
from moorage.policies.service import Policies

__all__ = ["Classifier", "Decision", "Guard", "Kind", "Operation", "Policies", "Policy", "Verdict"]
