"""The tokens of connections: the apps, the connect page, renewal and diagnosis."""

CALLBACK = "/connect/callback"  # The path of the gateway to which accounts servers send people back.
