"""A connection's access token: kept fresh, whoever asks and in however many processes."""
