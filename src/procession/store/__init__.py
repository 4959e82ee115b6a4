"""Durable places: SQLite now, PostgreSQL later. Named SQL, numbered migrations; no decision about a process."""
