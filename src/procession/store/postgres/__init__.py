"""The store on PostgreSQL, by psycopg 3: `store.py` is what the engine sees. Loaded only where a URL asks for it."""
