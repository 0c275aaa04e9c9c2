"""What the documentation says is what the code does: verbs, options, paths, codes and links."""

import ast
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from ghala.cli.verbs import application
from ghala.contracts import errors
from ghala.contracts.discovery import use_cases
from ghala.contracts.settings import Workspace
from ghala.warehouse.predictions import mart_of, table_of

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
        *DOCS.rglob("*.md"),
        *(ROOT / "src" / "ghala_retail").rglob("*.md"),
    ]
)
COMMAND: Any = typer.main.get_command(application)
VERBS: dict[str, Any] = dict(COMMAND.commands)
GLOBAL_OPTIONS = {option for p in COMMAND.params for option in p.opts} | {"--help", "-h"}
SHARED_OPTIONS = {"--workspace", "-w", "--as-of", "--as", "--json", "--help", "-h"}
CODES = {
    kind.__name__: kind.exit_code
    for kind in vars(errors).values()
    if inspect.isclass(kind) and issubclass(kind, errors.GhalaError)
}
WITHOUT_ERROR = {0, 130}

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
by_verb = pytest.mark.parametrize("verb", sorted(VERBS))


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code_of(page: Path) -> Iterator[str]:
    """Each line of fenced code, and each code span outside of it."""
    text = read(page)
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from block.splitlines()
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", prose))


def calls(page: Path) -> Iterator[list[str]]:
    """The words after `ghala` in each call of the command line."""
    for line in code_of(page):
        found = re.match(r"^(?:\S+/)?ghala((?: +[^\s|;&].*)?)$", line.strip())
        if found and found.group(1):
            yield shlex.split(found.group(1), comments=True)


def parts_of(verb: str) -> dict[str, Any]:
    """The verbs inside a verb, such as `list` of `ghala snapshot list`."""
    return dict(getattr(VERBS[verb], "commands", {}))


def options_of(verb: str) -> set[str]:
    params = [p for command in (VERBS[verb], *parts_of(verb).values()) for p in command.params]
    given = {o for p in params for o in (*p.opts, *p.secondary_opts)}
    return {option for option in given if option.startswith("-")} | {"--help", "-h"}


def heading_anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", read(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def section_of(verb: str) -> str:
    parts = re.split(r"^## ", read(DOCS / "COMMANDS.md"), flags=re.MULTILINE)
    found = [part for part in parts if part.startswith(f"ghala {verb}\n")]
    assert len(found) == 1, f"docs/COMMANDS.md has {len(found)} sections on ghala {verb}"
    return found[0]


@by_page
def test_every_call_in_the_docs_is_one_that_the_command_line_takes(page: Path) -> None:
    for call in calls(page):
        words = [word for word in call if word not in GLOBAL_OPTIONS]
        if not words or words[0] == "VERB":
            continue
        verb, *rest = words
        assert verb in VERBS, f"{page.name}: there is no `ghala {verb}`"
        parts = parts_of(verb)
        if parts and rest and not rest[0].startswith("-"):
            assert rest[0] in parts, f"{page.name}: there is no `ghala {verb} {rest[0]}`"
        for word in rest:
            if word.startswith("-"):
                option = word.partition("=")[0]
                assert option in options_of(verb), f"{page.name}: ghala {verb} has no {option}"


def test_the_readme_shows_calls_so_that_the_test_above_cannot_pass_on_nothing() -> None:
    assert len(list(calls(ROOT / "README.md"))) > len(VERBS)


@by_verb
def test_every_verb_has_a_section_with_an_example_its_options_and_its_exit_codes(
    verb: str,
) -> None:
    section = section_of(verb)
    assert re.search(rf"^```sh\nghala {verb}\b", section, re.MULTILINE), "no example"
    for part in parts_of(verb):
        assert re.search(rf"^ghala {verb} {part}\b", section, re.MULTILINE), f"no {part} example"
    for option in options_of(verb) - SHARED_OPTIONS:
        assert f"`{option}`" in section, f"{option} is not explained"
    [said] = re.findall(r"^Exit codes: (.+(?:\n.+)*)", section, re.MULTILINE)
    codes = {int(code) for code in re.findall(r"(?:^|; |: |, )(\d+)\b", said.replace("\n", " "))}
    assert 0 in codes
    assert codes <= set(CODES.values()) | WITHOUT_ERROR


def test_commands_has_no_section_on_a_verb_that_is_not_there() -> None:
    titles = re.findall(r"^## ghala (\S+)$", read(DOCS / "COMMANDS.md"), re.MULTILINE)
    assert sorted(titles) == sorted(VERBS)


def test_shared_options_are_explained_once() -> None:
    head = read(DOCS / "COMMANDS.md").partition("\n## ")[0]
    for option in SHARED_OPTIONS:
        assert f"`{option}`" in head


def test_the_address_of_the_console_is_the_default_of_serve() -> None:
    port = next(p.default for p in VERBS["serve"].params if p.name == "port")
    for page in PAGES:
        for said in re.findall(r"http://127\.0\.0\.1:(\d+)", read(page)):
            assert int(said) == port, f"{page.name} says port {said}"


@by_page
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in heading_anchors(linked), f"{page.name} links to {target}"


@by_page
def test_every_path_of_the_source_that_is_named_exists(page: Path) -> None:
    for named in re.findall(r"`(src/[\w./-]+)`", read(page)):
        if "NAME" not in named:
            assert (ROOT / named).exists(), f"{page.name} names {named}"


@by_page
def test_every_dotted_name_of_the_code_exists(page: Path) -> None:
    for named in re.findall(r"`(ghala(?:_retail)?(?:\.\w+)+)`", read(page)):
        if named not in ("ghala.toml", "ghala.packs"):
            assert is_in_code(named), f"{page.name} names {named}"


def is_in_code(dotted: str) -> bool:
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        place = (ROOT / "src").joinpath(*parts[:length])
        file = place.with_suffix(".py")
        if not (file.is_file() or place.is_dir()):
            continue
        rest = parts[length:]
        return not rest or (file.is_file() and rest[0] in top_level_names(file))
    return False


def top_level_names(file: Path) -> set[str]:
    body = ast.parse(read(file)).body
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return {node.name for node in body if isinstance(node, kinds)}


def tables_of_use_cases(root: Path) -> set[str]:
    """What the platform makes for every use case of the pack."""
    folders = (ROOT / "src" / "ghala_retail" / "use_cases").glob("*/*/use_case.py")
    names = [f"{file.parts[-3]}/{file.parts[-2]}" for file in folders]
    (root / "ghala.toml").write_text(
        f'sources = ["company"]\nuse_cases = {names}\n[company]\nname = "All"\n', encoding="utf-8"
    )
    return {
        table
        for found in use_cases(Workspace(root)).values()
        for table in (mart_of(found), *(table_of(found, w) for w in ("predictions", "outcomes")))
    }


def test_architecture_names_every_room_and_no_table_that_is_not_there(tmp_path: Path) -> None:
    text = read(DOCS / "ARCHITECTURE.md")
    for room in (ROOT / "src" / "ghala").iterdir():
        if room.is_dir() and (room / "__init__.py").is_file():
            assert f"`src/ghala/{room.name}`" in text
    retail = ROOT / "src" / "ghala_retail"
    models = {file.stem for file in retail.rglob("*.sql")} | tables_of_use_cases(tmp_path)
    engine = read(ROOT / "src/ghala/warehouse/engines/schema.py")
    contracts = "".join(read(file) for file in retail.rglob("contract.yml"))
    feeds = set(re.findall(r"^  (\w+):$", contracts, re.MULTILINE))
    layers = r"`(raw|platform|staging|core|features|marts_\w+)\.(\w+)`"
    named = re.findall(layers, text)
    assert named
    for layer, table in named:
        in_engine = f"EXISTS {layer}.{table} (" in engine
        is_raw = layer == "raw" and table.partition("__")[2] in feeds
        assert in_engine or is_raw or table in models, f"there is no {layer}.{table}"


def test_exit_codes_in_the_table_are_those_of_the_errors() -> None:
    rows = re.findall(
        r"^\| (\d+) \| [^|]+ \| (?:`(\w+)` )?\|$", read(DOCS / "ARCHITECTURE.md"), re.MULTILINE
    )
    assert {name: int(code) for code, name in rows if name} == CODES
    assert {int(code) for code, name in rows if not name} == WITHOUT_ERROR


@by_page
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    for line in code_of(page):
        found = re.match(r"^make ([a-z]+)\b", line.strip())
        if found:
            assert found.group(1) in targets, f"{page.name} names make {found.group(1)}"


def test_kinds_of_facts_in_the_docs_are_those_that_the_ledger_can_tell() -> None:
    from ghala.ledger import words

    section = section_of("history").partition("`--kind` shows")[2].partition("Exit codes")[0]
    assert set(re.findall(r"`(\w+)`", section)) == set(words._SENTENCES)


def test_decision_records_are_numbered_without_gaps_and_listed() -> None:
    numbers = [int(file.name[:4]) for file in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", read(DOCS / "decisions" / "README.md"))
    assert listed == [file.name for file in DECISIONS]


@pytest.mark.parametrize("record", DECISIONS, ids=lambda record: record.stem)
def test_a_decision_record_says_why_what_and_what_else(record: Path) -> None:
    text = read(record)
    assert text.startswith(f"# {record.name[:4]}: ")
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert titles == ["Context", "Decision", "Consequences", "Alternatives"]
    assert re.search(r"^Status: (accepted|replaced by \d{4})$", text, re.MULTILINE)
