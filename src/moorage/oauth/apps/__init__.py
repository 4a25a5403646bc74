"""What can be connected: apps as data, where each may lead, and the operator's OAuth clients for them."""
