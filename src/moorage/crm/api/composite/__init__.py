"""Composite requests: up to five calls in one [Z composite-api]."""

from moorage.crm.api.composite import requests

ROUTES = requests.ROUTES
