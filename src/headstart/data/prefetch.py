"""Work done ahead by threads, in order. Knows not what the work is.

Threads, not processes: decoding and resizing release the interpreter's lock, and nothing has to
be copied, pickled or cleaned up after a kill.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetch(
    function: Callable[[Item], Result], items: Iterable[Item], *, threads: int, ahead: int
) -> Generator[Result]:
    """`function` of every item, in order, computed before they are asked for.

    An exception surfaces where its item's result is due. When the iterator is closed early, what
    has not begun is dropped and the threads end.

    Args:
        function: called in the threads.
        items: may be endless.
        threads: at least 1.
        ahead: most results, done or under way, that wait.
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="prefetch")
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
