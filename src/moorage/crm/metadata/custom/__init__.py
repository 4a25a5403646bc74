"""Fields that an organisation makes for itself: what callers may ask for, and the definitions that come of it."""
