"""Who calls: accounts, their API keys, and how fast each may call."""
