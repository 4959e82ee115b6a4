"""The server under load: REST, workers in other processes, tenants, on PostgreSQL."""
