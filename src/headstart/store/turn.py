"""Who looks at a whole cache, or takes room in it, does so alone. Knows nothing of what it holds."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from headstart.store.lease import LOCK


@contextmanager
def turn(root: Path) -> Iterator[None]:
    """Wait until no other process or thread has its turn in a folder; inside, none has.

    Where the folder is missing or nothing can be written there, nobody is waited for.
    """
    try:
        lock = FileIO(root / LOCK, "a+")
    except OSError:
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            # Closing would not do where a process was forked meanwhile, which has the file open, too.
            fcntl.flock(lock, fcntl.LOCK_UN)
