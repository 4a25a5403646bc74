"""Access tokens of connections: reads them from the vault, and renews them once for all callers and processes."""
