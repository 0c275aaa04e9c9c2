"""The house keeps its sizes: functions, files and classes that a reader can hold in mind."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    file for file in (ROOT / "src").rglob("*.py") if "templates" not in file.relative_to(ROOT).parts
)
FUNCTION_LINES, FILE_LINES, ARGUMENTS, POSITIONAL, METHODS = 40, 400, 6, 2, 15
VAGUE = {"utils", "util", "common", "helpers", "helper", "base", "misc", "shared"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(file: Path) -> Iterator[Function]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node


def body_lines(function: Function) -> int:
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and len(body) > 1:
        body = body[1:]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def own_arguments(function: Function) -> tuple[list[str], list[str]]:
    positional = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
    positional = [name for name in positional if name not in ("self", "cls", "_cls")]
    return positional, [a.arg for a in function.args.kwonlyargs]


def is_command(function: Function) -> bool:
    """A verb of the command line takes one argument per option; that is its interface."""
    said = [ast.unparse(decorator) for decorator in function.decorator_list]
    return any(re.match(r"\w+\.(command|callback)\(", one) for one in said)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_functions_files_and_classes_stay_small(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") <= FILE_LINES, "the file is too long; split it by what it is about"
    for function in functions(file):
        assert body_lines(function) <= FUNCTION_LINES, f"{function.name} is too long"
        if is_command(function):
            continue
        positional, keyword = own_arguments(function)
        assert len(positional) + len(keyword) <= ARGUMENTS, f"{function.name}: too many arguments"
        allowed = POSITIONAL if not function.name.startswith("__") else ARGUMENTS
        late = positional[allowed:]
        assert not late or len(positional) <= 3, f"{function.name}: {late} should be keyword-only"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ClassDef):
            methods = [n for n in node.body if isinstance(n, Function)]
            assert len(methods) <= METHODS, f"{node.name} has too many methods"


def test_no_room_has_a_name_that_says_nothing() -> None:
    vague = [file for file in SOURCES if VAGUE & set(file.relative_to(ROOT).with_suffix("").parts)]
    assert vague == []


def test_an_init_file_only_says_what_the_room_is() -> None:
    for file in SOURCES:
        if file.name == "__init__.py":
            body = ast.parse(file.read_text(encoding="utf-8")).body
            kinds = {type(node) for node in body}
            assert kinds <= {ast.Expr, ast.ImportFrom, ast.Assign}, file


def test_only_the_clock_reads_the_wall_clock() -> None:
    for file in SOURCES:
        if file.name != "clock.py":
            text = file.read_text(encoding="utf-8")
            for reading in ("datetime.now", "date.today", "datetime.utcnow", "time.time()"):
                assert reading not in text, f"{file.name} reads the wall clock: {reading}"


def tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in done.stdout.split("\0") if name]


def test_no_tracked_file_is_large_or_names_a_registry_or_this_machine() -> None:
    hosts = ["py" + "pi.org", "python" + "hosted", "registry." + "npmjs", "deb." + "debian.org"]
    homes = ["/ro" + "ot/", "/ho" + "me/runner", "/wo" + "rk/"]
    for file in tracked():
        if not file.is_file():
            continue
        assert file.stat().st_size <= 1 << 20, f"{file} is over 1 MiB"
        text = file.read_text(encoding="utf-8", errors="ignore")
        for word in (*hosts, *homes):
            assert word not in text, f"{file} names {word}"
