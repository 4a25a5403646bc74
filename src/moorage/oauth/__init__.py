"""How a connection comes to its tokens: the apps there are, the page that connects, and refresh."""

CALLBACK = "/connect/callback"  # Where accounts servers send people back to, at the gateway.
