"""Composite requests: up to five calls in one [Z composite-api]."""
