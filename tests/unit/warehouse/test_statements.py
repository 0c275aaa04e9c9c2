"""What a statement makes of which columns."""

from ghala.warehouse.statements import read_statement

LINES = {"staging.lines": ("order_id", "units", "price", "agent", "batch")}
SQL = """
WITH valued AS (
    SELECT *, units * price AS revenue FROM staging.lines WHERE batch > 0
),
summed AS (
    SELECT order_id, sum(revenue) AS spent, count(*) AS lines FROM valued GROUP BY order_id
)
SELECT order_id, spent, lines, spent / lines AS per_line,
    max(agent) OVER (PARTITION BY order_id) AS who
FROM summed INNER JOIN valued USING (order_id)
UNION ALL
SELECT order_id, price, 1, price, agent FROM staging.lines
"""
STARS = SQL.replace("order_id, spent, lines, spent /", "summed.*, spent /")


def made(column: str, sql: str = SQL) -> set[str]:
    statement = read_statement(sql, lambda name: LINES.get(name, ()))
    assert statement is not None
    return set(statement.makes(column)) & set(LINES["staging.lines"])


def test_its_columns_are_told_through_stars_and_unions() -> None:
    statement = read_statement(STARS, lambda name: LINES.get(name, ()))

    assert statement is not None
    assert statement.columns == ("order_id", "spent", "lines", "per_line", "who")


def test_a_column_is_made_of_all_that_its_expressions_name() -> None:
    assert made("spent") == {"units", "price"}
    assert made("per_line") == {"units", "price"}
    assert made("who") == {"agent", "order_id"}
    assert made("lines") == set()


def test_beside_the_star_of_a_union_a_column_may_stand_for_any() -> None:
    statement = read_statement(STARS, lambda name: LINES.get(name, ()))

    assert statement is not None
    assert {"price", "agent"} <= statement.decisive


def test_keys_and_conditions_decide_all_of_it_and_other_columns_do_not() -> None:
    statement = read_statement(SQL, lambda name: LINES.get(name, ()))

    assert statement is not None
    assert set(statement.decisive) == {"batch", "order_id"}


def test_a_statement_of_another_grammar_is_none() -> None:
    assert read_statement("SELECT FROM WHERE (", lambda _: ()) is None
