"""Alembic's entry: run the migrations over the connection that the ledger hands in."""

from alembic import context

from ghala.ledger.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata)
with context.begin_transaction():
    context.run_migrations()
