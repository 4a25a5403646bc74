"""Spans of calls for OpenTelemetry. It is an extra: a server loads this room only if traces are on."""
