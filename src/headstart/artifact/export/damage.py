"""What an engine says of a file that it cannot read or compute, as an error of that file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from headstart.errors import BundleError, HeadstartError


@contextmanager
def told_of(file: str, form: str, doing: str) -> Iterator[None]:
    """Whatever fails within is the fault of a file. Engines' errors have no class in common but `Exception`.

    Args:
        file: its name.
        form: of the export that it belongs to.
        doing: what fails, as a participle.

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
        raise BundleError(
            f"{file}: cannot be {doing} ({kind}{said}).",
            f"If you trust where it is from, make it anew: headstart export RUN --format {form}",
        ) from error
