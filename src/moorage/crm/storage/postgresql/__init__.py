"""Records in PostgreSQL: a schema for each organisation. This room alone imports psycopg."""
