"""The page at which a person connects a connection, and what undoes it."""
