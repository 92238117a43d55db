"""Tables are handed on by name of a file, and beside the report of a complete run."""

import hashlib
import json
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import servlab as sl
from servlab.core.errors import ModelError, ParameterError
from servlab.presentation.export import write_tables
from servlab.presentation.tables import Table, table_from_block
from servlab.studies import publish
from servlab.studies.runner import run_study
from tests.presentation.exported import hostile, read_sheets, read_word, tables
from tests.presentation.results import results

SHOWN = """\
import pandas as pd
from servlab.presentation.tables import Table
def gap_table(value, language):
    return Table(pd.DataFrame({"gap": [value, None]}, index=["Security", "=1+1"]), caption="Gaps",
                 headings={"gap": "Gap"}, formats={"gap": "signed"}, row_header="Dimension",
                 language=language)
"""
TABLES = ("docx", "xlsx", "tex")


def test_the_ending_decides_and_a_folder_gets_all_three(tmp_path):
    made = tables("zh")[:2]
    for form in TABLES:
        written = sl.export_tables(made, tmp_path / f"gaps.{form.upper()}", title="网点")
        assert written == (tmp_path / f"gaps.{form.upper()}",)
        assert written[0].read_bytes() == write_tables(made, form, title="网点", name="gaps")
    folder = tmp_path / "all"
    folder.mkdir()
    assert [path.name for path in sl.export_tables(made[0], folder)] == [
        "tables.docx", "tables.xlsx", "tables.tex",
    ]  # fmt: skip
    assert len(list(folder.iterdir())) == 3


def test_results_are_made_tables_in_the_language_asked_for(tmp_path):
    gaps, forms = results()["gaps"], results()["forms"]
    (path,) = sl.export_tables([gaps, forms], tmp_path / "a.docx", language="zh")
    captions = [read.caption for read in read_word(path.read_bytes())]
    assert captions[0] == f"表1　{sl.table(gaps, language='zh').caption}"
    (path,) = sl.export_tables(gaps, tmp_path / "a.docx")
    assert read_word(path.read_bytes())[0].caption.startswith("Table 1\n")


def test_several_tables_come_in_a_list_a_mappings_values_or_an_iterator(tmp_path):
    made = list(tables("en")[:2])
    forms = (made, tuple(made), {"a": made[0], "b": made[1]}.values(), iter(made))
    content = {sl.export_tables(form, tmp_path / "a.tex")[0].read_bytes() for form in forms}
    assert len(content) == 1


@pytest.mark.parametrize("form", TABLES)
def test_a_table_without_rows_is_written_too(form):
    frame = pd.DataFrame({"x": pd.Series(dtype=float), "w": pd.Series(dtype=object)})
    table = Table(
        frame, caption="c", headings={"x": "x", "w": "w"}, row_header="r",
        formats={"x": "number", "w": "text"},
    )  # fmt: skip
    content = write_tables([table_from_block(table.block())], form)
    if form == "docx":
        assert read_word(content)[0].rows == [["r", "x", "w"]]
    elif form == "xlsx":
        assert read_sheets(content)["Table 1"][3, 1].value == "x"
    else:
        assert b"r & x & w" in content


@pytest.mark.parametrize("given", [[], ()])
def test_no_table_is_an_error(tmp_path, given):
    with pytest.raises(ModelError, match=r"there is no table to export; give at least one\."):
        sl.export_tables(given, tmp_path / "a.docx")


def test_two_languages_in_one_file_are_an_error(tmp_path):
    mixed = [tables("en")[0], tables("zh")[0], tables("en")[1]]
    with pytest.raises(ModelError, match=r"in one language; got tables en: 1, 3; zh: 2\. Make"):
        sl.export_tables(mixed, tmp_path / "a.xlsx")
    with pytest.raises(ModelError, match="language='zh' is asked for, but these tables were made"):
        sl.export_tables(tables("en")[0], tmp_path / "a.xlsx", language="zh")
    with pytest.raises(ModelError, match=r"language must be one of en, zh; got 'de'\."):
        sl.export_tables(tables("en")[0], tmp_path / "a.xlsx", language="de")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.doc", "a", "a.csv", "a.docx.bak"])
def test_another_ending_is_an_error(tmp_path, name):
    with pytest.raises(ParameterError, match=r"must end in \.docx, \.xlsx or \.tex, or be an exis"):
        sl.export_tables(tables("en")[0], tmp_path / name)


def test_what_has_no_table_is_an_error(tmp_path):
    with pytest.raises(ModelError, match="there is no table for a DataFrame"):
        sl.export_tables(pd.DataFrame({"a": [1]}), tmp_path / "a.docx")


def test_a_place_that_cannot_be_written_is_an_error_and_leaves_no_trace(tmp_path):
    with pytest.raises(ParameterError, match=r"a\.docx cannot be written: No such file"):
        sl.export_tables(tables("en")[0], tmp_path / "absent" / "a.docx")
    (tmp_path / "tables.xlsx").mkdir()
    with pytest.raises(ParameterError, match=r"tables\.xlsx cannot be written: Is a directory\."):
        sl.export_tables(tables("en")[0], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tables.xlsx"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_table_travels_in_its_block_with_its_raw_values(language):
    for table in (*tables(language), hostile(language)):
        block = json.loads(json.dumps(table.block(), allow_nan=False))
        again = table_from_block(block)
        assert again.block() == table.block()
        for name, form in table.formats.items():
            if name in table.headings and form != "text":
                pairs = zip(table.frame[name], again.frame[name], strict=True)
                assert all(same(old, new) for old, new in pairs), (table.caption, name)
        for form in TABLES:
            assert write_tables([again], form) == write_tables([table], form)


def same(old, new) -> bool:
    if isinstance(old, tuple):
        return all(same(a, b) for a, b in zip(old, new, strict=True))
    missing = old is None or old != old
    return bool(new is None or new != new) if missing else bool(old == new)


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_an_office_opens_the_files_and_shows_both_languages(tmp_path):
    made = {}
    for language in ("en", "zh"):
        table = hostile(language, rows=12, columns=6)
        for form in ("docx", "xlsx"):
            path = tmp_path / f"{language}-{form}.{form}"
            made[path.stem] = sl.export_tables([tables(language)[0], table], path)[0]
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path),
         *map(str, made.values())],
        capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    for stem in made:
        assert (tmp_path / f"{stem}.pdf").stat().st_size > 5_000


def test_columns_that_are_not_shown_do_not_leave_the_table():
    frame = pd.DataFrame({"n": [1, 2], "secret": [41_999.5, np.nan]}, index=["a", "b"])
    table = Table(frame, caption="c", headings={"n": "n"}, formats={"n": "count"}, row_header="r")
    assert "41999.5" not in json.dumps(table.block())
    assert b"41999.5" not in write_tables([table], "tex")


@pytest.mark.study
def test_a_run_publishes_the_tables_it_showed_beside_its_report(toy, tmp_path):
    path = toy(
        SHOWN, "gap_table(1 / 3, language)", "'no table'", "display(gap_table(-0.5, language))"
    )
    out = tmp_path / "out"
    run = run_study(path, {}, out=out, name="网点", language="zh", export=["xlsx", "docx", "tex"])
    assert (run.status, run.failures) == ("complete", ())
    assert run.exports == tuple(out / f"网点.zh.{form}" for form in TABLES)
    assert run.report == out / "网点.zh.html"
    for form, published in zip(TABLES, run.exports, strict=True):
        assert published.read_bytes() == (run.folder / f"tables.{form}").read_bytes()
    listed = json.loads((run.folder / "manifest.json").read_text(encoding="utf-8"))["exports"]
    assert listed == {
        f"tables.{form}": hashlib.sha256(published.read_bytes()).hexdigest()
        for form, published in zip(TABLES, run.exports, strict=True)
    }
    sheets = read_sheets(run.exports[1].read_bytes())
    assert sheets["表1"][4, 1].value == 1 / 3
    assert sheets["表2"][4, 1].value == -0.5
    assert "表 2" in run.report.read_text(encoding="utf-8")
    assert [t.rows[2] for t in read_word(run.exports[0].read_bytes())] == [["=1+1", "–"]] * 2
    again = run_study(path, {}, out=out, name="网点", language="zh", export=TABLES)
    assert [p.read_bytes() for p in again.exports] == [p.read_bytes() for p in run.exports]
    assert again.folder.name.split("-")[1] == run.folder.name.split("-")[1]


@pytest.mark.study
@pytest.mark.usefixtures("stub_report")
def test_a_run_without_exports_removes_the_ones_of_earlier_numbers_but_no_edited_file(
    toy, tmp_path
):
    path = toy(SHOWN, "gap_table(float(wave), language)")
    run = run_study(path, {}, out=tmp_path / "out", export=("docx", "xlsx"))
    docx, xlsx = run.exports
    docx.write_bytes(docx.read_bytes() + b"edited")
    other = run_study(path, {"wave": "2"}, out=tmp_path / "out")
    assert other.exports == ()
    assert docx.exists(), "somebody's work"
    assert not xlsx.exists(), "numbers that the report no longer shows"


@pytest.mark.study
@pytest.mark.usefixtures("stub_report")
def test_a_failing_export_fails_the_run_and_leaves_what_was_published(toy, tmp_path):
    out = tmp_path / "out"
    good = run_study(toy(SHOWN, "gap_table(1, language)"), {}, out=out, export=("docx",))
    before = {p: p.read_bytes() for p in (good.report, *good.exports)}
    mixed = toy(SHOWN, "display(gap_table(1, 'en'), gap_table(1, 'zh'))")
    run = run_study(mixed, {}, out=out, export=("docx",))
    assert run.status == "failed"
    assert run.exports == ()
    assert run.failures[0].section == "export"
    assert "could not be exported: language='en' is asked for" in run.failures[0].error
    assert "export" in run.report.read_text(encoding="utf-8")
    bare = run_study(toy("1"), {}, out=out, export=("docx",))
    assert "the study showed no table" in bare.failures[0].error
    broken = run_study(toy(SHOWN, "gap_table(1, language)", "1 / 0"), {}, out=out, export=("docx",))
    assert not (broken.folder / "tables.docx").exists()
    assert {p: p.read_bytes() for p in before} == before


@pytest.mark.parametrize(
    ("export", "message"),
    [
        (("docx", "pdf"), r"export must name files of docx, xlsx, tex; got 'pdf'\."),
        ("docx", r"export must be a tuple such as \('docx', 'xlsx'\); got 'docx'\."),
        (None, r"export must be a tuple such as"),
    ],
)
def test_an_unknown_export_is_refused_before_anything_runs(toy, tmp_path, export, message):
    with pytest.raises(ParameterError, match=message):
        run_study(toy("1"), {}, out=tmp_path / "out", export=export)
    assert not (tmp_path / "out" / "runs").exists()


def test_files_take_their_places_only_when_all_are_written(tmp_path, monkeypatch):
    first, second = tmp_path / "a.docx", tmp_path / "b.html"
    first.write_text("old")
    second.mkdir()
    with pytest.raises(publish.StudyError, match=r"b\.html cannot be written: Is a directory\."):
        publish.write_together({first: b"new", second: "new"})
    assert first.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.docx", "b.html"]


def test_marks_and_standards_travel_too():
    frame = pd.DataFrame({"x": [0.5, 0.2]}, index=["a", "b"])
    table = Table(
        frame, caption="c", headings={"x": "x"}, formats={"x": "correlation"}, row_header="r",
        marks={"x": ["strong", "weak"]}, standards={"x": "≥ .40"}, strong_rows=[1],
    )  # fmt: skip
    again = table_from_block(table.block())
    assert again.standards_row() == table.standards_row()
    assert replace(again, caption="d").block() == replace(table, caption="d").block()
