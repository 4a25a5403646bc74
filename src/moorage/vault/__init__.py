"""Tokens and other secrets, encrypted. Only this room knows how they are stored."""
