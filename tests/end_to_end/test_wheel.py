"""A built wheel, in an empty environment, has everything inside."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run(*command: str | Path, where: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {
        "GIT_AUTHOR_NAME": "x", "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Amina",
        "GIT_CONFIG_KEY_1": "user.email", "GIT_CONFIG_VALUE_1": "amina@shop.example",
    }  # fmt: skip
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True, text=True, check=False, cwd=where, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def test_the_wheel_alone_makes_a_workspace_and_builds_its_warehouse(
    tmp_path: Path, small_year: Path
) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, source, where=tmp_path)
    [wheel] = tmp_path.glob("*.whl")
    uv = Path(sys.executable).with_name("uv")
    run(uv, "venv", "--python", sys.executable, tmp_path / "empty", where=tmp_path)
    python = tmp_path / "empty" / "bin" / "python"
    locked = ROOT / "requirements" / "run.txt"
    run(uv, "pip", "install", "--python", python, "--require-hashes", "-r", locked, where=tmp_path)
    run(uv, "pip", "install", "--python", python, "--no-deps", wheel, where=tmp_path)

    ghala = tmp_path / "empty" / "bin" / "ghala"
    assert "One verb" not in run(ghala, "--help", where=tmp_path).stdout
    shop = tmp_path / "shop"
    run(ghala, "init", shop, "--timezone", "America/New_York", where=tmp_path)
    deliver = (
        "from pathlib import Path; from ghala_retail.sources.completejourney import deliveries;"
        f"deliveries.deliver(Path({str(shop)!r}) / 'inbox/completejourney',"
        f" Path({str(small_year)!r}))"
    )
    run(python, "-c", deliver, where=tmp_path)
    run(ghala, "land", "--as-of", "2017-03-06", "--workspace", shop, where=tmp_path)
    built = run(ghala, "build", "--as-of", "2017-03-06", "--workspace", shop, where=tmp_path)
    assert "failures: none" in built.stdout
