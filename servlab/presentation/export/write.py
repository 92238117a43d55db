"""The door of the writers: tables in, the bytes of one file out."""

from collections.abc import Sequence
from typing import Literal

from servlab.core.checks import check_choice
from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.presentation.tables import Table

Form = Literal["docx", "xlsx", "tex"]
FORMS: tuple[Form, ...] = ("docx", "xlsx", "tex")


def write_tables(tables: Sequence[Table], form: Form, *, title: str = "", name: str = "") -> bytes:
    r"""Return a file that holds the tables, numbered from 1 in their order.

    Parameters
    ----------
    tables : sequence of Table
        At least one; all in one language, which becomes the file's.
    form : {"docx", "xlsx", "tex"}
        Word document, Excel workbook or LaTeX.
    title : str
        Title of the document; empty leaves it out.
    name : str
        What LaTeX's labels are called after: ``\label{tab:name-1}``.

    Raises
    ------
    ModelError
        When there is no table, or the tables are in two languages.
    """
    check_choice("form", form, FORMS)
    language = common_language(tables)
    if form == "docx":
        from servlab.presentation.export.word import write_word

        return write_word(tables, language, title)
    if form == "xlsx":
        from servlab.presentation.export.excel import write_excel

        return write_excel(tables, language, title)
    from servlab.presentation.export.latex import write_latex

    return write_latex(tables, language, title, name).encode("utf-8")


def common_language(tables: Sequence[Table]) -> Language:
    """Return the language of all tables, or raise ``ModelError`` when there is not one."""
    if not tables:
        raise ModelError("there is no table to export; give at least one.")
    spoken = [table.language for table in tables]
    if len(set(spoken)) > 1:
        places = "; ".join(
            f"{language}: {', '.join(str(i + 1) for i, s in enumerate(spoken) if s == language)}"
            for language in sorted(set(spoken))
        )
        raise ModelError(
            f"the tables of one file must be in one language; got tables {places}. "
            "Make them all with the same language=, or export them apart."
        )
    return spoken[0]
