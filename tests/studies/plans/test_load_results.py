"""The results of many studies as one frame: what the notebooks recorded, and nothing else."""

import json
import shutil
import warnings
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import servlab as sl
from servlab.core.columns import TIDY
from servlab.core.errors import ParameterError, PlanError, ResultsWarning
from servlab.studies import records
from servlab.studies.plans.run import run_plan
from servlab.studies.results import TEXT_COLUMNS, long_schema
from tests.studies.plans.branches import PLAN, WAVES, planted, write_branches
from tests.studies.plans.inline import InlineExecutor, run_inline

SMALL = PLAN.replace(
    'branch = "data"\nwave = "data"', 'branch = ["North", "East"]\nwave = ["2025-01", "2025-06"]'
)
RECORDS = """\
# Gaps
gaps = sl.gap_scores(survey)
sl.record("gaps", gaps)
sl.record("overall_gap", gaps.glance()["estimate"].iloc[0])
sl.record("verdict", "worse 更差")
sl.record("certain", True)
sl.record("unknown", None)
"""
FIRST = ["study", "language", "state", "finished", "servlab", "key", "branch", "wave"]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A plan of two branches, two waves and two languages after its first run."""
    from tests.studies.plans.branches import CELLS
    from tests.studies.toys import write_notebook

    folder = tmp_path_factory.mktemp("results") / "计划 one"
    write_branches(folder, SMALL)
    write_notebook(folder / "short.ipynb", *CELLS[:-1], RECORDS)
    with pytest.MonkeyPatch.context() as patch:
        run_inline(patch)
        assert run_plan(folder / "plan.toml", executor=lambda *_: InlineExecutor()).exit_code == 0
    return folder


@pytest.fixture
def plan(done, tmp_path):
    shutil.copytree(done, tmp_path / "x")
    return tmp_path / "x" / "plan.toml"


def published(plan, study):
    """Return the folder of the run behind a study's report."""
    runs = plan.parent / "reports" / "runs" / study
    return runs / records.read_published(runs).folder


def said(source, **options):
    """Return the frame and the keys of the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame = sl.load_results(source, **options)
    assert all(isinstance(w.message, ResultsWarning) for w in caught)
    return frame, [w.message.key for w in caught]


def test_each_branch_and_wave_has_its_own_planted_gap(done):
    frame = sl.load_results(done / "plan.toml", results=["overall_gap"], language="en")
    table = frame.pivot_table(index="branch", columns="wave", values="estimate")
    assert table.shape == (2, 2)
    for branch in ("North", "East"):
        for wave in (WAVES[0], WAVES[-1]):
            assert table.loc[branch, wave] == pytest.approx(planted(branch, wave), abs=1e-12)


def test_the_frame_is_what_the_notebooks_recorded(done):
    frame = sl.load_results(done / "plan.toml")
    told = 0
    for (study, language), rows in frame.groupby(["study", "language"]):
        kept = published(done / "plan.toml", f"{study}.{language}") / "results.json"
        recorded = json.loads(kept.read_text("utf-8"))["results"]
        assert set(rows["result"]) == set(recorded)
        for result, parts in recorded.items():
            mine = rows[rows["result"] == result]
            if "value" in parts:
                told += 1
                assert list(mine["part"]) == ["scalar"]
                value = parts["value"]
                cell = mine.iloc[0]["text" if isinstance(value, str) else "estimate"]
                assert pd.isna(cell) if value is None else cell == value
                continue
            assert len(mine) == sum(len(table) for table in parts.values())
            for part, table in parts.items():
                lines = mine[mine["part"] == part].iterrows()
                for row, (_, line) in zip(table, lines, strict=True):
                    for column, value in row.items():
                        told += 1
                        name = f"{column}_of_term" if column in FIRST else column
                        cell = line[name]
                        assert pd.isna(cell) if value is None else cell == value, (result, column)
                    empty = set(TIDY) - set(row) - set(FIRST) - {"text"}
                    assert line[sorted(empty)].isna().all()
    assert told > 400


def test_the_columns_are_always_the_same(done, tmp_path):
    frame = sl.load_results(done / "plan.toml")
    assert list(frame)[: len(FIRST) + 4] == [*FIRST, "result", "part", "row", "text"]
    assert set(TIDY) - {"wave"} <= set(frame)
    assert "wave_of_term" in frame
    assert all(frame[c].dtype == float for c in TIDY if c not in TEXT_COLUMNS)
    assert str(frame["finished"].dtype) == "datetime64[us, UTC]"
    (tmp_path / "none").mkdir()
    empty, keys = said(tmp_path / "none")
    assert keys == ["results_none"]
    assert empty.empty
    shared = [c for c in frame if c not in ("branch", "wave", "wave_of_term")]
    assert [c for c in empty if c != "wave"] == shared
    assert (empty[shared].dtypes == frame[shared].dtypes).all()


def test_a_folder_gives_the_same_rows_with_the_axes(done):
    by_plan = sl.load_results(done / "plan.toml")
    by_folder = sl.load_results(done / "reports")
    assert set(by_plan["state"]) == {"current"}
    assert set(by_folder["state"]) == {"published"}
    keys = ["study", "language", "result", "part", "row"]
    one, other = (f.drop(columns="state").sort_values(keys) for f in (by_plan, by_folder))
    pd.testing.assert_frame_equal(one.reset_index(drop=True), other.reset_index(drop=True))


def test_a_study_that_failed_later_gives_its_last_good_numbers_and_says_so(plan, inline):
    before = sl.load_results(plan, results="overall_gap")
    notebook = plan.parent / "short.ipynb"
    text = notebook.read_text("utf-8").replace(
        "gaps = sl.gap_scores(survey)",
        "gaps = sl.gap_scores(survey) if where[0] != 'branch=East' else 1 / 0",
    )
    notebook.write_text(text, "utf-8")
    assert run_plan(plan, executor=lambda *_: InlineExecutor()).exit_code == 1
    frame, keys = said(plan, results="overall_gap")
    assert keys == ["results_not_newest"]
    assert list(frame["estimate"]) == list(before["estimate"])
    states = frame.groupby("branch")["state"].unique()
    assert (list(states["East"]), list(states["North"])) == (["failed"], ["current"])
    folder, keys = said(plan.parent / "reports", results="overall_gap")
    assert keys == ["results_not_newest"]
    assert set(folder[folder["branch"] == "East"]["state"]) == {"failed"}


def test_half_written_runs_are_passed_by_and_broken_results_are_said(plan):
    whole = sl.load_results(plan)
    half = plan.parent / "reports" / "runs" / "North-2025-01.en" / "20990101T000000Z-half"
    half.mkdir()
    (half / "results.parquet").write_bytes(b"PAR1 half")
    assert len(sl.load_results(plan)) == len(whole)
    kept = published(plan, "North-2025-01.en") / "results.parquet"
    kept.write_bytes(kept.read_bytes()[:100])
    shutil.rmtree(published(plan, "East-2025-01.zh"))
    (plan.parent / "reports" / "runs" / "East-2025-06.zh" / records.PUBLISHED).write_text("{")
    for source in (plan, plan.parent / "reports"):
        frame, keys = said(source)
        assert keys == ["results_unreadable"]
        assert len(frame) == len(whole) * 5 // 8


def test_a_study_without_a_report_has_no_results(plan):
    (plan.parent / "reports" / "North-2025-01.en.html").unlink()
    for source in (plan, plan.parent / "reports"):
        frame, _ = said(source, results="gaps")
        assert not ((frame["study"] == "North-2025-01") & (frame["language"] == "en")).any()
        assert frame["study"].nunique() == 4


def test_other_versions_are_read_and_said(plan):
    folder = published(plan, "North-2025-01.en")
    path = folder / "results.parquet"
    table = pq.read_table(path)
    older = table.drop_columns(["vif", "quadrant"]).append_column(
        "from_the_future", pa.array([1.0] * len(table))
    )
    pq.write_table(older, path)
    record = folder.parent / records.PUBLISHED
    told = json.loads(record.read_text("utf-8"))
    told["parts"]["versions"]["servlab"] = "9.9"
    record.write_text(json.dumps(told), "utf-8")
    frame, keys = said(plan.parent / "reports")
    assert keys == ["results_versions", "results_columns"]
    assert "from_the_future" not in frame
    assert set(frame["servlab"]) == {"9.9", sl.__version__}
    assert frame["vif"].dtype == float
    assert set(frame[frame["servlab"] == "9.9"]["study"]) == {"North-2025-01"}


def test_an_axis_called_like_a_column_of_the_frame_has_a_name_of_its_own(plan):
    text = plan.read_text("utf-8").replace("{wave}", "{result}").replace("wave = [", "result = [")
    plan.write_text(text, "utf-8")
    frame = sl.load_results(plan, results="gaps")
    assert set(frame["axis_result"]) == {"2025-01", "2025-06"}
    assert set(frame["result"]) == {"gaps"}


def test_wrong_calls_say_what_to_do(done, tmp_path):
    with pytest.raises(ParameterError, match="no study recorded gap; recorded were certain, gaps"):
        sl.load_results(done / "plan.toml", results=["gap"])
    with pytest.raises(ParameterError, match="is no folder of reports and no plan"):
        sl.load_results(tmp_path / "absent")
    with pytest.raises(ParameterError, match="language must be one of en, zh; got 'de'"):
        sl.load_results(done / "reports", language="de")
    with pytest.raises(ParameterError, match="give the plan's file instead of a folder"):
        sl.load_results(done / "reports", since="2025-01")
    with pytest.raises(PlanError):
        sl.load_results(Path(done / "answers.toml"))


def test_the_schema_covers_every_tidy_column():
    names = long_schema().names
    assert len(names) == len(set(names))
    assert set(TIDY) <= set(names)
