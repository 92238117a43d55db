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
from servlab.data.readers import read_survey, survey_from_frame
from servlab.data.schema import Label
from servlab.data.survey import Survey

EXAMPLES = ("servqual", "abc")

_ABC_NOTE = Label(
    en=(
        "A dimension counts when at least 60 % of its questions were answered; 0 means "
        "not applicable. Columns of someone's predictions in the file are not used."
    ),
    zh="至少回答了某维度60%的题目时才计算该维度得分；0表示不适用。文件中的预测列未使用。",
)


def load_example(name: str) -> Survey:
    """Load an example survey.

    Parameters
    ----------
    name : {"servqual", "abc"}
        ``servqual``: SERVQUAL 1988 simulated by servlab (planted gaps, five branches).
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
    if name == "servqual":
        folder = Path(str(files("servlab.data") / "example_files"))
        return read_survey(folder / "servqual_simulated.csv", folder / "servqual_simulated.toml")
    if name == "abc":
        return _abc()
    raise DataError(f"no example is called {name!r}; there are {', '.join(EXAMPLES)}.")


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
