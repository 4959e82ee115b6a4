"""Where facts are kept: named SQL and numbered migrations. A row never leaves this room."""
