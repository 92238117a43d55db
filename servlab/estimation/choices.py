"""What can be asked of this survey? Which sections a study has, decided from what it holds."""

from dataclasses import dataclass
from typing import Literal

from servlab.core.errors import ModelError
from servlab.data.survey import Survey
from servlab.estimation.efa_fit import most_factors
from servlab.scales.weighting import WeightSource

GROUP_ROLES = ("branch", "segment", "wave", "mode")
NO_GROUP = "none"
FEWEST_OF_MODE = 5  # respondents that a mode needs to be compared


@dataclass(frozen=True, slots=True)
class StudyChoices:
    """What a study of one survey analyses.

    Attributes
    ----------
    outcome : str
        The outcome to explain; empty without one.
    group : str
        The covariate to compare groups by; empty without one.
    mode : str
        The covariate whose role is mode, where two modes have five respondents; empty without.
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
    mode: str
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
        mode=_mode(survey),
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


def _mode(survey: Survey) -> str:
    """Return the covariate that holds the mode of collection, when it can be compared."""
    for name in map(str, survey.covariates.columns):
        known = survey.variables.get(name)
        large = survey.covariates[name].value_counts() >= FEWEST_OF_MODE
        if known is not None and known.role == "mode" and large.sum() > 1:
            return name
    return ""


def _weights(survey: Survey, stated: bool) -> WeightSource:
    if stated:
        return "respondent"
    return "reference" if survey.instrument.reference_weights else "equal"


@dataclass(frozen=True, slots=True)
class ValidationChoices:
    """What a validation of one battery can do.

    Attributes
    ----------
    battery : str
        The battery that is validated.
    n_items, n_complete : int
        Its items, and the respondents who answered all of them.
    has_dimensions : bool
        Whether its instrument has dimensions.
    most_factors : int
        The most factors that so many items carry.
    """

    battery: str
    n_items: int
    n_complete: int
    has_dimensions: bool
    most_factors: int

    def group_factors(self, n_factors: int) -> int:
        """Return the group factors for omega hierarchical.

        Two cannot tell their general loadings apart, so they become three where the items carry
        them, and one (omega total only) where they do not.
        """
        if n_factors != 2:
            return n_factors
        return 3 if self.most_factors >= 3 else 1


def validation_choices(survey: Survey, *, battery: str = "auto") -> ValidationChoices:
    """Decide what a validation of one battery can do.

    Parameters
    ----------
    survey : Survey
        The survey of the study.
    battery : str
        A battery of the survey; ``"auto"`` takes perception, or the first there is.

    Returns
    -------
    ValidationChoices

    Raises
    ------
    ModelError
        When the survey has no such battery, or it has fewer than three items.

    Examples
    --------
    >>> import servlab as sl
    >>> choices = sl.validation_choices(sl.load_example("servqual"))
    >>> choices.battery, choices.n_items, choices.n_complete
    ('perception', 22, 361)
    """
    chosen = battery
    if battery == "auto":
        chosen = "perception" if survey.has("perception") else survey.batteries[0]
    items = survey.items(chosen)
    k, complete = items.shape[1], int(items.notna().all(axis=1).sum())
    if k < 3:
        raise ModelError(f"a scale validation needs at least 3 items; {chosen!r} has {k}.")
    return ValidationChoices(
        battery=chosen,
        n_items=k,
        n_complete=complete,
        has_dimensions=bool(survey.instrument.dimension_codes),
        most_factors=most_factors(k),
    )
