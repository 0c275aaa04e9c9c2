"""Every step that a workspace's workflows run, in order, in a fresh clone of a workspace."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from ghala.contracts.records import Stage
from ghala.ledger.book import Ledger
from tests.conftest import COMMAND, run_ghala
from tests.end_to_end.conftest import RETURNS, make_company

FIRST, LATER = "2024-04-15", "2024-05-20"
EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")
PERSON = {"GIT_AUTHOR_NAME": "amina", "GIT_AUTHOR_EMAIL": "amina@example.com",
          "GIT_COMMITTER_NAME": "amina", "GIT_COMMITTER_EMAIL": "amina@example.com"}  # fmt: skip


@dataclass
class Runner:
    """A machine that runs jobs as GitHub does: files for what steps say, and no token."""

    home: Path
    code: Path
    said: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.home.mkdir()
        shim = self.home / "bin"
        shim.mkdir()
        quoted = " ".join(f"'{word}'" for word in COMMAND)
        (shim / "ghala").write_text(f'#!/bin/sh\nexec {quoted} "$@"\n', encoding="utf-8")
        (shim / "ghala").chmod(0o755)
        for name in ("summary", "output", "path"):
            (self.home / name).touch()

    def run(self, workflow: str, job: str, given: Mapping[str, str]) -> list[str]:
        """Run the steps of a job that are not another's action; return their names."""
        file = self.code / ".github" / "workflows" / f"{workflow}.yml"
        found = yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"][job]
        done = []
        for step in found["steps"]:
            if "run" in step:
                self._step(step, {**found.get("env", {}), **step.get("env", {})}, given=given)
                done.append(step["name"])
        return done

    def _step(
        self, step: dict[str, Any], asked: Mapping[str, Any], *, given: Mapping[str, str]
    ) -> None:
        known = {"github.token": "", "github.actor": "runner", **given}
        env = {name: EXPRESSION.sub(lambda e: known[e[1]], str(v)) for name, v in asked.items()}
        temp = self.home / "temp"
        temp.mkdir(exist_ok=True)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.code,
            env={
                **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
                "HOME": str(self.home),
                "PATH": f"{self.home / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin",
                "RUNNER_TEMP": str(temp),
                "GITHUB_STEP_SUMMARY": str(self.home / "summary"),
                "GITHUB_OUTPUT": str(self.home / "output"),
                "GITHUB_PATH": str(self.home / "path"),
                **env,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{step['name']}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        self.said[step["name"]] = done.stdout


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        env={**os.environ, **PERSON},
    )


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, deliveries: Path) -> Path:
    """A workspace with a new use case in it, committed."""
    root = make_company(tmp_path_factory.mktemp("original") / "duka", deliveries, feeds=())
    made = run_ghala("new", "use-case", RETURNS, "--workspace", str(root))
    assert made.returncode == 0, made.stderr
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "Returns")
    return root


def clone(original: Path, folder: Path) -> Path:
    git(folder, "clone", "--quiet", str(original), "duka")
    return folder / "duka"


def test_a_change_is_checked_in_with_a_tiny_training_and_its_verdicts_are_posted(
    original: Path, tmp_path: Path
) -> None:
    runner = Runner(tmp_path / "github", clone(original, tmp_path))

    assert runner.run("check-in", "check-in", {}) == [
        "Lint",
        "Check settings, contracts and policies",
        "Test",
        "Run every notebook",
        "Train on a tiny simulated company",
        "Say what the gates said",
    ]

    words = (runner.home / "output").read_text(encoding="utf-8").partition("\n")[2]
    assert f"{RETURNS} v1" in words
    assert "passed the gates of staging" in words
    given = {
        "github.repository": "duka/ghala",
        "github.event.pull_request.number": "7",
        "needs.check-in.outputs.verdicts": words,
    }
    runner.run("check-in", "post", given)
    assert (runner.home / "temp" / "comment.md").read_text(encoding="utf-8").startswith("### What")


def test_a_version_is_moved_up_by_hand_between_daily_runs_and_is_looked_at(
    original: Path, deliveries: Path, tmp_path: Path
) -> None:
    code = clone(original, tmp_path)
    shutil.copytree(original / ".ghala", code / ".ghala")  # as the head of pipeline.yml says
    shutil.copytree(deliveries, code / "inbox" / "company")
    runner = Runner(tmp_path / "machine", code)
    for words in (("land", "--allow-late"), ("build",), ("train", RETURNS)):
        done = run_ghala(*words, "--as-of", FIRST, where=code, GHALA_ACTOR="pipeline", **PERSON)
        assert done.returncode == 0, done.stderr

    asked = {"inputs.use_case": RETURNS, "inputs.version": "1", "inputs.comment": "good"}
    runner.run("promote", "uat", {**asked, "inputs.as_of": FIRST})
    for day in (FIRST, LATER):
        runner.run("pipeline", "run", {"inputs.as_of": day})
    signed = {**asked, "inputs.as_of": LATER, "github.actor": "approver"}
    runner.run("promote", "production", signed)
    runner.run("monitor", "look", {"inputs.as_of": LATER})

    ledger = Ledger(code / ".ghala" / "ledger.db", actor="reader")
    assert ledger.holder(RETURNS, Stage.PRODUCTION) == 1
    [approval] = ledger.entries("approval", RETURNS)
    assert (approval.actor, approval.body["comment"]) == ("approver", "good")
    assert "production: version 1" in (runner.home / "summary").read_text(encoding="utf-8")
