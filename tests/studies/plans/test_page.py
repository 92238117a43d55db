"""The page on plans tells the truth: its plan is read, its options and exit codes exist."""

import re
import shutil
from pathlib import Path

from servlab.studies.plans.check import Checked, check_studies
from servlab.studies.plans.making import Makings
from servlab.studies.plans.read import read_plan

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "plans.md").read_text(encoding="utf-8")


def test_the_plan_of_the_page_can_be_run_as_it_stands(tmp_path):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    (tmp_path / "plans").mkdir()
    path = tmp_path / "plans" / "branches.toml"
    path.write_text(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0], encoding="utf-8")
    makings = Makings()
    plan = read_plan(path, makings=makings)
    assert check_studies(plan.studies, makings) == Checked()
    assert [study.id for study in plan.studies[:2]] == ["Airport.en", "Airport.zh"]
    assert len(plan.studies) == 10
    assert plan.out.resolve() == (tmp_path / "reports").resolve()


def test_the_options_of_the_page_are_those_of_the_command(servlab_command):
    code, shown, _ = servlab_command("plan", "run", "--help")
    assert code == 0
    told = set(re.findall(r"`(--[a-z-]+)", PAGE))
    offered = set(re.findall(r"--[a-z]+(?:-[a-z]+)?", shown))
    assert told <= offered
    assert offered - told <= {"--help", "--quiet"}
