"""Durable places: SQLite and PostgreSQL. Named SQL, numbered migrations; no decision about a process."""
