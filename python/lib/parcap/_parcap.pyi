"""What is written in Rust. `parcap` has the interface for people."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from os import PathLike
from typing import TypeAlias, final

_Path: TypeAlias = str | PathLike[str]
# Path, what is wrong, packet, byte offset, packets read.
_Damaged: TypeAlias = tuple[str, str, int, int, int]
# Path, why, what to do.
_Refused: TypeAlias = tuple[str, str, str | None]

@final
class Reader:
    def __new__(
        cls,
        paths: Sequence[_Path],
        columns: Sequence[str],
        *,
        conditions: Sequence[tuple[str, Sequence[str | None]]],
        nets: Sequence[str],
        times: tuple[int, int] | None,
        length: str,
        decapsulate: Sequence[str],
        timestamp_unit: str,
        text: str,
        salvage: bool,
        batch_rows: int | None,
        jobs: int,
        chunk: tuple[int, int] | None,
    ) -> Reader: ...
    def schema(self) -> object: ...
    def find(self) -> tuple[list[tuple[str, str | None, str, int]], list[_Refused]]: ...
    def open(self, limit: int | None = None, progress: Callable[[int, int, int], object] | None = None) -> Pass: ...

@final
class Pass:
    def next(self) -> Batch | None: ...
    def stream(self, ended: Callable[[], None], raises: bool) -> object: ...
    def close(self) -> None: ...
    def found(self) -> tuple[list[_Damaged], list[_Refused]] | None: ...

@final
class Batch:
    @property
    def num_rows(self) -> int: ...
    def __len__(self) -> int: ...
    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...

def call(
    arguments: Sequence[str],
    input: Sequence[str] = ...,
    progress: Callable[[int, int, int], object] | None = None,
) -> tuple[int, str, str]: ...
def summary_tables(arguments: Sequence[str]) -> tuple[list[tuple[str, Batch]], str]: ...
def names_of(
    options: Sequence[str], addresses: Sequence[IPv4Address | IPv6Address]
) -> tuple[list[str | None], str | None]: ...
def main(arguments: Sequence[str]) -> int: ...
