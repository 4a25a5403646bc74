"""The data plane: relays calls whose path begins with an app, with the right token."""
