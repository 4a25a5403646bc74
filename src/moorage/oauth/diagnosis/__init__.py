"""The diagnosis of a connection: its problems, and what to do about them."""
