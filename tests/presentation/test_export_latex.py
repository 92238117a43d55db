r"""The LaTeX reads back as the tables say; every text prints as it is written."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servlab.presentation.export import write_tables
from servlab.presentation.export.latex import _SPECIAL, escape_latex
from servlab.presentation.export.parts import clean, notes_text
from tests.presentation.exported import HOSTILE, hostile, tables

# Longest first, so that \textbackslash{} is not read as a shorter command.
_CODES = [*((code, text) for text, code in _SPECIAL.items()), ("\\ ", " ")]
_PRINTED = sorted(_CODES, key=lambda p: -len(p[0]))
_TOKEN = re.compile("|".join(re.escape(code) for code, _ in _PRINTED) + r"|\{\}|[^\\{}$&#_%~^]")


def printed(source: str) -> str:
    """What LaTeX prints of an escaped text; fails on anything that is not plain text."""
    text, place = [], 0
    codes = dict(_PRINTED)
    while place < len(source):
        token = _TOKEN.match(source, place)
        assert token, f"live LaTeX at {source[place : place + 20]!r}"
        text.append("" if token[0] == "{}" else codes.get(token[0], token[0]))
        place = token.end()
    return "".join(text)


def latex(language="en", made=None, **options):
    return write_tables(made or tables(language), "tex", **options).decode("utf-8")


def blocks(source):
    """The tables of a file: all that stands from one caption's environment to its end."""
    return re.findall(
        r"\\begin\{(?:table|longtable)\}.*?\\end\{(?:table|longtable)\}.*?(?=\n\n|\Z)", source, re.S
    )


def read_rows(block):
    """The rows behind the (last) heading rule, cells printed as text."""
    body = block.rsplit("\\endfoot", 1)[-1] if "longtable" in block else block.split("\\midrule")[1]
    rows = []
    for line in re.split(r"\\bottomrule|\\end\{longtable\}", body)[0].splitlines():
        line = line.removesuffix("*").removesuffix("\\\\").removesuffix(" ")
        if not line or line == r"\addlinespace":
            continue
        group = re.fullmatch(r"\\multicolumn\{\d+\}\{@\{\}l@\{\}\}\{(.*)\}", line)
        cells = [group[1]] if group else re.split(r"(?<!\\) & ", line)
        rows.append([printed(bare(cell)) for cell in cells])
    return rows


def bare(cell):
    cell = cell.replace(r"\hspace*{1em}", "").replace(r"\phantom{.00}", "")
    return re.sub(r"\\textbf\{((?:[^{}\\]|\\.|\{[^{}]*\})*)\}", r"\1", cell)


@settings(deadline=None)  # on a busy machine the clock says nothing
@given(st.text())
def test_any_text_prints_as_it_is_written(text):
    assert printed(escape_latex(text)) == clean(text)


@settings(deadline=None)  # on a busy machine the clock says nothing
@given(st.text(alphabet="\\{}$&#_%~^<>|\"`[]*-',−–—a \n", max_size=12))
def test_specials_in_any_order_print_as_they_are_written(text):
    escaped = escape_latex(text)
    assert printed(escaped) == clean(text)
    assert not re.search(r"--|''|,,", escaped), "a ligature"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_cell_of_every_result_reads_back_as_formats_shows_it(language):
    source = latex(language, name="quality study 1")
    found = blocks(source)
    assert len(found) == len(tables(language))
    for number, (block, table) in enumerate(zip(found, tables(language), strict=True), start=1):
        rows = [row for row in read_rows(block) if len(row) > 1]
        labels = table.row_labels()
        expected = [[label, *cells] for label, cells in zip(labels, table.cells(), strict=True)]
        expected += [table.standards_row()] if table.standards else []
        assert rows == expected
        assert (
            f"\\caption{{{escape_latex(table.caption)}}}\\label{{tab:quality-study-1-{number}}}"
            in block
        )
        for note in table.notes:
            assert all(printed(escape_latex(part)) in note for part in note.split("**"))
        if table.notes:
            lead = {"en": r"\textit{Note.} ", "zh": "注："}[language]
            assert lead in block
            assert escape_latex(notes_text(table).split("**")[0]) in block


def test_rules_are_booktabs_and_notes_stand_in_threeparttable():
    block = blocks(latex())[0]
    assert [block.count(rf"\{rule}") for rule in ("toprule", "midrule", "bottomrule")] == [1, 1, 1]
    assert r"\begin{tablenotes}" in block
    assert "\\hline" not in block
    assert not re.search(r"\\begin\{tabular\}\{[^\n]*\|", block)


def test_the_head_names_the_packages_that_the_tables_need():
    head = latex("zh", made=[hostile("zh")], title="A % title").split("\n\n")[0]
    assert all(line.startswith("%") for line in head.splitlines())
    assert "longtable" in head
    assert "pdflscape" in head
    assert "ctex" in head
    assert "ctex" not in latex("en").split("\n\n")[0]


def test_a_long_table_repeats_its_headings_and_a_wide_one_lies_sideways():
    table = hostile(columns=8)
    source = latex(made=[table])
    assert source.count(r"\begin{longtable}") == 1
    assert r"Table \thetable{} (continued)" in source
    assert r"\begin{landscape}" in source
    rows = [row for row in read_rows(blocks(source)[0]) if len(row) > 1]
    assert len(rows) == 60
    assert [row[1:] for row in rows] == [[clean(t) for t in row] for row in table.cells()]


def test_a_table_too_wide_for_any_page_goes_on_in_further_parts():
    table = hostile()
    source = latex(made=[table])
    parts = [[row for row in read_rows(b) if len(row) > 1] for b in blocks(source)]
    assert len(parts) > 1
    assert source.count(r"\caption{") == source.count(r"\label{") == 1
    joined = [[cell for row in rows for cell in row[1:]] for rows in zip(*parts, strict=True)]
    assert joined == [[clean(text) for text in row] for row in table.cells()]


def test_whole_degrees_of_freedom_are_padded_to_the_point():
    table = next(t for t in tables("en") if "df" in t.formats.values())
    frame = table.frame.loc[table.frame.index.repeat(2)].reset_index(drop=True)
    name = next(name for name, form in table.formats.items() if form == "df")
    frame[name] = [41.0, 41.7321][: len(frame)]
    mixed = replace(table, frame=frame.rename(index=str))
    assert r"41\phantom{.00}" in latex(made=[mixed])
    assert r"\phantom" not in latex(made=[table])


@pytest.mark.skipif(not shutil.which("xelatex"), reason="xelatex is not installed")
def test_the_files_compile_with_plain_packages(tmp_path):
    made = [*tables("en")[:3], hostile()]
    (tmp_path / "tables.tex").write_bytes(write_tables(made, "tex", name="t"))
    packages = "booktabs,array,threeparttable,longtable,pdflscape,graphicx"
    (tmp_path / "page.tex").write_text(
        "\\documentclass{article}\\batchmode\n"
        f"\\usepackage{{{packages}}}\n\\begin{{document}}\n\\input{{tables.tex}}\n\\end{{document}}"
    )
    run = subprocess.run(
        ["xelatex", "-halt-on-error", "-interaction=batchmode", "page.tex"],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    log = (tmp_path / "page.log").read_text(errors="replace")
    assert run.returncode == 0, re.findall(r"^!.*(?:\n.*){3}", log, re.M)
    assert "Output written" in log


def test_hostile_labels_stay_harmless():
    for text in HOSTILE:
        assert printed(escape_latex(text)) == clean(text)
