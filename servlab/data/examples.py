"""Surveys to try things on: one that servlab simulated, one that real customers answered."""

import gzip
import hashlib
import io
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pandas as pd

from servlab.core.errors import DataError
from servlab.data.codebook import load_codebook
from servlab.data.instrument import load_instrument
from servlab.data.readers import read_survey, survey_from_frame
from servlab.data.schema import Label
from servlab.data.simulate import simulate_survey
from servlab.data.survey import Survey
from servlab.data.waves import combine_waves

EXAMPLES = ("servqual", "servqual_waves", "abc")

_ABC_NOTE = Label(
    en=(
        "A dimension counts when at least 60 % of its questions were answered; 0 means "
        "not applicable. Columns of someone's predictions in the file are not used."
    ),
    zh="至少回答了某维度60%的题目时才计算该维度得分；0表示不适用。文件中的预测列未使用。",
)

_WAVES_TITLE = Label(en="Simulated waves of SERVQUAL", zh="SERVQUAL模拟多期调查")


def load_example(name: str) -> Survey:
    """Load an example survey.

    Parameters
    ----------
    name : {"servqual", "servqual_waves", "abc"}
        ``servqual``: SERVQUAL 1988 simulated by servlab (planted gaps, five branches).
        ``servqual_waves``: five half-yearly waves of it, drawn when called: responsiveness
        recovers, and the weakest branch's share of the respondents falls.
        ``abc``: the ABC company's customer survey, 266 real customers, satisfaction and
        importance in six service areas; comes with the package ``mistat``.

    Returns
    -------
    Survey

    Raises
    ------
    DataError
        When the name is unknown, or the package that carries the data is not installed.

    Examples
    --------
    >>> import servlab as sl
    >>> sl.load_example("servqual").provenance.simulated
    True
    """
    if name not in EXAMPLES:
        raise DataError(f"no example is called {name!r}; there are {', '.join(EXAMPLES)}.")
    survey = _MAKERS[name]()
    return replace(survey, provenance=replace(survey.provenance, example=True))


WAVES = ("2023-1", "2023-2", "2024-1", "2024-2", "2025-1")
RESPONSIVENESS = (-1.2, -1.15, -0.95, -0.7, -0.55)
HARBOUR = (1.0, 0.9, 0.75, 0.55, 0.4)  # share of the weakest branch's respondents who stay


def _waves() -> Survey:
    """Draw five waves; what changes between them is planted above."""
    instrument = load_instrument("servqual-1988")
    waves = {}
    for k, (name, gap, share) in enumerate(zip(WAVES, RESPONSIVENESS, HARBOUR, strict=True)):
        drawn = simulate_survey(
            instrument,
            n=240,
            seed=20261101 + k,
            gaps={"tangibles": -0.1, "reliability": -1.0, "responsiveness": gap}
            | {"assurance": -0.5, "empathy": -0.7},
            expectation=6.0,
            drivers={"reliability": 0.5, "responsiveness": 0.4, "assurance": 0.2},
            branches={"Centre": 0.1, "North": 0.3, "Harbour": -0.7, "West": 0.0},
            missing_share=0.004,
        )
        harbour = drawn.covariates["branch"] == "Harbour"
        keep = ~harbour | (harbour.cumsum() <= round(share * int(harbour.sum())))
        part = drawn.subset(keep, reason="x")
        provenance = replace(drawn.provenance, n_rows=part.n)
        waves[name] = replace(part, provenance=provenance)
    survey = combine_waves(waves)
    provenance = replace(survey.provenance, source="simulated", sha256="", title=_WAVES_TITLE)
    return replace(survey, provenance=provenance)


def _abc() -> Survey:
    try:
        source = files("mistat") / "csvFiles" / "ABC.csv.gz"
    except ModuleNotFoundError:
        raise DataError(
            "the ABC survey comes with the package mistat, which is not installed; "
            "install servlab's extra 'examples'."
        ) from None
    content = source.read_bytes()
    cells = pd.read_csv(io.BytesIO(gzip.decompress(content)), dtype=str, keep_default_na=False)
    codebook = load_codebook(Path(str(files("servlab.data") / "codebooks" / "abc.toml")))
    survey = survey_from_frame(cells, codebook)
    provenance = replace(
        survey.provenance,
        source="ABC.csv.gz",
        sha256=hashlib.sha256(content).hexdigest(),
        notes=(*survey.provenance.notes, _ABC_NOTE),
    )
    return replace(survey, provenance=provenance)


def _servqual() -> Survey:
    """Read the simulated survey that the package carries."""
    folder = Path(str(files("servlab.data") / "example_files"))
    return read_survey(folder / "servqual_simulated.csv", folder / "servqual_simulated.toml")


_MAKERS = {"servqual": _servqual, "servqual_waves": _waves, "abc": _abc}
