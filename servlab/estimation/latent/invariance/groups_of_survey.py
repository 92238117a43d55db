"""Does the scale work alike in the groups a study compares, as far as they are large enough?"""

from dataclasses import dataclass

from servlab.core.brief import brief
from servlab.core.checks import check_choice
from servlab.core.errors import ModelError
from servlab.data.survey import Survey
from servlab.estimation.latent.choices import model_choices
from servlab.estimation.latent.invariance.measurement import (
    InvarianceResult,
    measurement_invariance,
)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class GroupInvariance:
    """The test of measurement invariance beside a comparison of groups, or why there is none.

    Attributes
    ----------
    by : str
        The covariate that forms the groups.
    battery : str
        The battery tested.
    result : InvarianceResult or None
        None when it could not be tested.
    fewest : int
        Respondents that a group needs: 50, or five an item where that is more.
    left_out : tuple of str
        Groups too small to enter.
    reason : {"", "small", "model"}
        Why there is no result: fewer than two groups are large enough, or the model could not
        be estimated in them.
    detail : str
        What the estimator said, in the second case.
    """

    by: str
    battery: str
    result: InvarianceResult | None
    fewest: int
    left_out: tuple[str, ...]
    reason: str
    detail: str


def group_invariance(survey: Survey, *, by: str, battery: str = "perception") -> GroupInvariance:
    """Test whether a battery's instrument works alike in groups, where they are large enough.

    Parameters
    ----------
    survey : Survey
        Its weights are used.
    by : str
        A covariate of the survey.
    battery : str
        A battery of the survey.

    Returns
    -------
    GroupInvariance
        With the ``measurement_invariance`` of the instrument's own model by MLR, under Chen's
        rule; a model that cannot be estimated is told in ``reason``, not raised, since the
        comparison beside it stands without.

    Raises
    ------
    ModelError
        When the survey has no such covariate or battery.

    Examples
    --------
    >>> import servlab as sl
    >>> found = sl.group_invariance(sl.load_example("servqual"), by="branch")
    >>> found.result is None, found.reason, found.fewest
    (True, 'small', 110)
    """
    check_choice("battery", battery, survey.batteries)
    chosen = model_choices(survey, battery=battery, group=by)  # type: ignore[arg-type]
    result, reason, detail = None, "", ""
    if not chosen.group:
        reason = "small"
    else:
        try:
            result = measurement_invariance(
                chosen.model, chosen.group_data, group=chosen.group, estimator="MLR",
                missing=chosen.missing, weights=chosen.group_weights,
            )  # fmt: skip
        except ModelError as error:
            reason, detail = "model", str(error)
    return GroupInvariance(
        by=by,
        battery=battery,
        result=result,
        fewest=chosen.fewest,
        left_out=chosen.left_out if result else (),
        reason=reason,
        detail=detail,
    )
