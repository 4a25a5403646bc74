"""How a connection comes to its tokens: the apps there are, the page that connects, and refresh."""
