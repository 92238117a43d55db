"""Workbooks and statistics programs' files: the same survey from each, traps named."""

import io
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from servlab.core.errors import DataError
from servlab.data.codebook import FileFormat
from servlab.data.formats import read_raw
from servlab.data.readers import read_survey

REST = '[respondents]\nid = "id"\n[covariates.branch]\ncolumn = "branch"\nrole = "branch"\n'
ITEMS = ["P1", "P2", "P3"]


@pytest.fixture
def table(answers) -> pd.DataFrame:
    """The answers with ASCII column names, which every program takes."""
    frame = answers.rename(columns={"编号": "id", "网点": "branch"})
    frame["P2"] = frame["P2"].astype(float)
    frame.loc[3, "P2"] = np.nan
    return frame


def workbook(rows, path, **sheets):
    """Write rows (and further sheets) with openpyxl-free means: a minimal .xlsx by hand."""
    named = {"Sheet1": rows, **sheets}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        overrides = "".join(
            f'<Override PartName="/xl/worksheets/sheet{k}.xml" ContentType="application/'
            'vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
            for k in range(1, len(named) + 1)
        )
        archive.writestr(
            "[Content_Types].xml",
            '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/'
            'content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-'
            'package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
            '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
            f'officedocument.spreadsheetml.sheet.main+xml"/>{overrides}</Types>',
        )
        rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        package = "http://schemas.openxmlformats.org/package/2006/relationships"
        archive.writestr(
            "_rels/.rels",
            f'<?xml version="1.0"?><Relationships xmlns="{package}"><Relationship Id="rId1" '
            f'Type="{rels}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        listed = "".join(
            f'<sheet name="{name}" sheetId="{k}" r:id="rId{k}"/>'
            for k, name in enumerate(named, start=1)
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<?xml version="1.0"?><workbook xmlns="{main}" xmlns:r="{rels}"><sheets>{listed}'
            "</sheets></workbook>",
        )
        links = "".join(
            f'<Relationship Id="rId{k}" Type="{rels}/worksheet" Target="worksheets/sheet{k}.xml"/>'
            for k in range(1, len(named) + 1)
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<?xml version="1.0"?><Relationships xmlns="{package}">{links}</Relationships>',
        )
        for k, cells in enumerate(named.values(), start=1):
            archive.writestr(
                f"xl/worksheets/sheet{k}.xml",
                f'<?xml version="1.0"?><worksheet xmlns="{main}"><sheetData>'
                + "".join(
                    f'<row r="{r}">'
                    + "".join(cell_xml(f"{chr(65 + c)}{r}", cell) for c, cell in enumerate(row))
                    + "</row>"
                    for r, row in enumerate(cells, start=1)
                )
                + "</sheetData></worksheet>",
            )
    return path


def cell_xml(place, cell):
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return f'<c r="{place}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, int | float):
        return f'<c r="{place}"><v>{cell}</v></c>'
    if cell.startswith("="):
        return f'<c r="{place}"><f>{cell[1:]}</f></c>'
    text = cell.replace("&", "&amp;").replace("<", "&lt;")
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def rows_of(table):
    body = [
        [None if pd.isna(c) else (c if isinstance(c, str) else float(c)) for c in row]
        for row in table.itertuples(index=False)
    ]
    return [list(table.columns), *body]


def same(survey, table):
    np.testing.assert_array_equal(
        survey.raw("perception").to_numpy(), table[ITEMS].to_numpy(dtype=float)
    )
    assert list(survey.index) == list(table["id"])
    assert list(survey.covariates["branch"]) == list(table["branch"])


def test_a_workbook_gives_the_same_survey(table, book, tmp_path):
    same(read_survey(workbook(rows_of(table), tmp_path / "a.xlsx"), book(rest=REST)), table)


@pytest.mark.parametrize("kind", ["sav", "dta"])
def test_a_program_file_gives_the_same_survey(kind, table, book, tmp_path):
    path = tmp_path / f"a.{kind}"
    if kind == "sav":
        pyreadstat.write_sav(table, str(path))
    else:
        pyreadstat.write_dta(table, str(path), version=15)
    same(read_survey(path, book(rest=REST)), table)


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_a_columnar_file_gives_the_same_survey(kind, table, book, tmp_path):
    path = tmp_path / f"a.{kind}"
    table.assign(branch=table["branch"].astype("category")).__getattribute__(f"to_{kind}")(path)
    same(read_survey(path, book(rest=REST)), table)


SHEET_FAULTS = {
    "answers without a name": (
        [["P1", None, "P3", "P2"], [1.0, 2.0, 3.0, 4.0]],
        r"column B: has answers \(row 2\) but no name .* undo merged header cells",
    ),
    "answers beside the header": (
        [["P1", "P2", "P3"], [1.0, 2.0, 3.0, 7.0]],
        r"column D: has answers \(row 2\) but no name",
    ),
    "a formula without result": (
        [["P1", "P2", "P3"], [1.0, "=A2+1", 3.0]],
        r"cell B2: holds a formula without its result",
    ),
    "true": (
        [["P1", "P2", "P3"], [1.0, 1.0, 1.0], [1.0, True, 3.0]],
        r"row 3: 'TRUE' is no number",
    ),
    "text": ([["P1", "P2", "P3"], [1.0, "very good", 3.0]], r"'very good' is no number"),
    "a column twice": ([["P1", "P2", "P3", "P3"], [1.0, 2.0, 3.0, 4.0]], r"'P3' occur more than"),
    "no answers": ([["P1", "P2", "P3"]], r"has a header but no answers"),
    "beyond the scale": ([["P1", "P2", "P3"], [1.0, 2.0, 77.0]], r"'P3', row 2: 77.0 is outside"),
    "fractions": ([["P1", "P2", "P3"], [1.0, 2.5, 3.0]], r"2.5 is no whole number"),
}


@pytest.mark.parametrize("fault", SHEET_FAULTS)
def test_a_fault_in_a_workbook_is_named(fault, book, tmp_path):
    rows, message = SHEET_FAULTS[fault]
    with pytest.raises(DataError, match=message):
        read_survey(workbook(rows, tmp_path / "a.xlsx"), book())


def test_several_sheets_ask_which_one(table, book, tmp_path):
    path = workbook(rows_of(table), tmp_path / "a.xlsx", Notes=[["read me"]])
    with pytest.raises(DataError, match=r"several sheets \(Sheet1, Notes\).* sheet = \"Sheet1\""):
        read_survey(path, book(rest=REST))
    same(read_survey(path, book(rest=REST + '[file]\nsheet = "Sheet1"\n')), table)
    same(read_survey(path, book(rest=REST + "[file]\nsheet = 1\n")), table)
    with pytest.raises(DataError, match=r"has no sheet 'Data'; it has Sheet1, Notes"):
        read_survey(path, book(rest=REST + '[file]\nsheet = "Data"\n'))
    with pytest.raises(DataError, match=r"has 2 sheet\(s\); sheet = 7 is none"):
        read_survey(path, book(rest=REST + "[file]\nsheet = 7\n"))


def test_empty_rows_at_the_end_are_no_respondents(table, book, tmp_path):
    rows = [*rows_of(table), ["", None, None, None, None], [None] * 5]
    assert read_survey(workbook(rows, tmp_path / "a.xlsx"), book(rest=REST)).n == len(table)


def test_a_bomb_of_a_workbook_is_refused_before_it_unpacks(book, tmp_path):
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 120_000_000)
    with pytest.raises(DataError, match=r"would unpack from 0.1 MB to 120 MB and is refused"):
        read_survey(path, book())


def test_a_workbook_cut_in_the_middle_is_named(table, book, tmp_path):
    path = workbook(rows_of(table), tmp_path / "a.xlsx")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DataError, match="damaged or cut off"):
        read_survey(path, book(rest=REST))


@pytest.fixture
def spss(table, tmp_path):
    """An SPSS file with labels and a declared missing value 9 that stands among the answers."""
    coded = table.assign(sex=[1.0, 2.0] * 6)
    coded.loc[0, "P1"] = 9.0
    path = tmp_path / "a.sav"
    pyreadstat.write_sav(
        coded,
        str(path),
        column_labels={"P1": "速度", "sex": "性别"},
        variable_value_labels={"sex": {1: "女", 2: "男"}, "P1": {1: "很差", 7: "很好"}},
        missing_ranges={"P1": [9], "sex": [2]},
    )
    return path


def test_spss_codes_are_read_and_labels_kept_apart(spss, book):
    rest = '[covariates.sex]\ncolumn = "sex"\nmissing = [2]\n'
    survey = read_survey(spss, book(rest=rest))
    assert np.isnan(survey.raw("perception").iloc[0, 0])
    assert survey.raw("perception").iloc[6, 0] == 7
    assert survey.label("sex", "zh") == "性别"
    assert survey.value_label("sex", "1", "zh") == "女"
    assert read_raw(spss).labels["P1"] == "速度"


def test_a_value_that_spss_declares_missing_is_never_an_answer_silently(spss, book):
    with pytest.raises(
        DataError, match=r"column 'sex', .*declares 2 as missing, the codebook does"
    ):
        read_survey(spss, book(rest='[covariates.sex]\ncolumn = "sex"\n'))


def test_a_sas_file_without_data_is_named(book, tmp_path):
    path = tmp_path / "a.sas7bdat"
    magic = bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")
    path.write_bytes(bytes(12) + magic + bytes(64))
    with pytest.raises(DataError, match="cannot be read as a SAS file"):
        read_survey(path, book())


def test_lists_in_a_parquet_cell_are_named(book, tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"P1": [[1, 2]], "P2": [1], "P3": [1]}).to_parquet(path)
    with pytest.raises(DataError, match=r"column 'P1': holds .*not single answers"):
        read_survey(path, book())


def test_the_hash_is_of_the_bytes_read(table, book, tmp_path):
    import hashlib

    buffer = io.BytesIO()
    table.to_csv(buffer, index=False)
    path = tmp_path / "a.csv"
    path.write_bytes(buffer.getvalue())
    survey = read_survey(path, book(rest=REST))
    assert survey.provenance.sha256 == hashlib.sha256(buffer.getvalue()).hexdigest()


@pytest.mark.parametrize(("kind", "shown", "day"), [("sav", "DATE11", "1582-10-14"),
                                                    ("dta", "%td", "1960-01-02")])  # fmt: skip
def test_ratings_under_a_date_format_are_named_and_not_lost(kind, shown, day, book, tmp_path):
    path = tmp_path / f"a.{kind}"
    frame = pd.DataFrame({"P1": [1.0, 4.0], "P2": [2.0, 5.0], "P3": [3.0, np.nan]})
    write = pyreadstat.write_sav if kind == "sav" else pyreadstat.write_dta
    write(frame, str(path), variable_format={"P1": shown})
    with pytest.raises(DataError, match=f"column 'P1', .*the date {day} is no number"):
        read_survey(path, book())


def labelled(path, labels, values):
    """Write three items of one set of labels as an SPSS file."""
    frame = pd.DataFrame({item: [float(value) for value in values] for item in ITEMS})
    pyreadstat.write_sav(frame, str(path), variable_value_labels=dict.fromkeys(ITEMS, labels))
    return path


def test_a_code_that_the_file_calls_no_answer_is_never_an_answer_silently(book, tmp_path):
    path = labelled(tmp_path / "a.sav", {1: "很差", 5: "很好", 6: "不适用"}, [1, 6, 5, 6])
    with pytest.raises(
        DataError, match=r"'P1', rows 2, 4: the file's label of 6 is '不适用', .* add 6 to missing"
    ):
        read_survey(path, book())
    survey = read_survey(path, book(battery="missing = [6]\n"))
    assert survey.raw("perception")["1"].isna().tolist() == [False, True, False, True]


def test_labels_that_run_downwards_are_said(book, tmp_path):
    labels = {1: "非常同意", 2: "同意", 3: "一般", 4: "不同意", 5: "非常不同意"}
    path = labelled(tmp_path / "a.sav", labels, [1, 2, 5, 3])
    notes = read_survey(path, book()).provenance.notes
    assert [note.en for note in notes] == [
        "In the file, labels of perception run from 非常同意 (1) to 非常不同意 (5) (columns: P1, "
        "P2, P3): high numbers are the low answers. Number the codes under values if not meant."
    ]
    turned = "values = { 1 = 5, 2 = 4, 3 = 3, 4 = 2, 5 = 1 }\n"
    survey = read_survey(path, book(battery=turned))
    assert survey.provenance.notes == ()
    assert survey.raw("perception")["1"].tolist() == [5, 4, 1, 3]


FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


def sas(folder, *endings):
    """Copy the SAS files that ReadStat wrote (tests/fixtures/make_sas.py)."""
    for ending in endings:
        shutil.copy(FIXTURES / f"one_survey.{ending}", folder / f"a.{ending}")
    return folder / "a.sas7bdat"


def test_a_sas_file_takes_its_labels_from_the_catalog_beside_it(tmp_path):
    table = read_raw(sas(tmp_path, "sas7bdat", "sas7bcat"))
    assert table.value_labels["P1"] == {
        1: "非常不同意",
        2: "不同意",
        3: "一般",
        4: "同意",
        5: "非常同意",
    }
    assert table.labels["P1"] == "设施先进"
    assert "a.sas7bcat has no labels for the formats of 1 column(s): overall" in table.notes[0].en


def test_a_sas_file_without_its_catalog_says_that_labels_are_lacking(tmp_path):
    table = read_raw(sas(tmp_path, "sas7bdat"))
    assert table.value_labels == {}
    assert "(AGREE, SATISF) stand in a SAS catalog that is not here" in table.notes[0].en


def test_a_sas_catalog_of_another_name_is_named_in_the_codebook(tmp_path):
    path = sas(tmp_path, "sas7bdat", "sas7bcat")
    (tmp_path / "a.sas7bcat").rename(tmp_path / "formats.sas7bcat")
    assert "P1" in read_raw(path, FileFormat(catalog="formats.sas7bcat")).value_labels
    with pytest.raises(DataError, match=r"catalog other.sas7bcat of a.sas7bdat does not exist"):
        read_raw(path, FileFormat(catalog="other.sas7bcat"))
    (tmp_path / "broken.sas7bcat").write_bytes(b"no catalog")
    with pytest.raises(DataError, match=r"broken.sas7bcat cannot be read as a SAS catalog"):
        read_raw(path, FileFormat(catalog="broken.sas7bcat"))


def test_a_sas_file_holds_what_an_independent_reader_finds(tmp_path):
    path = sas(tmp_path, "sas7bdat")
    ours, theirs = read_raw(path).frame, pd.read_sas(path, encoding="utf-8")
    assert list(ours) == list(theirs)
    for column in ours:
        mine = ours[column].astype(object)
        same = (mine == theirs[column].astype(object)) | (mine.isna() & theirs[column].isna())
        assert same.all(), column


def test_letters_that_stata_declares_missing_are_never_answers_silently(book, table, tmp_path):
    frame = table.assign(sex=pd.Series(["a", *[1.0, 2.0] * 5, 1.0], dtype=object))
    frame["P1"] = frame["P1"].astype(object)
    frame.loc[0, "P1"] = "b"
    path = tmp_path / "a.dta"
    letters = {"sex": ["a"], "P1": ["b"]}
    pyreadstat.write_dta(frame, str(path), version=15, missing_user_values=letters)
    rest = '[covariates.sex]\ncolumn = "sex"\n'
    with pytest.raises(DataError, match="'b' is no number") as raised:
        read_survey(path, book(rest=rest))
    assert "column 'sex', row 1: the file declares 'a' as missing" in str(raised.value)
    survey = read_survey(path, book(battery='missing = ["b"]\n', rest=rest + 'missing = ["a"]\n'))
    assert np.isnan(survey.raw("perception").iloc[0, 0])
    assert survey.covariates["sex"].isna().tolist() == [True, *[False] * 11]
