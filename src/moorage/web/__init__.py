"""Pages for people: one page frame, one policy for browsers, one kind of cookie, and forms that only our pages send."""
