"""Calls that wait for a person: held, decided by a person, and sent once."""
