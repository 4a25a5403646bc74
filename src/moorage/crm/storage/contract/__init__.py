"""What a database of the embedded CRM promises; `tests/contracts` asks each for all of it."""
