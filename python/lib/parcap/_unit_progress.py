"""Progress of units of work that are done elsewhere: somebody has to count them."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def counted(
    progress: bool | Callable[[int, int], object] | None, count: Callable[[], int], all: int
) -> Iterator[None]:
    """Shows how many of some things are done, as long as the block runs: a thread counts them."""
    if progress is None or progress is False:
        yield
        return
    move, end = _bar(all) if progress is True else (progress, lambda: None)
    done = threading.Event()

    def watch() -> None:
        pause = 0.0
        while not done.wait(pause):
            begin = time.monotonic()
            move(count(), all)
            # Counting may cost something where there are many.
            pause = max(0.5, 20 * (time.monotonic() - begin))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
        done.set()
        thread.join()
        move(count(), all)
    finally:
        done.set()
        end()


def _bar(all: int) -> tuple[Callable[[int, int], object], Callable[[], None]]:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return _line_of_units, lambda: print(file=sys.stderr)
    bar = tqdm(total=all, unit=" units")
    return lambda done, _: bar.update(done - bar.n), bar.close


def _line_of_units(done: int, all: int) -> None:
    print(f"\r{done:,} of {all:,} units", end="", file=sys.stderr, flush=True)
