"""Requests to accounts servers and APIs, over a socket or in this process."""
