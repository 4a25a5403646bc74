"""What an organisation knows about itself: its documents, and the same compiled for work on records."""
