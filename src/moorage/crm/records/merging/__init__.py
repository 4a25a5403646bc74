"""Records that are one and the same become one record [Z merge-records]."""
