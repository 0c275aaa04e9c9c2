import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ghala.contracts.settings import Company
from ghala.warehouse.workspace import create_workspace

REPOSITORY = Path(__file__).parents[2]
VERBS = frozenset(
    [
        "init",
        "land",
        "build",
        "train",
        "gate",
        "promote",
        "approve",
        "reject",
        "rollback",
        "score",
        "monitor",
        "retrain",
        "run",
        "replay",
        "status",
        "history",
        "doctor",
        "serve",
        "publish",
        "simulate",
        "snapshot",
    ]
)
PINNED = re.compile(r"^\s*(?:- )?uses: [\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)+$")
CALL = re.compile(r"(?:^|[\s;&|(])ghala\s+([a-z][\w-]*)")
NAMES = (
    "ghala/ci.yml",
    "workspace/check-in.yml",
    "workspace/monitor.yml",
    "workspace/pipeline.yml",
    "workspace/promote.yml",
)
WRITES = {
    "run": {"contents": "write"},
    "uat": {"contents": "write"},
    "production": {"contents": "write"},
    "post": {"pull-requests": "write"},
}
"""What a job may do beside reading: to push the pointer to the data or the ledger's head, and to
comment."""


@pytest.fixture(scope="module")
def workflows(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    workspace = create_workspace(
        tmp_path_factory.mktemp("workflows") / "shop",
        company=Company(name="Duka", demo=True),
        sources=["completejourney"],
        use_cases=["operations/demand"],
    )
    homes = {"ghala": REPOSITORY, "workspace": workspace.root}
    return {
        f"{owner}/{file.name}": file
        for owner, home in homes.items()
        for file in sorted((home / ".github" / "workflows").iterdir())
    }


@pytest.fixture(params=NAMES)
def workflow(request: pytest.FixtureRequest, workflows: dict[str, Path]) -> Path:
    return workflows[request.param]


def read(workflow: Path) -> dict[Any, Any]:
    content = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in read(workflow)["jobs"].values():
        yield from job["steps"]


def verbs_called(workflow: Path) -> list[str]:
    return [verb for step in steps(workflow) for verb in CALL.findall(step.get("run", ""))]


def test_every_workflow_file_is_among_those_checked_here(workflows: dict[str, Path]) -> None:
    assert sorted(workflows) == sorted(NAMES)


@pytest.mark.parametrize(
    "schema", ["vendor.github-workflows", "custom.github-workflows-require-timeout"]
)
def test_a_workflow_passes_the_schema_and_every_job_has_a_time_limit(
    workflow: Path, schema: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(workflow)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_is_pinned_by_its_full_commit_with_the_version_beside_it(
    workflow: Path,
) -> None:
    lines = workflow.read_text(encoding="utf-8").splitlines()
    shared = "uses: ./.github/actions/install"
    uses = [line for line in lines if "uses:" in line and line.strip() != shared]

    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert len(uses) == sum(not name.startswith("./") for name in used)
    assert uses
    assert [line for line in uses if not PINNED.match(line)] == []


def test_a_workflow_may_do_nothing_and_each_job_only_what_it_names(workflow: Path) -> None:
    content = read(workflow)

    assert content["permissions"] == {}
    for name, job in content["jobs"].items():
        assert job["permissions"] == WRITES.get(name, {"contents": "read"})


def test_no_known_weakness_is_found(workflow: Path) -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).with_name("zizmor")),
            *("--offline", "--no-progress", "--persona", "pedantic", "--min-severity", "medium"),
            str(workflow),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_step_keeps_the_token_that_fetched_the_code(workflow: Path) -> None:
    fetches = [step for step in steps(workflow) if "actions/checkout" in step.get("uses", "")]

    assert fetches
    assert all(step["with"]["persist-credentials"] is False for step in fetches)


def test_no_expression_is_pasted_into_a_shell(workflow: Path) -> None:
    assert [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")] == []


def test_every_step_is_valid_shell(workflow: Path) -> None:
    for step in steps(workflow):
        done = subprocess.run(
            ["bash", "-n", "-c", step.get("run", "")], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), step["name"]


def test_only_one_run_of_a_workflow_goes_on_at_a_time(workflow: Path) -> None:
    assert read(workflow)["concurrency"]["group"]


def test_every_ghala_command_in_a_workflow_exists(workflow: Path) -> None:
    assert set(verbs_called(workflow)) <= VERBS


def test_the_workspaces_workflows_call_ghala(workflows: dict[str, Path]) -> None:
    called = {
        name.partition("/")[2]: verbs_called(workflows[name])
        for name in NAMES
        if name.startswith("workspace/")
    }
    assert called == {
        "check-in.yml": ["doctor", "simulate", "init", "run", "status", "history"],
        "monitor.yml": ["status", "monitor", "doctor", "status", "status"],
        "pipeline.yml": ["snapshot", "run", "snapshot"],
        "promote.yml": ["gate", "promote", "gate", "approve", "status"],
    }


def test_a_promotion_needs_the_environment_of_its_stage(workflows: dict[str, Path]) -> None:
    jobs = read(workflows["workspace/promote.yml"])["jobs"]

    assert {name: job["environment"] for name, job in jobs.items()} == {
        "uat": "uat",
        "production": "production",
    }
    assert list(read(workflows["workspace/promote.yml"])[True]) == ["workflow_dispatch"]


def test_what_writes_to_a_pull_request_runs_nothing_of_it(workflows: dict[str, Path]) -> None:
    post = read(workflows["workspace/check-in.yml"])["jobs"]["post"]

    assert [step["name"] for step in post["steps"]] == ["Post the verdicts"]
    assert "ghala" not in post["steps"][0]["run"]


def test_the_machine_of_the_pipeline_does_one_thing_at_a_time(workflows: dict[str, Path]) -> None:
    groups = {
        read(workflows[f"workspace/{name}.yml"])["concurrency"]["group"]
        for name in ("monitor", "pipeline", "promote")
    }
    assert groups == {"pipeline"}


def test_what_the_workflows_share_is_pinned_and_installs_what_is_required(
    workflows: dict[str, Path],
) -> None:
    root = workflows["workspace/check-in.yml"].parents[1]
    action = root / "actions" / "install" / "action.yml"
    lines = [line for line in action.read_text(encoding="utf-8").splitlines() if "uses:" in line]
    runs = [step.get("run", "") for step in read(action)["runs"]["steps"]]

    assert lines
    assert [line for line in lines if not PINNED.match(line)] == []
    assert not any("${{" in run for run in runs)
    assert "pip install --quiet -r" in runs[-1]


def test_a_pull_request_never_runs_on_the_pipelines_machine(workflows: dict[str, Path]) -> None:
    # YAML 1.1 reads the key `on` as true.
    assert list(read(workflows["workspace/check-in.yml"])[True]) == ["pull_request"]
    for job in read(workflows["workspace/check-in.yml"])["jobs"].values():
        assert "self-hosted" not in job["runs-on"]


def test_the_pipeline_is_scheduled_takes_a_date_and_is_never_cut_short(
    workflows: dict[str, Path],
) -> None:
    pipeline = read(workflows["workspace/pipeline.yml"])

    assert set(pipeline[True]) == {"schedule", "workflow_dispatch"}
    assert "as_of" in pipeline[True]["workflow_dispatch"]["inputs"]
    assert pipeline["concurrency"]["cancel-in-progress"] is False


def test_the_pipeline_keeps_its_warehouse_between_runs(workflows: dict[str, Path]) -> None:
    fetch = next(steps(workflows["workspace/pipeline.yml"]))

    assert fetch["with"]["clean"] is False


def test_the_pipelines_date_reaches_the_command(workflows: dict[str, Path], tmp_path: Path) -> None:
    command = run_command(workflows)

    assert run_with_a_stand_in(command, as_of="", folder=tmp_path) == ["run"]
    assert run_with_a_stand_in(command, as_of="2017-06-12", folder=tmp_path) == [
        "run",
        "--as-of",
        "2017-06-12",
    ]


def test_a_hostile_date_runs_nothing(workflows: dict[str, Path], tmp_path: Path) -> None:
    hostile = f"$(touch {tmp_path}/taken); touch {tmp_path}/taken"

    done = run_with_a_stand_in(run_command(workflows), as_of=hostile, folder=tmp_path)

    assert done == ["run", "--as-of", hostile]
    assert not (tmp_path / "taken").exists()


def run_command(workflows: dict[str, Path]) -> str:
    commands = [step.get("run", "") for step in steps(workflows["workspace/pipeline.yml"])]
    return str(next(command for command in commands if "ghala run" in command))


def run_with_a_stand_in(command: str, *, as_of: str, folder: Path) -> list[str]:
    """Run a step as the runner would, with a ``ghala`` that prints its arguments."""
    stand_in = folder / "ghala"
    stand_in.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    stand_in.chmod(0o755)
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        env={"PATH": f"{folder}:/usr/bin:/bin", "AS_OF": as_of},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()
