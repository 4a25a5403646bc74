"""The data plane: calls whose path begins with an app, relayed with the right token."""
