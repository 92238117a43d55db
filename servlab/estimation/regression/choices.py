"""Which regressions can be asked of this survey? Formulas and sections, from what it holds."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.data.survey import WEIGHTS, Survey
from servlab.estimation.choices import study_choices
from servlab.estimation.regression.formulas import formula, quote_column
from servlab.scales.scoring import score_dimensions

MOST_CATEGORIES = 7  # distinct answers up to which an outcome is also taken as ordered
FEWEST_GROUPS = 5  # groups that a multilevel model needs to tell how they differ


@brief
@dataclass(frozen=True, slots=True, eq=False)
class RegressionChoices:
    """What a regression study of one survey analyses.

    Attributes
    ----------
    data : DataFrame
        (n, v) dimension scores, covariates, outcomes, and ``weights`` where the survey has them.
    outcome : str
        The outcome to explain.
    dimensions, controls : tuple of str
        Columns of the predictors; without dimensions the items stand in for them.
    moderator : str
        Empty without one.
    focal : tuple of str
        Dimensions whose slope by the moderator is looked at.
    groups : str
        Covariate of a multilevel model; empty without one, or with fewer than five groups.
    cluster : str or None
        Column of clustered errors.
    weights : str or None
        The column of weights, or None.
    base, full : str
        Formulas: controls and dimensions; with the products of the focal dimensions too.
    steps : tuple of str
        Formulas of nested steps: controls, dimensions, products.
    ordinal : bool
        Whether the outcome has few enough answers to be taken as ordered too.
    """

    data: pd.DataFrame
    outcome: str
    dimensions: tuple[str, ...]
    controls: tuple[str, ...]
    moderator: str
    focal: tuple[str, ...]
    groups: str
    cluster: str | None
    weights: str | None
    base: str
    full: str
    steps: tuple[str, ...]
    ordinal: bool


def regression_choices(
    survey: Survey,
    *,
    outcome: str = "",
    controls: Sequence[str] = (),
    moderator: str = "",
    focal: Sequence[str] = (),
    groups: str = "",
    cluster: str = "",
) -> RegressionChoices:
    """Decide what a regression study analyses from what its survey holds.

    Parameters
    ----------
    survey : Survey
        The survey of the study; it has an outcome and a perception battery.
    outcome : str
        An outcome; empty takes the first.
    controls : sequence of str
        Covariates that enter first.
    moderator : str
        A covariate or dimension on which slopes may depend.
    focal : sequence of str
        Dimensions whose slopes may; empty takes all.
    groups : str
        Covariate of a multilevel model; empty takes the first branch of five or more,
        ``"none"`` none.
    cluster : str
        Covariate over which errors are clustered.

    Returns
    -------
    RegressionChoices

    Raises
    ------
    ModelError
        When there is no outcome, or a name is unknown.

    Examples
    --------
    >>> import servlab as sl
    >>> chosen = sl.regression_choices(sl.load_example("abc"), controls=["country"])
    >>> chosen.outcome, chosen.ordinal, len(chosen.steps)
    ('satisfaction', True, 2)
    """
    target = study_choices(survey, outcome=outcome, group="none").outcome
    if not target:
        raise ModelError("the survey has no outcome to explain; name its column in the codebook.")
    scores = _scores(survey)
    dimensions = tuple(str(name) for name in scores.columns if name != target)
    data = scores.join(survey.frame()[[c for c in _others(survey) if c not in scores.columns]])
    _known("controls", controls, data)
    _known("moderator", [moderator] if moderator else [], data)
    _known("cluster", [cluster] if cluster else [], data)
    _known("focal", focal, scores)
    focal = [name for name in focal or dimensions if name != moderator] if moderator else []
    outer = [c for c in controls if c not in dimensions]
    if moderator and moderator not in (*outer, *dimensions):
        outer.append(moderator)
    base = formula(target, [*outer, *dimensions])
    products = "".join(f" + {quote_column(d)}:{quote_column(moderator)}" for d in focal)
    steps = [formula(target, outer)] if outer else []
    steps += [base, base + products] if products else [base]
    return RegressionChoices(
        data=data,
        outcome=target,
        dimensions=dimensions,
        controls=tuple(outer),
        moderator=moderator,
        focal=tuple(focal),
        groups=_groups(survey, groups, target, data, outer),
        cluster=cluster or None,
        weights=WEIGHTS if survey.weights is not None else None,
        base=base,
        full=base + products,
        steps=tuple(steps),
        ordinal=3 <= data[target].nunique() <= MOST_CATEGORIES,
    )


def _scores(survey: Survey) -> pd.DataFrame:
    """Return the dimension scores of the perceptions; the items of an instrument without."""
    items = survey.items("perception")
    if not survey.instrument.dimension_codes:
        return items.add_prefix("perception_")
    return score_dimensions(items, survey.instrument, survey.min_answered)


def _others(survey: Survey) -> list[str]:
    own = [WEIGHTS] if survey.weights is not None else []
    return [str(c) for c in (*survey.covariates.columns, *survey.outcomes.columns, *own)]


def _known(argument: str, names: Sequence[str], data: pd.DataFrame) -> None:
    unknown = [name for name in names if name not in data.columns]
    if unknown:
        known = ", ".join(str(c) for c in data.columns if c != WEIGHTS)
        raise ModelError(
            f"{argument} names {unknown}, which the survey does not have; it has {known}."
        )


def _groups(
    survey: Survey, groups: str, outcome: str, data: pd.DataFrame, taken: Sequence[str]
) -> str:
    """Return the covariate of a multilevel model: named, or a branch with enough groups.

    A covariate that is a predictor already cannot group as well.
    """
    name = study_choices(survey, group=groups).group
    if not name or name in taken:
        return ""
    role = survey.variables[name].role if name in survey.variables else "other"
    enough = data.loc[data[outcome].notna(), name].nunique() >= FEWEST_GROUPS
    return name if enough and (groups or role == "branch") else ""
