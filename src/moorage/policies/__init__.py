"""Policies: what each call does, and whether a key may make it."""

from moorage.policies.classify import Classifier
from moorage.policies.model import Kind, Operation

__all__ = ["Classifier", "Kind", "Operation"]
