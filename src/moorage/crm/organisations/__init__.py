"""Whole organisations: which there are, and how they are made, copied, restored and deleted."""
