"""Pages for people: one frame, one policy for browsers, one kind of cookie, and forms that only our own pages send."""
