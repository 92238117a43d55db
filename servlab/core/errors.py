"""The errors servlab raises and the warnings it gives.

An error means there is no answer. A warning means there is one that must not be
trusted as it stands; the result then carries a flag of the same meaning.
"""

from collections.abc import Mapping


class ServlabError(Exception):
    """Base of every error that servlab raises on purpose."""


class DataError(ServlabError):
    """A data file cannot be read as its codebook says."""


class CodebookError(ServlabError):
    """A codebook is malformed or contradicts its file or its instrument."""


class InstrumentError(ServlabError):
    """An instrument file is malformed or names something that is not there."""


class ModelError(ServlabError, ValueError):
    """An analysis was asked for that the data or the options cannot give."""


class NotConvergedError(ModelError):
    """An iterative estimate did not converge."""


class NotIdentifiedError(ModelError):
    """A model has more unknowns than the data can tell."""


class SeparationError(NotIdentifiedError):
    """Predictors foretell an answer without error, so that no finite estimate exists.

    Attributes
    ----------
    predictors : tuple of str
        The terms that do so.
    outcome : str
        The column they foretell.
    complete : bool
        Whether they foretell every answer, or some only.
    cut : float or None
        The answer above which they do, where the outcome was cut in two there.
    """

    def __init__(
        self,
        text: str = "",
        *,
        predictors: tuple[str, ...] = (),
        outcome: str = "",
        complete: bool = False,
        cut: float | None = None,
    ) -> None:
        super().__init__(text)
        self.predictors = predictors
        self.outcome = outcome
        self.complete = complete
        self.cut = cut


class NoWeightsError(ModelError):
    """Weights were given to a method that has no weighted form."""


class ParameterError(ServlabError, ValueError):
    """A study parameter is unknown or has an unusable value."""


class PlanError(ServlabError):
    """A plan of studies is malformed, or names what is not there; nothing was started."""


class PlanLockedError(ServlabError):
    """A plan is being run by somebody else."""


class StudyError(ServlabError):
    """A study was run and failed."""


class ServlabWarning(UserWarning):
    """Base of every warning that servlab gives.

    Attributes
    ----------
    key : str
        The text of the message catalogue ``warnings`` that says the same to the reader of a
        report, in the report's language; empty where there is none.
    values : mapping of str to str
        What fills that text's placeholders.
    """

    def __init__(
        self, text: str = "", *, key: str = "", values: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.key = key
        self.values = dict(values or {})


class KeyingWarning(ServlabWarning):
    """An item correlates negatively with the rest, within chance."""


class CollinearityWarning(ServlabWarning):
    """Predictors are close to being combinations of each other."""


class HeywoodWarning(ServlabWarning):
    """A uniqueness or residual variance is at or beyond its bound."""


class InadmissibleWarning(ServlabWarning):
    """An estimate exists that no population could have."""


class SparseDataWarning(ServlabWarning):
    """Cells, categories or groups are empty or too small."""


class SmallSampleWarning(ServlabWarning):
    """There are fewer rows than the method needs to be trusted."""


class BoundaryWarning(ServlabWarning):
    """A variance is estimated at its bound of zero, or effects as perfectly correlated."""


class LabelWarning(ServlabWarning):
    """One label stands for parameters of several groups, which makes them equal."""


class UnweightedWarning(ServlabWarning):
    """The data carry survey weights that the estimate leaves out."""


class FontWarning(ServlabWarning):
    """A character is drawn that no font at hand covers."""


class ResultsWarning(ServlabWarning):
    """Results of earlier runs are missing, unreadable, or not all of one kind."""
