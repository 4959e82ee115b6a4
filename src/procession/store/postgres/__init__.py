"""The store on PostgreSQL, by psycopg 3. `store.py` is what the engine sees; loaded only where a store's name asks for it."""
