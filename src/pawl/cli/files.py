"""Files that a command makes and that were not there before."""

from collections.abc import Mapping
from pathlib import Path

import rich_click as click


def write_new(files: Mapping[Path, str]) -> None:
    """Write all of the files or, if one is there already or cannot be written, none.

    Raises UsageError for one that is there, `OSError` for what the system refuses.
    """
    made: list[Path] = []
    try:
        for file, text in files.items():
            with file.open("x", encoding="utf-8") as opened:
                made.append(file)
                opened.write(text)
    except OSError as error:
        for file in made:
            file.unlink()
        if isinstance(error, FileExistsError):
            name = error.filename
            raise click.UsageError(f"{name} exists already; it was left as it is") from None
        raise
