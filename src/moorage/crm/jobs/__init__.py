"""Long work of an organisation, done in steps by one of all processes."""
