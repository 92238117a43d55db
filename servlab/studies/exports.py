"""Tables handed on: as Word, Excel and LaTeX files.

The writers of ``presentation.export`` make the bytes; here they are put on the disk, each file
whole or not at all. ``run_exports`` does the same for the tables of a study's run.
"""

from collections.abc import Iterator, ValuesView
from pathlib import Path
from typing import TYPE_CHECKING

from servlab.core.errors import ModelError, ParameterError, StudyError
from servlab.data.schema import LANGUAGES, Language
from servlab.studies.publish import write_together

if TYPE_CHECKING:
    from servlab.presentation.export import Form
    from servlab.presentation.tables import Table

_ENDINGS = ".docx, .xlsx or .tex"


def export_tables(
    tables: object, path: str | Path, *, language: str | None = None, title: str = ""
) -> tuple[Path, ...]:
    r"""Write tables to a Word, Excel or LaTeX file.

    Parameters
    ----------
    tables : Table, result or sequence of them
        Tables as ``table`` makes them, or results of which it makes tables. They are numbered
        from 1 in their order.
    path : str or Path
        A file; its ending decides: ``.docx`` (Word, in the look of APA 7 or as a 三线表),
        ``.xlsx`` (Excel, numbers with their full precision) or ``.tex`` (LaTeX, for
        ``\input``). An existing folder gets all three, as ``tables.docx`` and so on. A file
        that exists is replaced.
    language : {"en", "zh"}, optional
        Language of the tables made of results, default English. All tables of a file are in
        one language, which is the file's.
    title : str
        Title of the document, on top of it and in its properties.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    ModelError
        When there is no table, a value has none, or the tables are in two languages.
    ParameterError
        When the ending is none of the three or the file cannot be written; then every file is
        as it was.

    Notes
    -----
    All files show the numbers as ``table`` shows them. In Excel a number keeps its full
    precision, an interval takes two columns, a missing number is an empty cell; text that
    begins with ``=``, ``+``, ``-`` or ``@`` is text, never a formula. The same tables give the
    same bytes: no name and no clock is in a file. Options of a table (``instrument``,
    ``level``, ``survey``) belong to ``table``: make it there and give it here.

    Examples
    --------
    >>> import tempfile
    >>> import servlab as sl
    >>> gaps = sl.gap_scores(sl.load_example("servqual"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = export_tables([gaps, sl.table(gaps, level="item")], f"{folder}/gaps.docx")
    ...     [file.name for file in files]
    ['gaps.docx']
    """
    from servlab.presentation.export import write_tables

    made = as_tables(tables, language)
    places = _places(Path(path))
    content = {
        place: write_tables(made, form, title=title, name=place.stem)
        for place, form in places.items()
    }
    try:
        write_together(content)
    except StudyError as err:  # no study here: the caller named a place that cannot be written
        raise ParameterError(str(err)) from None
    return tuple(content)


def as_tables(tables: object, language: str | None) -> list["Table"]:
    """Return what was given as tables, results turned into tables."""
    from servlab.presentation.result_tables import table as make_table
    from servlab.presentation.tables import Table

    if language is not None and language not in LANGUAGES:
        raise ModelError(f"language must be one of {', '.join(LANGUAGES)}; got {language!r}.")
    several = isinstance(tables, list | tuple | Iterator | ValuesView)
    given = list(tables) if several else [tables]  # type: ignore[call-overload]
    spoken: Language = "zh" if language == "zh" else "en"
    made = [
        each if isinstance(each, Table) else make_table(each, language=spoken) for each in given
    ]
    others = [each.caption for each in made if language and each.language != language]
    if others:
        raise ModelError(
            f"language={language!r} is asked for, but these tables were made in another one: "
            f"{', '.join(map(repr, others))}; make them with table(result, language={language!r})."
        )
    return made


def _places(path: Path) -> dict[Path, "Form"]:
    """Return the files to write and their forms."""
    from servlab.presentation.export import FORMS

    if path.is_dir():
        return {path / f"tables.{form}": form for form in FORMS}
    for form in FORMS:
        if path.suffix.lower() == f".{form}":
            return {path: form}
    raise ParameterError(
        f"path must end in {_ENDINGS}, or be an existing folder for all three; got {str(path)!r}."
    )
