"""What is wrong with a connection, and what to do about it."""
