"""Rules for records: what a value must be, what is computed, and how records are inserted, updated and deleted."""
