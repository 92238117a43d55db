"""The frame of a regression study: how its numbers were computed."""

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.regression.linear import RegressionResult
from servlab.presentation.display import Prose
from servlab.presentation.labels import plain
from servlab.presentation.messages import message


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
    return Prose(tuple(points), form="points")
