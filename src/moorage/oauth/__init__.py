"""How a connection gets its tokens: the known apps, the connect page, and renewal."""

CALLBACK = "/connect/callback"  # The path at the gateway to which accounts servers send people back.
