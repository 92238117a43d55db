"""Words for models: variables, terms, groups and levels as tables and sentences name them."""

import numpy as np

from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.estimation.latent.invariance.ladder import Step
from servlab.estimation.latent.invariance.measurement import InvarianceResult
from servlab.estimation.latent.result import LatentFit
from servlab.presentation.labels import in_sentence, plain, term_label
from servlab.presentation.messages import join_words, message

BATTERIES = ("expectation", "perception", "desired", "adequate", "importance")


def variable_name(name: str, instrument: Instrument | None, language: Language) -> str:
    """Return the label of a variable of a model; ``battery_code`` names the battery too."""
    battery, code = _parts(name, instrument)
    label = plain(term_label(code, instrument, language))
    return f"{battery_name(battery, language)}: {label}" if battery else label


def variable_in_sentence(name: str, instrument: Instrument | None, language: Language) -> str:
    """Return how a sentence names a variable of a model."""
    battery, code = _parts(name, instrument)
    known = instrument is not None and code in (*instrument.item_codes, *instrument.dimension_codes)
    label = in_sentence(code, instrument, language) if known else plain(code)
    return f"{battery_name(battery, language)}: {label}" if battery else label


def battery_name(name: str, language: Language) -> str:
    """Return the label of a battery; any other name as it is."""
    return message(f"terms.battery_{name}", language) if name in BATTERIES else plain(name)


def _parts(name: str, instrument: Instrument | None) -> tuple[str, str]:
    """Return battery (or nothing) and code of a variable."""
    battery, _, code = name.partition("_")
    known = () if instrument is None else (*instrument.item_codes, *instrument.dimension_codes)
    if name not in known and battery in BATTERIES and (code in known or instrument is None):
        return (battery, code) if code else ("", name)
    return "", name


def term_words(term: str, instrument: Instrument | None, language: Language) -> str:
    """Return a term of a model in words, as ``x1~1`` the intercept of x1."""
    for op, kind in (("=~", "loading"), ("~~", "residual"), ("~1", "intercept")):
        lhs, found, rhs = term.partition(op)
        if not found:
            continue
        item = variable_in_sentence(rhs if kind == "loading" else lhs, instrument, language)
        values = {"item": item}
        if kind == "loading":
            values["factor"] = variable_in_sentence(lhs, instrument, language)
        return message(f"invariance.term_{kind}", language, **values)
    return plain(term)


def level_name(step: Step, language: Language) -> str:
    """Return a level in a sentence, marked partial where terms are free."""
    return level_words(step.name, language)


def level_words(name: str, language: Language) -> str:
    """Return ``metric`` or ``partial metric`` in words."""
    level = message(f"invariance.short_{name.removeprefix('partial ')}", language)
    if name.startswith("partial "):
        return message("invariance.short_partial", language, level=level)
    return level


def labels_in_sentence(result: InvarianceResult, language: Language) -> str:
    """Return the groups or batteries as a list."""
    return join_words([battery_name(label, language) for label in result.labels], language)


def explained(fit: LatentFit) -> dict[tuple[str, str], float]:
    """Return the share of variance explained of each explained variable and group."""
    frame = fit.tidy()
    own = frame[(frame["op"] == "~~") & (frame["lhs"] == frame["rhs"])]
    explained_by = {*frame.loc[frame["op"] == "=~", "rhs"], *frame.loc[frame["op"] == "~", "lhs"]}
    keys = list(zip(own["lhs"].astype(str), own["group"].astype(str), strict=True))
    return {
        key: 1 - share
        for key, share in zip(keys, own["std_all"].to_numpy(dtype=float), strict=True)
        if key[0] in explained_by and np.isfinite(share)
    }
