"""What can be asked of this survey? Which sections a study has, decided from what it holds."""

from dataclasses import dataclass
from typing import Literal

from servlab.core.errors import ModelError
from servlab.data.survey import Survey
from servlab.scales.weighting import WeightSource

GROUP_ROLES = ("branch", "segment", "wave", "mode")
NO_GROUP = "none"


@dataclass(frozen=True, slots=True)
class StudyChoices:
    """What a study of one survey analyses.

    Attributes
    ----------
    outcome : str
        The outcome to explain; empty without one.
    group : str
        The covariate to compare groups by; empty without one.
    weights : str
        Where weights of the dimensions come from by default: the respondents where they gave
        importance, else published weights where the instrument has them, else equal.
    importance : {"stated", "derived", ""}
        Which importance stands beside performance; empty when neither can.
    importance_level : {"item", "dimension"}
        What a row of importance beside performance is.
    rating_batteries : tuple of str
        The batteries that are ratings of service, not importance.
    has_dimensions : bool
        Whether the instrument has dimensions.
    """

    outcome: str
    group: str
    weights: WeightSource
    importance: Literal["stated", "derived", ""]
    importance_level: Literal["item", "dimension"]
    rating_batteries: tuple[str, ...]
    has_dimensions: bool


def study_choices(survey: Survey, *, outcome: str = "", group: str = "") -> StudyChoices:
    """Decide what a study analyses from what its survey holds.

    Parameters
    ----------
    survey : Survey
        The survey of the study.
    outcome : str
        An outcome of the survey; empty takes its first.
    group : str
        A covariate; empty takes the first whose role is branch, segment, wave or mode;
        ``"none"`` compares no groups.

    Returns
    -------
    StudyChoices

    Raises
    ------
    ModelError
        When the survey has no such outcome or covariate.

    Examples
    --------
    >>> import servlab as sl
    >>> choices = sl.study_choices(sl.load_example("servqual"))
    >>> choices.outcome, choices.group, choices.weights
    ('satisfaction', 'branch', 'respondent')
    """
    outcomes = [str(name) for name in survey.outcomes.columns]
    if outcome and outcome not in outcomes:
        known = ", ".join(outcomes) or "none"
        raise ModelError(f"the survey has no outcome {outcome!r}; it has {known}.")
    chosen = outcome or (outcomes[0] if outcomes else "")
    dimensions = bool(survey.instrument.dimension_codes)
    stated = survey.has("importance") or survey.importance_points is not None
    importance: Literal["stated", "derived", ""] = "derived" if chosen else ""
    if stated and (dimensions or survey.has("importance")):
        importance = "stated"
    return StudyChoices(
        outcome=chosen,
        group=_group(survey, group),
        weights=_weights(survey, stated),
        importance=importance,
        importance_level="dimension" if dimensions else "item",
        rating_batteries=tuple(b for b in survey.batteries if b != "importance"),
        has_dimensions=dimensions,
    )


def _group(survey: Survey, group: str) -> str:
    if group == NO_GROUP:
        return ""
    covariates = [str(name) for name in survey.covariates.columns]
    if group:
        if group not in covariates:
            known = ", ".join(covariates) or "none"
            raise ModelError(f"the survey has no covariate {group!r}; it has {known}.")
        return group
    for role in GROUP_ROLES:
        for name in covariates:
            known_role = survey.variables[name].role if name in survey.variables else "other"
            if known_role == role and survey.covariates[name].nunique() > 1:
                return name
    return ""


def _weights(survey: Survey, stated: bool) -> WeightSource:
    if stated:
        return "respondent"
    return "reference" if survey.instrument.reference_weights else "equal"
