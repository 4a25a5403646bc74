"""The contract over SQLite: one file for each organisation."""
