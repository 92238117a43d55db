"""Cells kept as codes are the cells; the fast reader of plain text reads as the careful one."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servlab.core.errors import DataError
from servlab.data.codebook import FileFormat
from servlab.data.formats import text as careful
from servlab.data.formats.cells import CellColumns, blank_cells, cells_of, filled_rows
from servlab.data.formats.fast_text import fast_columns
from servlab.data.formats.text import read_text

CELLS = st.one_of(
    st.none(), st.text("ab1 ", max_size=3), st.floats(allow_nan=False), st.integers(0, 3),
    st.just(float("nan")), st.booleans(),
)  # fmt: skip


def plain(cell):
    if isinstance(cell, bool):
        return str(cell).upper()
    return None if cell is None or cell != cell else cell


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=12), st.integers(1, 12))
@settings(max_examples=100, deadline=None)
def test_coded_cells_are_the_cells(rows, piece):
    columns = CellColumns(2)
    for start in range(0, len(rows), piece):
        columns.add_rows(rows[start : start + piece])
    frame = columns.frame(["x", "x"])
    assert len(frame) == len(rows)
    for place in range(2):
        codes, cells = cells_of(frame.iloc[:, place])
        found = [None if code < 0 else cells[code] for code in codes]
        assert found == [plain(row[place]) for row in rows]


def test_rows_left_out_leave_no_cell_behind():
    columns = CellColumns(1)
    columns.add_cells(0, ["a", "b", None, "", "c"])
    column = columns.frame(["x"])["x"]
    codes, cells = cells_of(column.iloc[1:4])
    assert (codes.tolist(), cells) == ([0, -1, 1], ["b", ""])
    assert blank_cells(column).tolist() == [False, False, True, True, False]
    assert filled_rows(column.iloc[:4].to_frame()) == 2


def test_many_different_cells_need_wider_codes():
    columns = CellColumns(1)
    cells = [f"R{k}" for k in range(40_000)]
    for start in range(0, 40_000, 100):
        columns.add_cells(0, cells[start : start + 100])
    assert columns.frame(["x"])["x"].tolist() == cells


LINES = st.lists(
    st.lists(st.text("1 x.满;\u2028\x0b'", max_size=3), min_size=2, max_size=4).map(",".join),
    max_size=8,
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@given(lines=LINES, end=st.sampled_from(["\n", "\r\n", "\r"]), last=st.booleans(),
       block=st.integers(20, 60))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_the_fast_reader_reads_as_the_careful_one_or_steps_back(encoding, lines, end, last, block):
    content = (end.join(["A,B,C", *lines]) + (end if last else "")).encode(encoding)
    fast = fast_columns(content, encoding, ",", 1, block=block)
    if fast is None:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(careful, "fast_columns", lambda *_: None)
        slow = read_text("a.csv", content, FileFormat(encoding=encoding, delimiter=","), None)
    pd.testing.assert_frame_equal(fast.astype(object), slow.frame.astype(object))
    assert slow.rows is None
    assert slow.first_row == 2


@pytest.mark.parametrize("text", ['a,b\n"1",2\n', "a,b\n1\n", "a,b\n1,2\n\n", "a\n1\n"])
def test_the_fast_reader_steps_back_from_what_is_not_plain(text):
    assert fast_columns(text.encode(), "utf-8", ",", 1) is None


def test_a_cell_without_end_is_refused():
    long = "x" * 999_999
    table = read_text("a.csv", f"a,b\n1,{long}\n".encode(), FileFormat(), None)
    assert table.frame["b"][0] == long
    with pytest.raises(DataError, match="field larger than field limit"):
        read_text("a.csv", f"a,b\n1,{long}xx\n".encode(), FileFormat(), None)
