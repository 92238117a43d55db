"""The frame of a regression study: how its numbers were computed, and why some were not."""

from typing import Literal

from servlab.core.checks import check_choice
from servlab.core.errors import ModelError, NotConvergedError, NoWeightsError, SeparationError
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.linear import RegressionResult
from servlab.presentation.display import Note, Prose
from servlab.presentation.labels import listed, plain, predictor_label, variable_label
from servlab.presentation.messages import join_sentences, message

Part = Literal[
    "steps", "moderation", "quantiles", "ordinal", "brant", "top_box", "multilevel", "mediation"
]  # fmt: skip
PARTS = (
    "steps",
    "moderation",
    "quantiles",
    "ordinal",
    "brant",
    "top_box",
    "multilevel",
    "mediation",
)


def regression_methods(
    model: RegressionResult, *, survey: Survey | None = None, language: Language = "en"
) -> Prose:
    """Return how the numbers of a regression study were computed.

    Parameters
    ----------
    model : RegressionResult
        The regression of the study.
    survey : Survey, optional
        The survey; its weights are mentioned where it has them.
    language : {"en", "zh"}
        Language of the text.

    Returns
    -------
    Prose
    """
    names = ["errors", "moderation", "agreement"]
    if survey is not None and survey.weights is not None:
        names.insert(1, "weights")
    first = message("regression.methods_model", language, formula=plain(model.formula))
    points = [first, *(message(f"regression.methods_{name}", language) for name in names)]
    if (survey is not None and survey.weights is not None) or model.n_clusters:
        points.append(message("regression.brant_needs", language))
    return Prose(tuple(points), form="points")


def not_computed(
    error: ModelError, part: Part, *, survey: Survey | None = None, language: Language = "en"
) -> Note:
    """Return a panel that says why a part of a regression study is not there.

    A study asks more than every survey can answer; what cannot be computed must not take the
    rest of the report with it, and must not vanish without a word.

    Parameters
    ----------
    error : ModelError
        What the function of that part raised.
    part : str
        What is not there: ``steps``, ``moderation``, ``quantiles``, ``ordinal``, ``brant``,
        ``top_box``, ``multilevel`` or ``mediation``.
    survey : Survey, optional
        For the labels of the columns; their names without it.
    language : {"en", "zh"}
        Language of the panel.

    Returns
    -------
    Note

    Raises
    ------
    ModelError
        For an unknown part.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> from servlab.core.errors import ModelError
    >>> data = pd.DataFrame({"top": [0] * 10 + [1] * 10, "x": range(20)})
    >>> try:
    ...     fit = sl.logistic_regress("top ~ x", data)
    ... except ModelError as error:
    ...     print(not_computed(error, "top_box").text[0][:57])
    By x, every answer on top is foretold without error (comp
    """
    check_choice("part", part, PARTS)
    what = message(f"regression.part_{part}", language)
    if isinstance(error, NoWeightsError):
        text = message("regression.part_weights", language)
    elif isinstance(error, SeparationError):
        text = _separated(error, survey, language)
    elif isinstance(error, NotConvergedError):
        text = message("regression.part_not_converged", language)
    else:
        text = message("regression.part_refused", language, reason=plain(str(error)))
    title = message("regression.not_computed", language, what=what)
    return Note(text, title=title, language=language)


def _separated(error: SeparationError, survey: Survey | None, language: Language) -> str:
    """Return which predictors separate which answers, where, and what to do."""
    names = [predictor_label(term, survey, language) for term in error.predictors]
    kind = "separated_complete" if error.complete else "separated"
    words = {
        "names": listed(names, language),
        "outcome": variable_label(error.outcome, survey, language),
    }
    parts = [message(f"regression.{kind}", language, **words)]
    if error.cut is not None:
        parts.append(message("regression.separated_cut", language, cut=f"{error.cut:g}"))
    parts.append(message("regression.separated_do", language))
    return join_sentences(parts, language)
