"""Exports of survey platforms, named or recognized by shapes that nothing else has, made plain.

One module a platform. Each says whether a table has the platform's shape (``unlike`` returns what
is not so, or nothing), and makes it plain: one header row, answers only, question texts as labels.
What was done is noted, rows left out are counted.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from servlab.core.errors import DataError
from servlab.data.formats.platforms import (
    google_forms,
    limesurvey,
    qualtrics,
    surveymonkey,
    wenjuanxing,
)
from servlab.data.formats.table import RawTable

__all__ = ["PLATFORMS", "PlatformReader", "platform_table"]


@dataclass(frozen=True, slots=True)
class PlatformReader:
    """How exports of one platform are known and read.

    Attributes
    ----------
    title : str
        The platform's own name.
    unlike : callable
        What of the platform's shape a table lacks; empty when it has it.
    recognized : callable
        Whether the shape alone shows the platform, with nobody naming it.
    plain : callable
        The table with one header row and answers only.
    metadata : frozenset of str
        Columns that the platform itself adds and no study uses.
    """

    title: str
    unlike: Callable[[RawTable], str]
    recognized: Callable[[RawTable], bool]
    plain: Callable[[RawTable], RawTable]
    metadata: frozenset[str]


PLATFORMS = {
    module.NAME: PlatformReader(
        module.TITLE, module.unlike, module.recognized, module.plain, module.METADATA
    )
    for module in (qualtrics, surveymonkey, wenjuanxing, limesurvey, google_forms)
}


def platform_table(table: RawTable, platform: str | None = None) -> RawTable:
    """Return a platform's export as a plain table; any other table as it is.

    A platform that the codebook names is taken at its word, or refused with the reason; without
    a name it is recognized. ``"none"`` takes the table as it stands.
    """
    if platform == "none" or len(table.frame) < 1:
        return table
    if platform is not None:
        reader = PLATFORMS[platform]
        reason = reader.unlike(table)
        if reason:
            raise DataError(
                f"{table.source} does not look like an export of {reader.title}: {reason}; "
                'correct platform in [file], or set it to "none" for a plain table.'
            )
        return replace(reader.plain(table), platform=platform)
    for name, reader in PLATFORMS.items():
        if reader.recognized(table):
            return replace(reader.plain(table), platform=name)
    return table
