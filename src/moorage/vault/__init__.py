"""Tokens and other secrets, encrypted. Nothing outside this room sees how they are kept."""
