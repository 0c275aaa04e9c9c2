"""The platform's own facts: append-only, hash-chained, in SQLite or PostgreSQL."""
