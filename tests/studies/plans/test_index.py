"""The page over a plan's reports: what it says of each study, and that it tells no lies."""

import re
import shutil
from datetime import UTC, datetime
from html import unescape
from urllib.parse import unquote

import pytest

from servlab.presentation.formats import format_number
from servlab.studies.plans import explain
from servlab.studies.plans.figures import Figure, found_in
from servlab.studies.plans.page import Part, index_page
from servlab.studies.plans.read import read_plan
from servlab.studies.plans.reasons import KEYS, reason_in
from servlab.studies.plans.run import run_plan
from servlab.studies.plans.status import plan_status
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


@pytest.fixture(autouse=True)
def no_fonts(request, monkeypatch):
    """Draw pages without their fonts, which take a second each, unless a browser looks."""
    if "browser" not in request.keywords:
        monkeypatch.setattr("servlab.studies.report.font_face", lambda *_, **__: "")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A plan of two branches in two languages after its first run."""
    folder = tmp_path_factory.mktemp("index") / "a & <b> 计划"
    write_branches(folder, SMALL)
    with pytest.MonkeyPatch.context() as patch:
        run_inline(patch)
        patch.setattr("servlab.studies.report.font_face", lambda *_, **__: "")
        assert run(folder / "plan.toml").exit_code == 0
    return folder


@pytest.fixture
def plan(done, tmp_path, inline):
    shutil.copytree(done, tmp_path / "x")
    return tmp_path / "x" / "plan.toml"


def words(path):
    return words_of(path.read_text(encoding="utf-8"))


def words_of(page):
    text = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def pages(plan):
    """Return the pages without the moment of looking, which is of the clock."""
    checked = rb'(<time class="checked" datetime=")[^"]*(">)[^<]*'
    found = [(plan.parent / "reports" / name).read_bytes() for name in PAGES]
    return [re.sub(checked, rb"\1\2", page) for page in found]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_study_stands_there_with_figure_moment_and_a_link_that_opens(done, language):
    page = done / "reports" / f"index.{language}.html"
    text = words(page)
    assert {"en": "Overall gap, scale points n", "zh": "总体差距（分） n"}[language] in text
    for branch in ("North", "East"):
        gap = re.escape(format_number(planted(branch, "2025-01"), 2))
        assert len(re.findall(rf"{gap} \[−0\.\d\d, −?0\.\d\d\] 50 ", text)) == 1, branch
    assert {"en": "In brackets: intervals", "zh": "方括号内为区间"}[language] in text
    # when the plan was looked at, and one for each study in two languages
    assert len(re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", text)) == 3
    links = [unescape(link) for link in re.findall(r'href="([^"#]+)"', page.read_text("utf-8"))]
    reports = [link for link in links if not link.startswith("index.")]
    assert len(reports) == 4
    assert all(link.isascii() and " " not in link and "#" not in link for link in reports)
    assert all((page.parent / unquote(link)).is_file() for link in links)


def test_the_first_language_of_the_plan_is_the_page_that_opens(done):
    english, chinese, first = pages(done / "plan.toml")
    assert first == english != chinese


def test_the_same_state_gives_the_same_bytes_but_for_the_moment_of_looking(plan, monkeypatch):
    from servlab.studies.plans import index

    page = plan.parent / "reports" / "index.en.html"
    before = pages(plan)
    later = datetime(2099, 1, 2, 3, 4, tzinfo=UTC)
    with monkeypatch.context() as patch:
        patch.setattr(index, "index_page", None)  # drawing costs a second: it is not done again
        read = read_plan(plan)
        assert index.publish_index(read, plan_status(read), now=later) == ""
    assert pages(plan) == before
    assert "Last looked at: 2099-01-02 03:04 UTC" in words(page)
    run(plan)
    assert "2099" not in words(page)
    page.unlink()
    (plan.parent / "reports" / "index.zh.html").write_text("something else")
    run(plan)
    assert pages(plan) == before


def test_a_failed_study_keeps_its_last_good_report_and_shows_the_failed_run(plan):
    notebook = plan.parent / "short.ipynb"
    moment = re.search(r"<time datetime=\"[^\"]+\">([^<]+)", pages(plan)[0].decode())[1]
    last = sorted((plan.parent / "reports").glob("East*.html"))
    kept = [path.read_bytes() for path in last]
    notebook.write_text(
        notebook.read_text("utf-8").replace(
            "gaps = sl.gap_scores(survey)",
            "gaps = sl.gap_scores(survey) if where[0] != 'branch=East' else 1 / 0",
        ),
        "utf-8",
    )
    assert run(plan).exit_code == 1
    for language, failed, good in (
        ("en", "2 failed 2 current", f"last good report {moment}"),
        ("zh", "2份失败 2份最新", f"最近一份完整报告 {moment}"),
    ):
        page = plan.parent / "reports" / f"index.{language}.html"
        text = words(page)
        assert failed in text
        assert text.count(good[:-6]) == 2  # the hour is that of the run, to the minute
        assert "ZeroDivisionError" in text
        left = re.findall(r'href="(runs/[^"]+report\.html)"', page.read_text("utf-8"))
        assert len(left) == 2
        assert all((page.parent / unquote(link)).is_file() for link in left)
        assert text.index("ZeroDivisionError") < text.index("50 ")  # before the tables
        assert format_number(planted("East", "2025-01"), 2) in text
    assert [path.read_bytes() for path in last] == kept


def test_only_a_part_run_leaves_the_rest_on_the_page_as_stale(plan):
    data = plan.parent / "answers.csv"
    data.write_text(data.read_text() + "7,7,1,1,North,2025-01\n")
    assert run(plan, only=["North*"]).exit_code == 0
    english, chinese = (words(plan.parent / "reports" / name) for name in PAGES[:2])
    assert "2 stale 2 current" in english
    assert english.count("answers.csv (data) changed") == 1
    assert chinese.count("answers.csv（data）已更改") == 1
    assert chinese.count("已过期") >= 2


def test_a_study_never_run_and_one_of_an_earlier_period_are_told_apart(plan):
    text = plan.read_text("utf-8").replace(
        'branch = ["North", "East"]', 'branch = ["North", "West"]'
    )
    plan.write_text(text, "utf-8")
    assert run(plan, only=["North*"]).exit_code == 0
    english = words(plan.parent / "reports" / "index.en.html")
    assert "2 missing 2 current 2 earlier" in english
    assert "no good report yet" in english
    assert english.index("Earlier reports") < english.index("East 网点", english.index("Earlier"))
    for report in (plan.parent / "reports").glob("East*"):
        report.unlink()
    run(plan, only=["North*"])
    assert "Earlier" not in words(plan.parent / "reports" / "index.en.html")


def test_markup_in_a_branch_is_text(plan):
    from servlab.studies.plans.entries import Entry

    evil = "<script>alert(1)</script>"
    entry = Entry("a", "en", {"branch": evil}, "failed", (evil,), report='a".html', left="b'.html")
    page = index_page([Part(evil, (entry,), (evil,)), Part("b", (entry,))], "zh")
    assert page.count("<script") == 1
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
    assert "Last looked at (branches)" in english
    assert "Last looked at (second)" in english
    assert english.count("current") >= 5
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
    named = {"cells": [["cell 3 (The survey (all) of it)", "a"]]}
    found = explain.changes(named, {"cells": [["cell 3 (The survey (all) of it)", "b"]]})
    assert reason_in(found[0], "zh") == ("笔记本中的 cell 3 (The survey (all) of it) 已更改", "zh")
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


def entry(number, **facts):
    from servlab.studies.plans.entries import Entry

    axes = {"branch": f"B{number % 20:02}", "wave": f"{2000 + number // 20}"}
    given = {"kind": "quality_study", "published": "2026-03-01T08:12:44+00:00"} | facts
    return Entry(f"s{number}", "en", axes, given.pop("state", "current"),
                 report=f"s{number}.en.html", **given)  # fmt: skip


def test_a_thousand_studies_stay_usable():
    why = ("Gaps: ZeroDivisionError: division by zero",)
    many = [entry(n, figures=(Figure("gap", -0.5, -0.7, -0.3),)) for n in range(900)]
    many += [entry(n, state="failed", reasons=why) for n in range(900, 1000)]
    page = index_page([Part("big", tuple(many))], "en")
    assert page.count(why[0]) == 1  # one panel for one reason
    assert "and 88 more" in page
    assert page.count("<tr>") == 1001
    assert len(re.findall(r'<a href="#reports-0-1-\d+">B\d\d</a>', page)) == 20
    assert '<form class="filter"' in page
    assert len(page) < 900_000


def test_the_worst_stands_first_and_each_kind_of_study_has_a_table():
    order = ("current", "stale", "missing", "failed")
    many = [entry(n, state=state, reasons=(state,)) for n, state in enumerate(order)]
    many.append(entry(9, kind="my own"))
    text = words_of(index_page([Part("p", tuple(many))], "en"))
    assert "1 failed 1 missing 1 stale 2 current" in text
    head = text[: text.index("Quality studies")]
    assert [head.index(f"s{n} ") for n in (3, 2, 1)] == sorted(
        head.index(f"s{n} ") for n in (1, 2, 3)
    )
    assert text.index("Quality studies") < text.index("my own Report State")


def test_two_languages_are_one_row_unless_they_disagree():
    from dataclasses import replace

    one = entry(1, figures=(Figure("gap", -0.5),))
    other = replace(one, language="zh", report="s1.zh.html", published="2026-02-01T08:00:00+00:00")
    page = index_page([Part("p", (one, other))], "zh")
    assert page.count("<tr>") == 2
    assert "2026-02-01 08:00 UTC" in page  # the older of the two
    assert re.search(r'<th scope="row"><a href="s1.zh.html">s1</a>', page)
    apart = replace(other, figures=(Figure("gap", -0.6),))
    assert index_page([Part("p", (one, apart))], "zh").count("<tr>") == 3


FIT = {"estimator": "MLR", "cfi": 0.9, "cfi_robust": 0.961, "rmsea": 0.07, "rmsea_robust": 0.043,
       "rmsea_low_robust": 0.038, "rmsea_high_robust": 0.048, "srmr": 0.035, "n": 720}  # fmt: skip


@pytest.mark.parametrize(
    ("results", "shown"),
    [
        ({"fit": {"tidy": [], "glance": [FIT]}},
         "CFI ≥ .95 RMSEA ≤ .06 SRMR ≤ .08 n Published branch wave s1 English current "
         ".961 .043 [.038, .048] .035 720"),
        ({"gaps": {"glance": [{"estimate": -0.709, "conf_low": -0.924, "conf_high": -0.494,
                               "n": 67.0}]},
          "perception": {"glance": [{"estimate": 5.27, "conf_low": 5.11, "conf_high": 5.44}]}},
         "−0.71 [−0.92, −0.49] 5.27 [5.11, 5.44] 67"),
        ({"item_decisions": {}, "kmo": {"glance": [{"msa_kaiser": 0.55, "n": 9}]},
          "reliability": {"tidy": [
              {"term": "alpha", "dimension": d, "estimate": e} for d, e in
              (("a", 0.8), ("b", 0.65), ("overall_items", 0.4))]}},
         ".65 (standard not met) .55 (standard not met) 9"),
        ({"league_table": {"tidy": [
            {"rank": r, "group": g, "mean": m} for r, g, m in ((2.0, "x", -1), (1.0, "y", 0.5))]},
          "agreement": {"glance": [{"icc1": 0.089}]}}, "y 0.50 x −1.00 .09"),
        ({"waves_previous": {"glance": [{"n": 10}], "tidy": [
            {"level": "overall", "term": "overall_items", "wave": "2", "against": "1",
             "estimate": -0.21, "conf_low": -0.3, "conf_high": -0.1}]},
          "wave_means": {"tidy": [{"level": "overall", "term": "overall_items", "wave": "2",
                                   "estimate": -0.88, "n": 6}]}},
         "2 −0.88 −0.21 [−0.30, −0.10] 6"),
        ({"regression": {"glance": [{"r_squared": 0.46, "adj_r_squared": 0.457, "n": 720}]}},
         ".46 .46 720"),
        ({"key_figures": {"tidy": [{"term": "Complaints", "estimate": 12.0, "conf_low": 9.5,
                                    "conf_high": 14.1}]}, "gaps": {"glance": []}},
         "12 [9.50, 14.10]"),
        ({"waiting": {"value": 12.5}, "verdict": {"value": "slower"}, "ok": {"value": True}},
         "current 12.50 2026"),
    ],
)  # fmt: skip
def test_each_study_shows_what_it_recorded(results, shown):
    page = index_page([Part("p", (entry(1, figures=found_in(results)),))], "en")
    assert shown in words_of(page)


def test_the_level_of_an_interval_is_that_of_the_study_and_of_rmsea_its_own():
    def said(results, level=""):
        one = entry(1, figures=found_in(results), level=level)
        return words_of(index_page([Part("p", (one,))], "en"))

    own = {"key_figures": {"tidy": [
        {"term": "rmsea", "estimate": 0.04, "conf_low": 0.03, "conf_high": 0.05}]}}  # fmt: skip
    assert "90 %" not in said(own)  # a frame of the user's, at a level that only they know
    assert "90 % intervals" in said({"fit": {"tidy": [], "glance": [FIT]}}, "0.95")
    gap = {"gaps": {"glance": [{"estimate": -0.7, "conf_low": -0.9, "conf_high": -0.5, "n": 6}]}}
    assert "99 % intervals" in said(gap, "0.99")


def test_waves_of_nobody_show_no_figure():
    results = {"waves_previous": {"glance": [{"n": 0}], "tidy": [
        {"level": "overall", "term": "overall_items", "wave": "2", "estimate": 1.0}]}}  # fmt: skip
    assert found_in(results) == ()


def test_an_overall_score_that_few_have_leads_no_wave():
    results = {
        "waves_previous": {"glance": [{"n": 100}], "tidy": [
            {"level": "overall", "term": "overall_items", "wave": "2", "estimate": 1.0}]},
        "wave_means": {"tidy": [
            {"level": "overall", "term": "overall_items", "wave": "2", "estimate": 1.0, "n": 6}]},
    }  # fmt: skip
    assert found_in(results) == ()


@pytest.mark.browser
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_browser_finds_no_fault(plan, tmp_path, language):
    from tests.browser_tools import faults

    text = plan.read_text("utf-8").replace('"East"]', '"East", "West"]')
    plan.write_text(text, "utf-8")
    run(plan, only=["North*"])
    found = check_page(plan.parent / "reports" / f"index.{language}.html")
    assert faults(found, language, scripts=1) == []
