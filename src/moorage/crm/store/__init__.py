"""Where an organisation's records are kept: the contract of a store, and the store over one SQLite file."""
