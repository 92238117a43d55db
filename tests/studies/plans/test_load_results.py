"""The results of many studies as one frame: what the notebooks recorded, and nothing else."""

import json
import re
import shutil
import struct
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
FIRST = ["plan", "study", "language", "state", "finished", "servlab", "key", "branch", "wave"]


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
    frame = sl.load_results(done / "plan.toml", language="all")
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
    whole = sl.load_results(plan, language="all")
    half = plan.parent / "reports" / "runs" / "North-2025-01.en" / "20990101T000000Z-half"
    half.mkdir()
    (half / "results.parquet").write_bytes(b"PAR1 half")
    assert len(sl.load_results(plan, language="all")) == len(whole)
    kept = published(plan, "North-2025-01.en") / "results.parquet"
    kept.write_bytes(kept.read_bytes()[:100])
    shutil.rmtree(published(plan, "East-2025-01.zh"))
    (plan.parent / "reports" / "runs" / "East-2025-06.zh" / records.PUBLISHED).write_text("{")
    for source in (plan, plan.parent / "reports"):
        frame, keys = said(source, language="all")
        assert keys == ["results_unreadable"]
        assert len(frame) == len(whole) * 5 // 8
        frame, keys = said(source)
        assert keys == ["results_unreadable"]
        assert len(frame) == len(whole) // 2
        assert set(frame.loc[frame["study"] == "North-2025-01", "language"]) == {"zh"}


def test_a_study_without_a_report_has_no_results(plan):
    (plan.parent / "reports" / "North-2025-01.en.html").unlink()
    for source in (plan, plan.parent / "reports"):
        frame, _ = said(source, results="gaps", language="all")
        assert not ((frame["study"] == "North-2025-01") & (frame["language"] == "en")).any()
        assert frame["study"].nunique() == 4
    assert said(plan)[1] == []
    assert said(plan, language="en")[1] == ["results_missing"]
    (plan.parent / "reports" / "North-2025-01.zh.html").unlink()
    frame, keys = said(plan)
    assert keys == ["results_missing"]
    assert frame["study"].nunique() == 3


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
    with pytest.raises(ParameterError, match="language must be one of any, all, en, zh; got 'de'"):
        sl.load_results(done / "reports", language="de")
    with pytest.raises(ParameterError, match="give the plan's file instead of a folder"):
        sl.load_results(done / "reports", since="2025-01")
    with pytest.raises(PlanError):
        sl.load_results(Path(done / "answers.toml"))
    for wrong in (None, [], 3, ["a", None]):
        with pytest.raises(ParameterError, match="source must be a plan's file, a folder of"):
            sl.load_results(wrong)
    for wrong in ([], [3], "", 7, {}):
        with pytest.raises(ParameterError, match=r"results must be a list of names, as \["):
            sl.load_results(done / "reports", results=wrong)
    with pytest.raises(ParameterError, match=r"only South matches no study; there are .*North"):
        sl.load_results(done / "reports", only=["South"])
    with pytest.raises(ParameterError, match="--since needs studies with a 'period'"):
        sl.load_results(done / "plan.toml", since="2025-01")


def test_each_number_is_there_once_unless_every_language_is_asked_for(plan):
    once, twice = sl.load_results(plan), sl.load_results(plan, language="all")
    assert len(twice) == 2 * len(once)
    assert set(once["language"]) == {"en"}
    assert not once.duplicated(["study", "result", "part", "row"]).any()
    # a language whose last run failed gives way to one that is current
    record = plan.parent / "reports" / "runs" / "North-2025-01.en" / records.LAST
    told = json.loads(record.read_text("utf-8"))
    record.write_text(json.dumps(told | {"status": "failed", "folder": "later"}), "utf-8")
    frame, keys = said(plan)
    assert keys == []
    assert set(frame.loc[frame["study"] == "North-2025-01", "language"]) == {"zh"}
    numbers = ["study", "result", "part", "row", "estimate", "n"]
    pd.testing.assert_frame_equal(frame[numbers], once[numbers])
    assert said(plan, language="en")[1] == ["results_not_newest"]


def test_numbers_of_before_a_change_are_said(plan):
    data = plan.parent / "answers.csv"
    data.write_text(data.read_text() + "7,7,1,1,North,2025-01\n")
    frame, keys = said(plan)
    assert keys == ["results_stale"]
    assert set(frame["state"]) == {"stale"}


def test_only_takes_the_studies_that_match(done):
    frame = sl.load_results(done / "plan.toml", only="North*")
    assert set(frame["branch"]) == {"North"}
    frame = sl.load_results(done / "reports", only=["*.zh"])
    assert set(frame["language"]) == {"zh"}
    assert frame["study"].nunique() == 4


def test_several_sources_are_one_frame_and_none_counts_twice(plan, tmp_path):
    once = sl.load_results(plan)
    again = sl.load_results([plan, plan.parent / "reports"])
    pd.testing.assert_frame_equal(again, once)
    shutil.copytree(plan.parent, tmp_path / "y")
    with pytest.raises(ParameterError, match="which one frame cannot tell apart"):
        sl.load_results([plan, tmp_path / "y" / "plan.toml"])
    other = tmp_path / "y" / "plan.toml"
    other.write_text(other.read_text("utf-8").replace('name = "branches"', 'name = "other"'))
    both = sl.load_results([plan, other])
    assert len(both) == 2 * len(once)
    assert list(both["plan"].unique()) == ["branches", "other"]


def test_whole_numbers_and_days_of_an_axis_keep_their_kind(plan):
    from servlab.studies.long_frame import axis_kinds

    kept = plan.parent / "reports" / "runs" / ".plan-branches.reports.json"
    told = json.loads(kept.read_text("utf-8"))
    for entry in told["entries"]:
        wave = entry["axes"]["wave"]
        entry["axes"] = {"year": wave[:4], "wave": f"{wave}-15", "branch": entry["axes"]["branch"]}
    del told["entries"][0]["axes"]["year"]
    kept.write_text(json.dumps(told), "utf-8")
    frame = sl.load_results(plan.parent / "reports", language="all")
    kinds = {axis: str(frame[axis].dtype) for axis in ("year", "wave", "branch")}
    assert kinds == {"year": "Int64", "wave": "datetime64[us]", "branch": "str"}
    assert set(frame["year"].dropna()) == {2025}
    assert frame["year"].isna().any()
    some = sl.load_results(plan.parent / "reports", results="verdict", only=["North*06"])
    assert (some.dtypes == frame.dtypes).all()
    assert axis_kinds([{"a": "7"}, {"a": "07"}]) == {"a": "text"}
    assert axis_kinds([{"a": "2026-03"}]) == {"a": "text"}
    assert axis_kinds([{"a": "2026-02-31"}]) == {"a": "text"}


def test_the_types_do_not_depend_on_what_was_recorded(done):
    whole = sl.load_results(done / "plan.toml")
    for results in (["gaps"], ["verdict"], ["unknown"], ["certain", "overall_gap"]):
        some = sl.load_results(done / "plan.toml", results=results)
        assert set(some["result"]) == set(results)
        assert (some.dtypes == whole.dtypes).all()


@pytest.mark.parametrize("harm", ["bit", "foreign", "empty", "mistyped"])
def test_a_damaged_file_is_never_read_as_other_numbers(plan, harm):
    path = published(plan, "North-2025-01.en") / "results.parquet"
    content = bytearray(path.read_bytes())
    if harm == "bit":
        number = struct.pack("<d", planted("North", "2025-01"))
        content[content.index(number) + 6] ^= 8  # still a number: only the page's checksum tells
        path.write_bytes(content)
    elif harm == "empty":
        path.write_bytes(b"")
    else:
        table = pq.read_table(path)
        bad = pa.array(["x"] * len(table))
        place = table.column_names.index("estimate")
        table = table.set_column(place, "estimate", bad) if harm == "mistyped" else table
        pq.write_table(table.drop_columns("result") if harm == "foreign" else table, path)
    frame, keys = said(plan, language="en")
    assert keys == ["results_unreadable"]
    assert frame["study"].nunique() == 3


def test_the_raw_file_is_the_same_to_pandas_and_to_arrow(done):
    path = published(done / "plan.toml", "North-2025-01.en") / "results.parquet"
    table = pq.ParquetFile(path).read()
    assert table.schema.equals(long_schema())
    pd.testing.assert_frame_equal(pd.read_parquet(path), table.to_pandas())


def test_the_schema_covers_every_tidy_column():
    names = long_schema().names
    assert len(names) == len(set(names))
    assert set(TIDY) <= set(names)


def test_the_page_on_results_shows_what_its_example_prints(done, tmp_path, monkeypatch, capsys):
    page = (Path(__file__).parents[3] / "docs" / "results.md").read_text("utf-8")
    code, shown = re.search(
        r"test_load_results.py -->\n```python\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL
    ).groups()
    shutil.copytree(done, tmp_path / "x")
    (tmp_path / "x" / "plan.toml").rename(tmp_path / "x" / "branches.toml")
    monkeypatch.chdir(tmp_path / "x")
    exec(compile(code, "docs/results.md", "exec"), {})
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert printed == shown.splitlines()
