"""Moorage: a self-hosted managed-OAuth API gateway with a CRM inside that speaks Zoho CRM API v8."""

__version__ = "0.1.0"
