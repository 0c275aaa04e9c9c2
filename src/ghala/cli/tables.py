"""Results for people: plain tables on standard output."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console as RichConsole
from rich.table import Table

_STATES = {"ok": "[green]ok[/]", "warn": "[yellow]warn[/]", "fail": "[bold red]fail[/]"}


class Console(RichConsole):
    """A console whose reader may leave early, as `| head` does, without that being a failure."""

    def on_broken_pipe(self) -> None:
        """Let the command line end quietly."""
        raise BrokenPipeError


def show_result(result: Any) -> None:
    """Print a result as `key: value` lines."""
    console = Console(highlight=False, soft_wrap=True)
    items = result.items() if isinstance(result, Mapping) else [("", result)]
    for key, value in items:
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            console.print(_table(str(key), value))
        else:
            console.print(f"{key}: {_words(value)}", markup=False)


def show_landed(result: Mapping[str, Any]) -> None:
    """Print what came in, a line per feed."""
    feeds: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for batch in result["batches"]:
        feeds.setdefault((batch["source"], batch["feed"]), []).append(batch)
    console = Console(highlight=False, soft_wrap=True)
    if not feeds:
        console.print("Nothing new had arrived.")
    for (source, feed), batches in feeds.items():
        rows, loaded = (sum(b[c] for b in batches) for c in ("rows_in", "rows_loaded"))
        reasons = Counter[str]()
        for batch in batches:
            reasons.update(batch["reasons"])
        refused = f", {rows - loaded:,} quarantined ({_words(reasons)})" if rows > loaded else ""
        files = f"{len(batches):,} file{'' if len(batches) == 1 else 's'}"
        console.print(f"{source}/{feed}: {files}, {loaded:,} rows loaded{refused}", markup=False)


def show_refused(result: Mapping[str, Any]) -> None:
    """Print refused rows as delivered, one under the other: long values are read whole."""
    console = Console(highlight=False, soft_wrap=True)
    if not result["rows"]:
        console.print("No row was refused.")
    for row in result["rows"]:
        place = (
            f"{row['source']}/{row['feed']} batch {row['batch']}, {row['file']} row {row['row']}"
        )
        into = row["released_into"]
        released = f" (released into batch {into})" if into else ""
        console.print(f"{place}: {_words(row['reasons'])}{released}", markup=False)
        for column, value in row["record"].items():
            console.print(f"  {column}: {'' if value is None else value}", markup=False)


def show_status(status: Mapping[str, Any]) -> None:
    """Print where everything stands."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{status['workspace']} · data as of {status['as_of'] or 'never'}"
        f" · build {status['build'] or 'none'}", markup=False,
    )  # fmt: skip
    for use_case in status["use_cases"]:
        console.print(f"\n{use_case['name']}  (owner {use_case['owner']})", markup=False)
        _show_use_case(console, use_case)
    wanted = ("source", "feed", "batches", "rows_landed", "rows_loaded", "rows_quarantined")
    console.print(_table("sources", [{k: row[k] for k in wanted} for row in status["sources"]]))


def _show_use_case(console: Console, use_case: Mapping[str, Any]) -> None:
    if use_case["skipped"]:
        console.print(f"  skipped: {use_case['skipped']}", markup=False)
        return
    for stage, holder in use_case["stages"].items():
        console.print(f"  {stage}: version {holder['version']} since {holder['since']}")
    for one in use_case["accuracy"]:
        console.print(f"  {_accuracy(one)}", markup=False)
    if use_case["last_scoring"] and not use_case["accuracy"]:
        console.print(f"  none of its {use_case['predicts']} has come true yet")
    for alert in use_case["alerts"]:
        console.print(f"  alert: {alert['message']}", markup=False)
    for wait in use_case["awaiting_approval"]:
        console.print(f"  version {wait['version']} awaits a {wait['role']}", markup=False)
    if use_case["waits"]:
        console.print(f"  waits: {use_case['waits']}", markup=False)
    due = use_case["next_retrain"]
    words = "due" if due["due"] else f"not due before {due['on']}" if due["on"] else "not due"
    console.print(f"  retraining: {words} {'; '.join(due['reasons'])}".rstrip(), markup=False)


def _accuracy(one: Mapping[str, Any]) -> str:
    from ghala.monitoring.outcomes import write_loss

    said = [
        write_loss(one["metric"], one["loss"]),
        f"{one['value_added']:+.1%} against {one['baseline']}",
        *(f"{name.replace('_', ' ')} {_figure(value)}" for name, value in one["figures"].items()),
    ]
    group = f"{one['grain']}: " if one["grain"] else ""
    return f"{group}{', '.join(said)} over {one['weeks']} weeks"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value.is_integer() and value > 1 else f"{value:.3f}"


def show_history(entries: Sequence[Mapping[str, Any]]) -> None:
    """Print the ledger."""
    console = Console(highlight=False, soft_wrap=True)
    for entry in entries:
        version = f" v{entry['version']}" if entry["version"] else ""
        console.print(
            f"{entry['as_of'] or '-':10}  {entry['kind']:11} {entry['use_case'] or ''}{version}"
            f"  by {entry['actor']}: {entry['words']}",
            markup=False,
        )


def show_standing(result: Mapping[str, Any]) -> None:
    """Print who held which stage."""
    console = Console(highlight=False, soft_wrap=True)
    if not result["held"]:
        console.print(f"{result['at']}: no version held a stage.")
    for row in result["held"]:
        signed = f", approved by {_words(row['approved_by'])}" if row["approved_by"] else ""
        console.print(
            f"{row['use_case']}  {row['stage']}: version {row['version']} since {row['since']}"
            f" ({row['reason']}), trained by {row['trained_by']} on {row['trained_as_of']}{signed}",
            markup=False,
        )


def show_certificate(result: Mapping[str, Any]) -> None:
    """Print the certificate of a version that was made again."""
    print(Path(result["certificate"]).read_text(encoding="utf-8"), end="")  # noqa: T201


def show_rehearsal(result: Mapping[str, Any]) -> None:
    """Print what came of each retrain rule."""
    rows = [
        {
            "rule": one["rule"],
            "trainings": one["trainings"],
            one["metric"]: one["loss"],
            "better than the baseline": f"{one['value_added']:+.1%}",
            f"cost in {result['currency']}": one["money"],
            "seconds of fitting": one["fit_seconds"],
        }
        for one in result["rules"]
    ]
    console = Console(highlight=False, soft_wrap=True)
    console.print(_table(f"{result['use_case']}, {result['weeks']} weeks", rows))


def show_health(result: Mapping[str, Any]) -> None:
    """Print what the doctor found."""
    console = Console(highlight=False, soft_wrap=True)
    for check in result["checks"]:
        console.print(f"{_STATES[check['state']]:>4}  {check['check']}: {check['words']}")


def show_demo(summary: Mapping[str, Any]) -> None:
    """Print the summary of a demonstration."""
    console = Console(highlight=False, soft_wrap=True)
    console.print("\nWhat happened", style="bold")
    for line in summary["story"]:
        console.print(f"  {line}", markup=False)
    console.print(
        _table("accuracy of the champion over the weeks that came true", summary["accuracy"])
    )
    console.print("Where to look", style="bold")
    for name, place in summary["places"].items():
        console.print(f"  {name}: {place}", markup=False)
    console.print(summary["notice"], markup=False)


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in rows[0] if rows else ():
        number = isinstance(rows[0][column], int | float)
        table.add_column(
            column.replace("_", " "), justify="right" if number else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(_words(value) for value in row.values()))
    return table


def _words(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(one)}" for key, one in value.items()) or "none"
    if isinstance(value, list | tuple):
        return "; ".join(_words(one) for one in value) or "none"
    return str(value)
