"""Progress of what takes a while: a bar, or a function of the user."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeAlias

#: ``True`` for a bar; or a function of bytes read, bytes in all and packets.
Progress: TypeAlias = bool | Callable[[int, int, int], object] | None
Move: TypeAlias = Callable[[int, int, int], object]


def shown(progress: Progress) -> tuple[Move | None, Callable[[], None]]:
    """What is called with bytes read, bytes in all and packets; and what is called at the end."""
    if progress is None or progress is False:
        return None, _nothing
    if progress is not True:
        return progress, _nothing
    try:
        # It knows whether it is in a notebook.
        from tqdm.auto import tqdm
    except ImportError:
        return _line, lambda: print(file=sys.stderr)
    bar = tqdm(unit="B", unit_scale=True)

    def move(done: int, all: int, packets: int) -> None:
        bar.total = all
        bar.set_postfix(packets=packets, refresh=False)
        bar.update(done - bar.n)

    return move, bar.close


def _nothing() -> None:
    pass


def _line(done: int, all: int, packets: int) -> None:
    print(f"\r{done / 1e6:,.1f} of {all / 1e6:,.1f} MB, {packets:,} packets", end="", file=sys.stderr, flush=True)
