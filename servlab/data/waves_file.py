"""Several files as one study: a codebook that lists its waves, each with file and codebook."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from servlab.core.errors import CodebookError, DataError
from servlab.data.schema import Label, Spec, read_toml, validate

if TYPE_CHECKING:  # what a codebook is made of is asked without loading pandas
    import pandas as pd

    from servlab.data.survey import Survey


class WaveFile(Spec):
    """One wave: its name, its data file in the data folder, its codebook beside the list."""

    name: str = Field(min_length=1)
    data: str
    codebook: str


class WavesFile(Spec):
    """The list of waves as it stands in the file, in order of time.

    ``wave`` names the covariate that holds the wave; ``title`` replaces the codebooks' own.
    """

    waves: tuple[WaveFile, ...] = Field(min_length=2)
    wave: str = "wave"
    title: Label | None = None

    @field_validator("waves")
    @classmethod
    def _names_differ(cls, value: tuple[WaveFile, ...]) -> tuple[WaveFile, ...]:
        names = [part.name for part in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"names wave(s) {twice} twice")
        return value


def waves_listed(path: str | Path) -> WavesFile | None:
    """Return the waves that a codebook's file lists; None for the codebook of one file."""
    path = Path(path)
    data = read_toml(path, CodebookError, "codebook")
    if "waves" not in data:
        return None
    text = path.read_text(encoding="utf-8-sig")
    return validate(WavesFile, data, source=f"codebook {path.name}", error=CodebookError, text=text)


def codebook_files(path: Path) -> tuple[Path, ...]:
    """Return every file a codebook is made of: itself, what it extends, instrument, waves' own."""
    found: list[Path] = []
    waiting = [path]
    while waiting:
        at = waiting.pop(0)
        if at in found:
            continue
        found.append(at)
        data = read_toml(at, CodebookError, "codebook")
        waves = data.get("waves")
        parts = waves if isinstance(waves, list) else []
        named = [data.get("extends"), data.get("instrument")]
        named += [part.get("codebook") for part in parts if isinstance(part, dict)]
        waiting += [
            at.parent / name for name in named if isinstance(name, str) and name.endswith(".toml")
        ]
    return tuple(found)


def wave_paths(
    listed: WavesFile, folder: str | Path, book: str | Path
) -> dict[str, tuple[Path, Path]]:
    """Return wave -> (data file, codebook); the data stand in one folder."""
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(
            f"{folder} is no folder; {Path(book).name} lists {len(listed.waves)} waves, so name "
            f"the folder that holds {', '.join(part.data for part in listed.waves)}."
        )
    beside = Path(book).parent
    return {part.name: (folder / part.data, beside / part.codebook) for part in listed.waves}


def one_survey(listed: WavesFile, waves: "dict[str, Survey]") -> "Survey":
    """Return the waves as one survey under the list's own title."""
    from servlab.data.waves import combine_waves

    survey = combine_waves(waves, wave=listed.wave)
    if listed.title is None:
        return survey
    return replace(survey, provenance=replace(survey.provenance, title=listed.title))


def side_by_side(parts: "dict[str, pd.DataFrame]") -> "pd.DataFrame":
    """Return one frame of the sums of all parts; an item that a part lacks adds nothing."""
    import pandas as pd

    total = pd.DataFrame()
    for part in parts.values():
        total = total.add(part, fill_value=0) if len(total) else part
    return total.fillna(0).astype(int)
