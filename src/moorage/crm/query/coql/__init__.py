"""Zoho's query language: text becomes a syntax tree, and that a `Selection`, checked against the metadata.

Sources: [Z coql], [Z coql-limits].
"""
