"""The study of branches runs on the example and on real faculties, in both languages."""

from pathlib import Path

import pytest

import servlab as sl

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "branch_comparison.ipynb"
pytestmark = [pytest.mark.study, pytest.mark.usefixtures("forked_kernels")]
UNIVER = Path(__file__).resolve().parent / "codebooks" / "univer.toml"


def test_the_example_runs(tmp_path):
    run = sl.run_study(NOTEBOOK, {"language": "en"}, out=tmp_path)
    assert run.status == "complete"
    text = run.report.read_text(encoding="utf-8")
    for heading in ("May branch means be used?", "League table", "Which dimensions make the"):
        assert heading in text
    league = run.results["league_table"]
    assert {"rank_low", "rank_high"} <= set(league.tidy().columns)


def test_faculties_run_in_chinese(tmp_path, shared_data):
    parameters = {
        "data": str(shared_data / "univer" / "univer.csv"),
        "codebook": str(UNIVER),
        "language": "zh",
        "score": "global",
    }
    run = sl.run_study(NOTEBOOK, parameters, out=tmp_path)
    assert run.status == "complete"
    text = run.report.read_text(encoding="utf-8")
    assert "排名表" in text
    assert "差异出在哪些维度" not in text  # thirteen faculties are too many for it


@pytest.mark.parametrize("parameter", [{"group": "region"}, {"score": "quality"}])
def test_a_wrong_parameter_fails_the_study(tmp_path, parameter):
    run = sl.run_study(NOTEBOOK, parameter, out=tmp_path)
    assert run.status == "failed"
