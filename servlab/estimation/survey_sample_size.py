"""How many respondents does a survey need? For a mean, a share, a gap, or two branches.

For precision (a confidence interval of a given half-width) the normal quantile is used
[cochran1977]_; for power the exact noncentral t, as in G*Power and R.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from scipy import stats

from servlab.core.checks import check_conf_level
from servlab.core.errors import ModelError
from servlab.estimation.power import smallest_n, t_power

What = Literal["mean", "share", "gap", "difference"]


@dataclass(frozen=True, slots=True)
class SampleSize:
    """Respondents that a survey needs.

    Attributes
    ----------
    what : {"mean", "share", "gap", "difference"}
        What is to be estimated or found.
    n : int
        Completed questionnaires needed, all groups together.
    per_group : tuple of int
        The same by group; one entry except for a difference.
    n_simple : float
        The first group's n before rounding up, finite population and design effect.
    n_invited : int or None
        People to invite, n over the response rate; None without a response rate.
    goal : {"precision", "power"}
        Whether the interval's half-width (``margin``) or the ``power`` to find a true ``detect``
        was fixed.
    margin, detect, power : float or None
        In the unit of what is estimated (scale points, share).
    conf_level : float
        Level of the interval; 1 minus it is the two-sided error of the test.
    population : int or None
        Size of the population, where it is small enough to matter.
    design_effect : float
        Factor for clustering or weighting.
    """

    what: What
    n: int
    per_group: tuple[int, ...]
    n_simple: float
    n_invited: int | None
    goal: Literal["precision", "power"]
    margin: float | None
    detect: float | None
    power: float | None
    conf_level: float
    population: int | None
    design_effect: float


def sample_size_mean(
    *,
    std_dev: float,
    margin: float,
    conf_level: float = 0.95,
    population: int | None = None,
    design_effect: float = 1.0,
    response_rate: float | None = None,
) -> SampleSize:
    """Return the respondents needed to estimate a mean within a margin.

    Parameters
    ----------
    std_dev : float
        Expected standard deviation, in scale points.
    margin : float
        Half-width of the interval wanted, in scale points.
    conf_level : float
        Level of the interval, in (0, 1).
    population : int, optional
        Size of the population, for the finite population correction.
    design_effect : float
        Factor for clustering or weighting, over 0.
    response_rate : float, optional
        Share of those invited that will answer, in (0, 1].

    Returns
    -------
    SampleSize

    Raises
    ------
    ModelError
        For numbers outside their range.

    Notes
    -----
    n0 = (z s / m)^2; with a population of N, n0 / (1 + n0 / N); times the design effect, at most
    N, rounded up [cochran1977]_.

    References
    ----------
    .. [cochran1977] Cochran (1977), Sampling techniques, 3rd edition.

    Examples
    --------
    >>> import servlab as sl
    >>> sl.sample_size_mean(std_dev=1.3, margin=0.1).n
    650
    """
    frame = _Frame(conf_level, population, design_effect, response_rate)
    _over_zero(std_dev=std_dev, margin=margin)
    n0 = (frame.z * std_dev / margin) ** 2
    return frame.result("mean", (n0,), margin=margin, correct=_for_means)


def sample_size_share(
    *,
    margin: float,
    share: float = 0.5,
    conf_level: float = 0.95,
    population: int | None = None,
    design_effect: float = 1.0,
    response_rate: float | None = None,
) -> SampleSize:
    """Return the respondents needed to estimate a share within a margin.

    Parameters
    ----------
    margin : float
        Half-width of the interval wanted, a share in (0, 1).
    share : float
        The share expected, in (0, 1); one half needs most.
    conf_level, population, design_effect, response_rate
        As in ``sample_size_mean``.

    Returns
    -------
    SampleSize

    Notes
    -----
    n0 = z^2 p (1 - p) / m^2; with a population of N, n0 / (1 + (n0 - 1) / N) [cochran1977]_.

    References
    ----------
    .. [cochran1977] Cochran (1977), Sampling techniques, 3rd edition.

    Examples
    --------
    >>> import servlab as sl
    >>> sl.sample_size_share(margin=0.05).n, sl.sample_size_share(margin=0.05, population=1000).n
    (385, 278)
    """
    frame = _Frame(conf_level, population, design_effect, response_rate)
    _over_zero(margin=margin)
    if not 0 < share < 1 or margin >= 1:
        raise ModelError(
            f"share and margin lie between 0 and 1; got share = {share!r}, margin = {margin!r}."
        )
    n0 = frame.z**2 * share * (1 - share) / margin**2
    return frame.result("share", (n0,), margin=margin, correct=_for_shares)


def sample_size_gap(
    *,
    std_dev: float,
    margin: float | None = None,
    detect: float | None = None,
    power: float = 0.8,
    conf_level: float = 0.95,
    population: int | None = None,
    design_effect: float = 1.0,
    response_rate: float | None = None,
) -> SampleSize:
    """Return the respondents needed to estimate a gap within a margin, or to find one.

    Parameters
    ----------
    std_dev : float
        Expected standard deviation of the gap (perception minus expectation of a respondent):
        ``sqrt(sp**2 + se**2 - 2 * r * sp * se)`` from those of both batteries and their
        correlation.
    margin : float, optional
        Half-width of the interval wanted; give this or ``detect``.
    detect : float, optional
        A true gap, in scale points, that the paired t test should find.
    power : float
        Probability of finding it, in (0, 1).
    conf_level, population, design_effect, response_rate
        As in ``sample_size_mean``.

    Returns
    -------
    SampleSize

    Notes
    -----
    Power is that of the two-sided paired t test, from the noncentral t distribution.

    Examples
    --------
    >>> import servlab as sl
    >>> sl.sample_size_gap(std_dev=1.2, detect=0.3).n
    128
    """
    frame = _Frame(conf_level, population, design_effect, response_rate)
    _over_zero(std_dev=std_dev)
    if _goal(margin, detect, power) == "precision":
        n0 = (frame.z * std_dev / float(margin or 0)) ** 2
        return frame.result("gap", (n0,), margin=margin, correct=_for_means)
    effect = float(detect or 0) / std_dev

    def reached(n: float) -> float:
        return t_power(effect * math.sqrt(n), n - 1, frame.error)

    n0 = smallest_n(reached, power)
    return frame.result("gap", (n0,), detect=detect, power=power, correct=_for_means)


def sample_size_difference(
    *,
    std_dev: float,
    margin: float | None = None,
    detect: float | None = None,
    power: float = 0.8,
    ratio: float = 1.0,
    conf_level: float = 0.95,
    population: int | None = None,
    design_effect: float = 1.0,
    response_rate: float | None = None,
) -> SampleSize:
    """Return the respondents needed in two branches to compare their means.

    Parameters
    ----------
    std_dev : float
        Expected standard deviation within a branch, in scale points.
    margin : float, optional
        Half-width wanted of the interval of the difference; give this or ``detect``.
    detect : float, optional
        A true difference, in scale points, that the t test should find.
    power : float
        Probability of finding it, in (0, 1).
    ratio : float
        Respondents of the second branch for each of the first, over 0.
    conf_level, design_effect, response_rate
        As in ``sample_size_mean``.
    population : int, optional
        Size of each branch's population.

    Returns
    -------
    SampleSize
        ``per_group`` has both branches.

    Notes
    -----
    Power is that of the two-sided t test of two groups with equal variances, from the noncentral
    t distribution. For precision n1 = z^2 s^2 (1 + 1 / ratio) / m^2.

    Examples
    --------
    >>> import servlab as sl
    >>> sl.sample_size_difference(std_dev=1.1, detect=0.4).per_group
    (120, 120)
    """
    frame = _Frame(conf_level, population, design_effect, response_rate)
    _over_zero(std_dev=std_dev, ratio=ratio)
    if _goal(margin, detect, power) == "precision":
        n1 = (frame.z * std_dev / float(margin or 0)) ** 2 * (1 + 1 / ratio)
        return frame.result("difference", (n1, ratio * n1), margin=margin, correct=_for_means)
    effect = float(detect or 0) / std_dev

    def reached(n: float) -> float:
        noncentrality = effect * math.sqrt(n * ratio / (1 + ratio))
        return t_power(noncentrality, n * (1 + ratio) - 2, frame.error)

    n1 = smallest_n(reached, power, smallest=max(2.0, 3 / (1 + ratio)))
    return frame.result(
        "difference", (n1, ratio * n1), detect=detect, power=power, correct=_for_means
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all four share: level, population, design effect, response rate, checked."""

    conf_level: float
    population: int | None
    design_effect: float
    response_rate: float | None

    def __post_init__(self) -> None:
        """Check every number's range."""
        check_conf_level(self.conf_level)
        _over_zero(design_effect=self.design_effect)
        if self.population is not None:
            _over_zero(population=self.population)
        rate = self.response_rate
        if rate is not None and not 0 < rate <= 1:
            raise ModelError(f"response_rate lies over 0 and up to 1; got {rate!r}.")

    @property
    def error(self) -> float:
        """Return the two-sided error of the test."""
        return 1 - self.conf_level

    @property
    def z(self) -> float:
        """Return the normal quantile of the interval."""
        return float(stats.norm.isf(self.error / 2))

    def result(
        self,
        what: What,
        simple: tuple[float, ...],
        *,
        correct: Callable[[float, float], float],
        margin: float | None = None,
        detect: float | None = None,
        power: float | None = None,
    ) -> SampleSize:
        """Return the size with finite population, design effect and response rate."""
        sizes = tuple(self._needed(n, correct) for n in simple)
        total = sum(sizes)
        rate = self.response_rate
        return SampleSize(
            what=what,
            n=total,
            per_group=sizes,
            n_simple=simple[0],
            n_invited=None if rate is None else _up(total / rate),
            goal="precision" if margin is not None else "power",
            margin=margin,
            detect=detect,
            power=power,
            conf_level=self.conf_level,
            population=self.population,
            design_effect=self.design_effect,
        )

    def _needed(self, n: float, correct: Callable[[float, float], float]) -> int:
        if self.population is None:
            return max(_up(n * self.design_effect), 2)
        corrected = correct(n, self.population) * self.design_effect
        return min(max(_up(corrected), 2), self.population)


def _for_means(n: float, population: float) -> float:
    return n / (1 + n / population)


def _for_shares(n: float, population: float) -> float:
    return n / (1 + (n - 1) / population)


def _up(n: float) -> int:
    """Return n rounded up; what floating point adds to a whole number does not count."""
    return math.ceil(n - 1e-9)


def _over_zero(**values: float) -> None:
    for name, value in values.items():
        if not (value > 0 and math.isfinite(value)):
            raise ModelError(f"{name} must be a number over 0; got {value!r}.")


def _goal(
    margin: float | None, detect: float | None, power: float
) -> Literal["precision", "power"]:
    """Return what was asked for, or raise when it is both or neither."""
    if (margin is None) == (detect is None):
        raise ModelError(
            f"give margin (precision) or detect (power), one of them; got margin = {margin!r}, "
            f"detect = {detect!r}."
        )
    if margin is not None:
        _over_zero(margin=margin)
        return "precision"
    _over_zero(detect=detect or 0.0)
    if not 0 < power < 1:
        raise ModelError(f"power lies between 0 and 1; got {power!r}.")
    return "power"
