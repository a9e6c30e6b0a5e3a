"""What a library says of a file that it cannot read or compute, as an error of that file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headstart.errors import BundleError, HeadstartError


@contextmanager
def told_of(file: Path | str, doing: str, remedy: str) -> Iterator[None]:
    """Whatever fails within is the fault of a file. Libraries' errors have only `Exception` in common.

    Args:
        file: its path, or its name.
        doing: what fails, as a participle.
        remedy: what to do about it, as one sentence.

    Raises:
        BundleError: in the place of any error that is not one of headstart.
    """
    try:
        yield
    except HeadstartError:
        raise
    except Exception as error:
        said = next((line for line in str(error).splitlines() if line.strip()), "")
        kind = "" if type(error) is ValueError else f"{type(error).__name__}: "
        raise BundleError(f"{file}: cannot be {doing} ({kind}{said}).", remedy) from error


def export_anew(form: str) -> str:
    """What to do about a file of an export that is damaged.

    Args:
        form: of the export.
    """
    return f"If you trust where it is from, make it anew: headstart export RUN --format {form}"
