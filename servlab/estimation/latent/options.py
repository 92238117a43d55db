"""What a latent model is asked for beside its model and data, and what does not go together."""

from dataclasses import dataclass
from typing import Literal

from servlab.core.checks import check_choice
from servlab.core.errors import ModelError
from servlab.estimation.latent.engine import LIKELIHOODS
from servlab.estimation.latent.prepare import Source

Estimator = Literal["ML", "MLM", "MLR", "GLS", "ULS", "WLS"]

Missing = Literal["listwise", "fiml"]

ESTIMATORS = ("ML", "MLM", "MLR", "GLS", "ULS", "WLS")


@dataclass(frozen=True, slots=True)
class Options:
    """What a fit was asked for, beside its model and data."""

    estimator: Estimator = "ML"
    missing: Missing = "listwise"
    likelihood: Literal["normal", "wishart"] = "normal"
    information: Literal["expected", "observed"] | None = None

    @property
    def fiml(self) -> bool:
        """Whether incomplete rows are used."""
        return self.missing == "fiml"

    @property
    def unbiased(self) -> bool:
        """Whether covariances have denominator n - 1."""
        return self.likelihood == "wishart" or self.estimator in ("GLS", "ULS", "WLS")

    @property
    def used_information(self) -> str:
        """The information that standard errors rest on."""
        if self.information is not None:
            return self.information
        return "observed" if self.fiml or self.estimator == "MLR" else "expected"


def check_options(options: Options, source: Source) -> None:
    """Raise ``ModelError`` for options that do not go together."""
    check_choice("estimator", options.estimator, ESTIMATORS)
    check_choice("missing", options.missing, ("listwise", "fiml"))
    check_choice("likelihood", options.likelihood, ("normal", "wishart"))
    if options.information is not None:
        check_choice("information", options.information, ("expected", "observed"))
    estimator = options.estimator
    if options.fiml and estimator not in ("ML", "MLR"):
        raise ModelError(f"missing='fiml' needs estimator 'ML' or 'MLR'; got {estimator!r}.")
    if options.likelihood == "wishart" and (estimator not in LIKELIHOODS or options.fiml):
        raise ModelError("likelihood='wishart' is for maximum likelihood of complete rows.")
    if estimator == "MLM" and options.information == "observed":
        raise ModelError("estimator='MLM' rests on the expected information; use 'MLR'.")
    if source.frame is None and estimator in ("MLM", "MLR"):
        raise ModelError(
            f"estimator={estimator!r} needs the rows, which Moments do not have; use 'ML', 'GLS' "
            "or 'ULS', or 'WLS' with moments(items, acov=True)."
        )
    for what, given in (("weights", source.weights), ("cluster", source.clusters)):
        if given is not None and estimator != "MLR":
            raise ModelError(
                f"{what}= needs estimator='MLR', whose estimates are those of maximum likelihood "
                f"and whose errors and chi-square allow for {what}; got {estimator!r}."
            )
