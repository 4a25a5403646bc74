"""The accounts server: which token stands for which user of which organisation, and what it may do."""
