"""The append-only entries and the holders of the stages."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_REFUSE = {
    "sqlite": [
        f"CREATE TRIGGER entries_no_{verb} BEFORE {verb} ON entries"
        " BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
        for verb in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$",
        "CREATE TRIGGER entries_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse()",
    ],
}


def upgrade() -> None:
    """Create both tables, and refuse changes to what is written."""
    op.create_table(
        "entries",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False, index=True),
        sa.Column("use_case", sa.Text, index=True),
        sa.Column("version", sa.Integer),
        sa.Column("as_of", sa.Date),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.DateTime, nullable=False),
        sa.Column("key", sa.Text, unique=True),
        sa.Column("body", sa.JSON, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
    )
    op.create_table(
        "holders",
        sa.Column("use_case", sa.Text, primary_key=True),
        sa.Column("stage", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer),
        sa.Column("since", sa.Date, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
    )
    for statement in _REFUSE[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """The ledger is never taken down a revision: facts would be lost."""
    raise RuntimeError("The ledger's facts cannot be migrated away.")
