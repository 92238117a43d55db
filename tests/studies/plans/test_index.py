"""The page over a plan's reports: what it says of each study, and that it tells no lies."""

import re
import shutil
from html import unescape
from urllib.parse import unquote

import pytest

from servlab.presentation.formats import format_number
from servlab.studies.plans import explain
from servlab.studies.plans.index import index_page
from servlab.studies.plans.reasons import KEYS, reason_in
from servlab.studies.plans.run import run_plan
from tests.browser_tools import check_page
from tests.studies.plans.branches import PLAN, planted, write_branches
from tests.studies.plans.inline import InlineExecutor, run_inline

NAME = "{branch} 网点 & #1% {wave}"
SMALL = PLAN.replace('name = "{branch}-{wave}"', f'name = "{NAME}"').replace(
    'branch = "data"\nwave = "data"', 'branch = ["North", "East"]\nwave = ["2025-01"]'
)
PAGES = ("index.en.html", "index.zh.html", "index.html")


def run(plan, **options):
    return run_plan(plan, executor=lambda *_: InlineExecutor(), **options)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A plan of two branches in two languages after its first run."""
    folder = tmp_path_factory.mktemp("index") / "a & <b> 计划"
    write_branches(folder, SMALL)
    with pytest.MonkeyPatch.context() as patch:
        run_inline(patch)
        assert run(folder / "plan.toml").exit_code == 0
    return folder


@pytest.fixture
def plan(done, tmp_path, inline):
    shutil.copytree(done, tmp_path / "x")
    return tmp_path / "x" / "plan.toml"


def words(path):
    text = re.sub(r"<style.*?</style>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def pages(plan):
    return [(plan.parent / "reports" / name).read_bytes() for name in PAGES]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_study_stands_there_with_figure_moment_and_a_link_that_opens(done, language):
    page = done / "reports" / f"index.{language}.html"
    text = words(page)
    lead = {"en": "Overall gap {} · n = 50", "zh": "总体差距 {} · n = 50"}[language]
    for branch in ("North", "East"):
        gap = format_number(planted(branch, "2025-01"), 2)
        assert text.replace(" n =", " · n =").count(lead.format(gap)) == 2
    assert len(re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", text)) == 4
    links = [unescape(link) for link in re.findall(r'href="([^"#]+)"', page.read_text("utf-8"))]
    reports = [link for link in links if not link.startswith("index.")]
    assert len(reports) == 4
    assert all(link.isascii() and " " not in link and "#" not in link for link in reports)
    assert all((page.parent / unquote(link)).is_file() for link in links)


def test_the_first_language_of_the_plan_is_the_page_that_opens(done):
    english, chinese, first = pages(done / "plan.toml")
    assert first == english != chinese


def test_the_same_state_gives_the_same_bytes_and_leaves_the_files_alone(plan):
    page = plan.parent / "reports" / "index.en.html"
    before, stamp = pages(plan), page.stat().st_mtime_ns
    run(plan)
    assert (pages(plan), page.stat().st_mtime_ns) == (before, stamp)
    page.unlink()
    (plan.parent / "reports" / "index.zh.html").write_text("something else")
    run(plan)
    assert pages(plan) == before


def test_a_failed_study_keeps_its_last_good_report_and_shows_the_failed_run(plan):
    notebook = plan.parent / "short.ipynb"
    moment = re.search(r"<time datetime=\"[^\"]+\">([^<]+)", pages(plan)[0].decode())[1]
    notebook.write_text(
        notebook.read_text("utf-8").replace(
            "gaps = sl.gap_scores(survey)",
            "gaps = sl.gap_scores(survey) if where[0] != 'branch=East' else 1 / 0",
        ),
        "utf-8",
    )
    assert run(plan).exit_code == 1
    for language, failed, good in (
        ("en", "2 current 2 failed", f"Last good report: {moment}"),
        ("zh", "2份最新 2份失败", f"最近一份完整报告：{moment}"),
    ):
        page = plan.parent / "reports" / f"index.{language}.html"
        text = words(page)
        assert failed in text
        assert text.count(good[:-6]) == 2  # the hour is that of the run, to the minute
        assert "ZeroDivisionError" in text
        left = re.findall(r'href="(runs/[^"]+report\.html)"', page.read_text("utf-8"))
        assert len(left) == 2
        assert all((page.parent / unquote(link)).is_file() for link in left)
        assert format_number(planted("East", "2025-01"), 2) in text


def test_only_a_part_run_leaves_the_rest_on_the_page_as_stale(plan):
    data = plan.parent / "answers.csv"
    data.write_text(data.read_text() + "7,7,1,1,North,2025-01\n")
    assert run(plan, only=["North*"]).exit_code == 0
    english, chinese = (words(plan.parent / "reports" / name) for name in PAGES[:2])
    assert "2 current 2 stale" in english
    assert english.count("answers.csv (data) changed") == 2
    assert chinese.count("answers.csv（data）已更改") == 2
    assert chinese.count("已过期") >= 2


def test_a_study_never_run_and_one_of_an_earlier_period_are_told_apart(plan):
    text = plan.read_text("utf-8").replace(
        'branch = ["North", "East"]', 'branch = ["North", "West"]'
    )
    plan.write_text(text, "utf-8")
    assert run(plan, only=["North*"]).exit_code == 0
    english = words(plan.parent / "reports" / "index.en.html")
    assert "2 current 2 missing 2 earlier" in english
    assert "There is no good report yet" in english
    assert english.index("Earlier reports") < english.index("East 网点", english.index("Earlier"))
    for report in (plan.parent / "reports").glob("East*"):
        report.unlink()
    run(plan, only=["North*"])
    assert "Earlier" not in words(plan.parent / "reports" / "index.en.html")


def test_markup_in_a_branch_is_text(plan):
    from servlab.studies.plans.entries import Entry
    from servlab.studies.plans.index import Part

    evil = "<script>alert(1)</script>"
    entry = Entry("a", "en", {"branch": evil}, "failed", (evil,), report='a".html', left="b'.html")
    page = index_page([Part(evil, (entry,), (evil,)), Part("b", (entry,))], "zh")
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 5
    assert 'href="a%22.html"' in page
    assert 'href="b%27.html"' in page


def test_two_plans_of_one_folder_have_a_part_each(plan):
    other = plan.with_name("other.toml")
    text = plan.read_text("utf-8").replace('name = "branches"', 'name = "second"')
    other.write_text(text.replace("#1%", "二"), "utf-8")
    assert run(other, only=["North*"]).exit_code == 0
    english = words(plan.parent / "reports" / "index.en.html")
    assert "Reports of branches, second" in english
    assert english.count("current") >= 6
    assert run(plan).exit_code == 0
    assert "Reports of branches, second" in words(plan.parent / "reports" / "index.en.html")


def test_a_page_that_cannot_be_written_is_said_and_counts(plan, monkeypatch):
    from servlab.core.errors import StudyError
    from servlab.studies.plans import index

    def full(files):
        raise StudyError("the disk is full.")

    before = pages(plan)
    data = plan.parent / "answers.csv"
    data.write_text(data.read_text() + "7,7,1,1,North,2025-01\n")
    monkeypatch.setattr(index, "write_together", full)
    ended = run(plan, only=["North*.en"])
    assert "the disk is full" in ended.trouble
    assert ended.exit_code == 1
    assert pages(plan) == before


def test_every_reason_has_chinese_words():
    old = {
        "cells": [["cell 1", "a"], ["cell 2", "b"]],
        "modules": {"m.py": "1", "gone.py": "1"},
        "parameters": {"seed": "1", "--export": "docx", "wave": "1"},
        "inputs": {"data": ["a.csv", "1"], "codebook": ["b.toml", "1"], "x": ["x.csv", "1"]},
        "language": "en",
        "code": "1",
        "versions": {"scipy": "1.2", "numpy": "1"},
    }
    new = {
        "cells": [["cell 1", "c"], ["cell 2", "b"], ["cell 3", "d"]],
        "modules": {"m.py": "2", "new.py": "1"},
        "parameters": {"seed": "2", "--export": "xlsx", "title": "1"},
        "inputs": {"data": ["a.csv", "2"], "codebook": ["c.toml", "1"], "y": ["y.csv", "1"]},
        "language": "zh",
        "code": "2",
        "versions": {"scipy": "1.3", "pandas": "3"},
    }
    many = {"parameters": {f"p{i}": "1" for i in range(9)}}
    found = explain.changes(old, new) + explain.changes(new, old) + explain.changes({}, many)
    found += explain.changes({"odd": 1}, {})
    found += [
        "it is being run by process 3", "it cannot be run: no file.", "it was never run",
        "its report was not made by a run that is known", "the record of its report is damaged",
        "its last run was stopped before it ended", "its last run failed", "a.html was removed",
        "a.html cannot be read: Permission denied", "a.html is not as it was published",
    ]  # fmt: skip
    for reason in found:
        text, language = reason_in(reason, "zh")
        assert language == "zh", reason
        assert re.search("[\u4e00-\u9fff]", text), reason
    assert len(found) >= len(KEYS) - 3
    assert reason_in("Gaps: ZeroDivisionError: x", "zh") == ("Gaps: ZeroDivisionError: x", "en")


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_browser_finds_no_fault(plan, tmp_path, language):
    from tests.browser_tools import faults

    text = plan.read_text("utf-8").replace('"East"]', '"East", "West"]')
    plan.write_text(text, "utf-8")
    run(plan, only=["North*"])
    found = check_page(plan.parent / "reports" / f"index.{language}.html")
    assert faults(found, language) == []
