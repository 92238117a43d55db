"""The door of the tables: ``table`` chooses by the kind of result."""

from functools import singledispatch

from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.presentation.tables import Table


@singledispatch
def table(result: object, *, language: Language = "en") -> Table:
    """Show a result as a table.

    Parameters
    ----------
    result : object
        A result of servlab. Further options belong to the kind of result: ``level`` (gaps,
        scores, zone of tolerance), ``instrument`` and ``name`` (reliability, sampling adequacy,
        factors), ``labels`` and ``outcome`` (regression), ``survey`` (groups),
        ``show`` and ``survey`` (latent models, invariance).
    language : {"en", "zh"}
        Language of headings and notes; a codebook's labels stay as they are.

    Returns
    -------
    Table
        Raw numbers with caption, headings, formats and notes.

    Raises
    ------
    ModelError
        When no table exists for this kind of value.

    Examples
    --------
    >>> import servlab as sl
    >>> gaps = table(sl.gap_scores(sl.load_example("servqual")), language="zh")
    >>> gaps.caption
    '各维度感知与期望的差距'
    """
    raise ModelError(
        f"there is no table for a {type(result).__name__} ({language}); give a result such as "
        "gap_scores(survey), or its tidy() frame to pandas."
    )
