"""The records of a new organisation that somebody wants to try things with."""
