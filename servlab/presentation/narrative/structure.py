"""What must be said of a factor solution before its loadings: Heywood cases and fit."""

from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.estimation.efa import EfaResult
from servlab.presentation.display import Note
from servlab.presentation.formats import format_correlation, format_interval
from servlab.presentation.labels import names_in_sentence
from servlab.presentation.messages import join_words, message


def efa_warnings(
    result: EfaResult, *, instrument: Instrument | None = None, language: Language = "en"
) -> tuple[Note, ...]:
    """Return a panel on a Heywood case, to stand before anything else of the solution.

    Parameters
    ----------
    result : EfaResult
        The factor analysis.
    instrument : Instrument, optional
        For the labels of the items.
    language : {"en", "zh"}
        Language of the panel.

    Returns
    -------
    tuple of Note
        Empty for a sound solution.

    Examples
    --------
    >>> import servlab as sl
    >>> efa_warnings(sl.efa(sl.load_example("servqual").items("perception"), 5))
    ()
    """
    if not result.heywood:
        return ()
    items = names_in_sentence(result.heywood, instrument, language)
    return (Note(message("structure.heywood", language, items=items), language=language),)


def fit_sentences(result: EfaResult, language: Language) -> list[str]:
    """Return the fit of a factor analysis against the usual guides."""
    if result.df == 0 or result.rmsea != result.rmsea:
        key = "structure.fit_saturated"
        return [message(key, language, count=result.n_factors)] if result.df == 0 else []
    said = message(
        "structure.fit_says",
        language,
        count=result.n_factors,
        rmsea=format_correlation(result.rmsea, 3),
        interval=format_interval(result.rmsea_low, result.rmsea_high, 3, of="correlation"),
        tli=format_correlation(result.tli, 3),
        rms=format_correlation(result.rms_residual, 3),
    )
    values = {"rmsea": result.rmsea, "tli": result.tli, "rms_residual": result.rms_residual}
    missed = [name for name, value in values.items() if not standard(name).met_by(value)]
    if not missed:
        return [said, message("structure.fit_reaches", language)]
    names = {"rmsea": "rmsea", "tli": "tli", "rms_residual": "rms"}
    words = [message(f"structure.fit_{names[name]}", language) for name in missed]
    words = [word[0].lower() + word[1:] if name == "rms_residual" else word
             for word, name in zip(words, missed, strict=True)]  # fmt: skip
    return [said, message("structure.fit_misses", language, names=join_words(words, language))]
