"""The door of the sentences: ``narrate`` chooses by the kind of result."""

from functools import singledispatch

from servlab.core.errors import ModelError
from servlab.data.schema import Language
from servlab.presentation.display import Prose


@singledispatch
def narrate(result: object, *, language: Language = "en") -> Prose:
    """Say a result in sentences.

    Parameters
    ----------
    result : object
        A result of servlab: gaps, scores, zone of tolerance, reliability, score forms,
        regression, groups, importance beside performance, sampling adequacy, factors.
    language : {"en", "zh"}
        Language of the sentences; a codebook's labels stay as they are.

    Returns
    -------
    Prose

    Raises
    ------
    ModelError
        When no sentences exist for this kind of value.

    Notes
    -----
    Words follow numbers: where an interval holds zero the two "are level"; a threshold is named
    with its source; importance is called association.

    Examples
    --------
    >>> import servlab as sl
    >>> print(narrate(sl.gap_scores(sl.load_example("servqual"))).paragraphs[0])
    Customers rate the service below ...
    """
    raise ModelError(
        f"there are no sentences for a {type(result).__name__} ({language}); give a result such "
        "as gap_scores(survey)."
    )
