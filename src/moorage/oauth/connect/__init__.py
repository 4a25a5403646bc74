"""Connecting a connection: the page for a person, the return from the accounts server, and disconnecting."""
