"""Connections from an account to outside accounts: their state, and the control API for them."""
