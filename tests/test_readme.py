"""The README's "your own data in five minutes", done as a reader would, on a file of one's own."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
BRANCHES = ["North", "South", "West"]


def commands(readme: str) -> list[list[str]]:
    """Return the servlab commands, in order: those of the numbered steps, then the plan's."""
    text = (ROOT / readme).read_text(encoding="utf-8")
    found = re.findall(r"^\s*\.venv/bin/servlab (.+)$", text, re.MULTILINE)
    return [shlex.split(line) for line in found]


def own_file(folder: Path) -> None:
    """Write a file nobody prepared: twelve perception items, an outcome, a branch."""
    rng = np.random.default_rng(12)
    n = 150
    person = rng.normal(size=(n, 1)) + rng.normal(0, 0.5, (n, 3)).repeat(4, axis=1)
    answers = np.clip(np.rint(3.4 + 0.8 * person + rng.normal(0, 0.8, (n, 12))), 1, 5)
    frame = pd.DataFrame(answers.astype(int), columns=[
        f"{name}{i}" for name in ("staff", "speed", "place") for i in range(1, 5)
    ])  # fmt: skip
    frame["overall"] = np.clip(np.rint(3.3 + 0.9 * person[:, 0] + rng.normal(0, 0.6, n)), 1, 5)
    frame["overall"] = frame["overall"].astype(int)
    frame["branch"] = np.resize(BRANCHES, n)
    frame.to_csv(folder / "mydata.csv", index=False)


@pytest.mark.study
@pytest.mark.parametrize(("readme", "language"), [("README.md", "en"), ("README.zh.md", "zh")])
def test_own_data_in_five_minutes(readme, language, tmp_path):
    own_file(tmp_path)
    *steps, plan = commands(readme)
    assert [step[0] for step in steps] == ["codebook", "check", "run"]
    for step in steps:
        said(step, tmp_path)
    report = (tmp_path / "reports" / f"mystudy.{language}.html").read_text(encoding="utf-8")
    assert "staff" in report
    assert "North" in report
    (text,) = re.findall(r"```toml\n(.+?)```", (ROOT / readme).read_text("utf-8"), re.DOTALL)
    (tmp_path / plan[-1]).write_text(text, encoding="utf-8")
    assert plan[:2] == ["plan", "run"]
    planned = said([*plan, "--dry-run"], tmp_path)
    assert all(f"{branch}.{spoken}" in planned for branch in BRANCHES for spoken in ("en", "zh"))


def said(words: list[str], folder: Path) -> str:
    """Run a command of servlab and return what it says; it must succeed."""
    run = subprocess.run(
        [sys.executable, "-m", "servlab", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def test_both_readmes_show_the_same_commands():
    english, chinese = commands("README.md"), commands("README.zh.md")
    assert [c[: len(e)] for c, e in zip(chinese, english, strict=True)] == english
    for name in ("README.md", "README.zh.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "make study" in text
        assert "make test" in text
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            assert (ROOT / target).exists(), f"{name} links to {target}, which is not there"
