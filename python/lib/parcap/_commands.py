"""The commands of parcap as functions. Options are those of the commands, with ``_`` for ``-``, and are read by the same parser."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from parcap import _parcap
from parcap._packets import Path, _needed, _outside
from parcap._progress import Progress, shown
from parcap.errors import DamagedError, DamageWarning, ParcapError, UsageError

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

OnDamage: TypeAlias = Literal["warn", "raise", "ignore"]

# What goes to a terminal or into files of a night's run, and would be lost here.
_NOT_HERE = frozenset({"format", "help", "log_format", "progress", "quiet", "version"})


class Report(Mapping[str, Any]):
    """What a run did: the document that ``--format json`` prints, as described in docs/json.md."""

    def __init__(self, document: dict[str, Any], complete: bool, messages: str) -> None:
        self._document = document
        #: Whether everything went well. If not, ``messages`` says what was damaged, refused or lost.
        self.complete = complete
        #: What the command would have printed to stderr.
        self.messages = messages

    def __getitem__(self, key: str) -> Any:
        return self._document[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._document)

    def __len__(self) -> int:
        return len(self._document)

    def to_dict(self) -> dict[str, Any]:
        """The document."""
        return dict(self._document)

    def __repr__(self) -> str:
        figures = [(key, self._document[key]) for key in self._document if isinstance(self._document[key], int)]
        inner = ", ".join(f"{key}={value}" for key, value in figures if not isinstance(value, bool))
        return f"<parcap.Report {'complete' if self.complete else 'not complete'}: {inner}>"


class Table:
    """A summary table. Any library that knows Arrow takes it as it is."""

    def __init__(self, name: str, batch: _parcap.Batch) -> None:
        self.name = name
        self._batch = batch

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        return self._batch.__arrow_c_array__(requested_schema)

    def __len__(self) -> int:
        return self._batch.num_rows

    def to_arrow(self) -> pyarrow.Table:
        """The table as a ``pyarrow.Table``."""
        pyarrow = _needed("pyarrow", "arrow")
        return pyarrow.Table.from_batches([pyarrow.record_batch(self._batch)])

    def to_pandas(self) -> pandas.DataFrame:
        """The table as a ``pandas.DataFrame``."""
        _needed("pandas", "pandas")
        return self.to_arrow().to_pandas()

    def to_polars(self) -> polars.DataFrame:
        """The table as a ``polars.DataFrame``."""
        frame: polars.DataFrame = _needed("polars", "polars").DataFrame(self)
        return frame

    def __repr__(self) -> str:
        return f"<parcap.Table {self.name}: {len(self)} rows>"

    def _repr_html_(self) -> str:
        try:
            html: str = self.to_pandas()._repr_html_()
        except ImportError:
            return repr(self).replace("<", "&lt;")
        return html


class Summaries(Mapping[str, Table]):
    """Summary tables by name."""

    def __init__(self, tables: Iterable[Table], messages: str) -> None:
        self._tables = {table.name: table for table in tables}
        #: What the command would have printed to stderr.
        self.messages = messages

    def __getitem__(self, key: str) -> Table:
        return self._tables[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def __repr__(self) -> str:
        return f"<parcap.Summaries: {', '.join(self._tables)}>"


def _paths(given: Path | Iterable[Path]) -> list[str]:
    paths = [given] if isinstance(given, str | os.PathLike) else list(given)
    return [os.fspath(path) for path in paths]


def _options(options: Mapping[str, Any]) -> list[str]:
    """Options as a command line has them: ``partition_by="date,hour"`` is ``--partition-by=date,hour``."""
    arguments = []
    for name, value in options.items():
        if name in _NOT_HERE:
            raise UsageError(f"{name} is for the command; what it prints is what this function returns")
        option = "--" + name.replace("_", "-")
        if value is True:
            arguments.append(option)
        elif value is None or value is False:
            continue
        elif isinstance(value, list | tuple):
            arguments.append(f"{option}={','.join(str(one) for one in value)}")
        else:
            arguments.append(f"{option}={value}")
    return arguments


def _run(
    arguments: list[str], paths: list[str], input: Iterable[str] = (), progress: Progress = None
) -> tuple[int, str, str]:
    move, end = shown(progress)
    try:
        # Paths may begin with a dash, and come after the options.
        return _parcap.call([*arguments, "--", *paths], list(input), move)
    finally:
        end()


def _report(
    arguments: list[str],
    paths: list[str],
    on_damage: OnDamage = "ignore",
    progress: Progress = None,
    input: Iterable[str] = (),
) -> Report:
    _checked(on_damage)
    import json

    status, results, messages = _run([*arguments, "--format=json"], paths, input, progress)
    report = Report(json.loads(results), status == 0, messages)
    _judge(report, on_damage)
    return report


def _judge(report: Report, on_damage: OnDamage) -> None:
    """Says what is wrong, as it is asked for."""
    if not report.complete and on_damage == "raise":
        raise DamagedError(_first(report.messages))
    if not report.complete and on_damage == "warn":
        for message, hint in _wrongs(report.messages):
            warnings.warn(message if hint is None else f"{message} (hint: {hint})", DamageWarning, _outside())


def _checked(on_damage: OnDamage) -> None:
    if on_damage not in ("warn", "raise", "ignore"):
        raise UsageError(f'on_damage is "warn", "raise" or "ignore", not {on_damage!r}')


def _wrongs(messages: str) -> list[tuple[str, str | None]]:
    """Warnings and errors among messages, each with the hint after it."""
    found: list[tuple[str, str | None]] = []
    for line in messages.splitlines():
        kind, _, text = line.partition(": ")
        if kind in ("warning", "error"):
            found.append((text, None))
        elif kind == "hint" and found:
            found[-1] = (found[-1][0], text)
    return found


def _first(messages: str) -> str:
    wrongs = [message for message, _ in _wrongs(messages)]
    more = f" (and {len(wrongs) - 1} more)" if len(wrongs) > 1 else ""
    return (wrongs[0] if wrongs else messages.strip()) + more


def convert(
    inputs: Path | Iterable[Path],
    out: Path,
    *,
    on_damage: OnDamage = "warn",
    progress: Progress = None,
    **options: Any,
) -> Report:
    """Converts captures to a lake, as ``parcap convert`` does.

    Args:
        inputs: Files, folders (walked), patterns; one or several.
        out: The lake: a folder, made if it does not exist.
        on_damage: ``"warn"`` warns of damaged and refused captures, ``"raise"`` raises :class:`DamagedError` after the rest
            was committed. ``strict=True`` and ``max_damaged=0`` are what keeps them out.
        progress: ``True`` for a bar (tqdm, if it is there), or a function of bytes read, bytes in all and packets.
        **options: Those of the command: ``partition_by="date,hour"``, ``no_summary=True``, ``names="dns"``. The environment
            (``PARCAP_JOBS``) counts as for the command.

    Raises:
        UsageError: An option is wrong, or there is none of this name.
        LakeBusy: Another run holds the lake.
        KeyboardInterrupt: The lake has what the run had committed: whole captures, 64 GiB of them at a time (``commit_every``).
    """
    arguments = ["convert", f"--out={os.fspath(out)}", "--progress=never", *_options({"top": 0, **options})]
    return _report(arguments, _paths(inputs), on_damage, progress)


def summarize(inputs: Path | Iterable[Path], *tables: str, **options: Any) -> Summaries:
    """The summary tables of a lake, or of captures without a lake, as ``parcap summarize`` makes them.

    Args:
        inputs: One lake; or captures: files, folders, patterns.
        *tables: The names of tables, such as ``"volume_by_ip"``; all if none are given.
        **options: Those of the command: ``from="2024-03-01"`` (as ``**{"from": …}``), ``protocol="UDP"``, ``net=…``.

    Returns:
        The tables by name, each with all of its rows.
    """
    arguments = [f"--table={','.join(tables)}"] if tables else []
    made, messages = _parcap.summary_tables([*arguments, *_options(options), "--", *_paths(inputs)])
    return Summaries((Table(name, batch) for name, batch in made), messages)


def flows(inputs: Path | Iterable[Path], **options: Any) -> pandas.DataFrame:
    """The flows of captures, or of a lake that was made with ``flows=True``: who talked to whom, when, how much, and how far TCP came.

    Args:
        inputs: One lake; or captures: files, folders, patterns.
        **options: Those of :func:`summarize`, such as ``flow_timeout="5s"`` for captures, ``protocol="TCP"`` and ``net=…``.

    Returns:
        A row a flow, in order of time, with the columns of docs/tables.md. What the command would have said of damaged captures is in
        ``attrs["messages"]``.
    """
    made = summarize(inputs, "flows", **options)
    frame = made["flows"].to_pandas().sort_values(["first_time", "last_time"], kind="stable", ignore_index=True)
    frame.attrs["messages"] = made.messages
    return frame


def report(inputs: Path | Iterable[Path], out: Path | None = None, **options: Any) -> str:
    """Makes a page of the summaries of a lake or of captures, as ``parcap report`` does. Returns what it said."""
    named = [] if out is None else [f"--out={os.fspath(out)}"]
    return _run(["report", *named, *_options(options)], _paths(inputs))[2]


def extract(lake: Path, out: Path, *, on_damage: OnDamage = "warn", **options: Any) -> Report:
    """Writes packets of a lake as a capture again, from the original captures, as ``parcap extract`` does.

    Args:
        lake: A lake that was made with ``columns="capture"``.
        out: The capture that is written.
        on_damage: As in :func:`convert`, of packets that are left out because their capture has changed or is gone.
        **options: Those of the command: ``net="10.1.0.0/16"``, ``port=443``, ``rows="rows.parquet"`` with the columns
            ``capture`` and ``offset`` or ``frame``; and ``format="pcap"``.

    Returns:
        How many ``packets`` were written, of how many ``captures``, and how many were ``left_out``.
    """
    _checked(on_damage)
    import json

    form = options.pop("format", "pcapng")
    arguments = ["extract", f"--out={os.fspath(out)}", f"--format={form}", "--log-format=json", *_options(options)]
    status, _, lines = _run(arguments, [os.fspath(lake)])
    *wrongs, document = (json.loads(line) for line in lines.splitlines())
    words = [(wrong["message"], wrong["hint"]) for wrong in wrongs]
    messages = "".join(f"error: {message}\n" + (f"hint: {hint}\n" if hint else "") for message, hint in words)
    report = Report(document, status == 0, messages)
    _judge(report, on_damage)
    return report


def inspect(paths: Path | Iterable[Path], **options: Any) -> Report:
    """What is in captures, without converting them: format, link types, packets, times, damage."""
    return _report(["inspect", *_options(options)], _paths(paths))


def verify(lake: Path, **options: Any) -> Report:
    """Holds a lake's files against its manifest: ``deep=True`` reads every value. ``report["faults"]`` is what is wrong."""
    return _report(["verify", *_options(options)], _paths(lake))


def compact(lake: Path, **options: Any) -> Report:
    """Makes small files of a lake into larger ones."""
    return _report(["compact", *_options(options)], _paths(lake))


def delta(lake: Path, **options: Any) -> Report:
    """Makes a lake a Delta table, or mends its log after other writers; with ``off=True`` the log is removed."""
    return _report(["delta", *_options(options)], _paths(lake))


def forget(lake: Path, captures: Path | Iterable[Path] = (), **options: Any) -> Report:
    """Takes captures out of a lake, whether they still exist or not: by path, or with ``before="2024-03-11"``."""
    return _report(["forget", *_options(options)], [os.fspath(lake), *_paths(captures)])


def plan(inputs: Path | Iterable[Path], out: Path, **options: Any) -> list[str]:
    """The units of work of a conversion, a JSON document each. The first one is no unit: give it to :func:`commit`.

    With ``keep=True`` the lake keeps the plan: then :func:`convert_unit` takes the place of a unit, and :func:`commit` the
    name of the plan, ``json.loads(plan[0])["plan"]``.
    """
    _, lines, messages = _run(["plan", f"--out={os.fspath(out)}", *_options(options)], _paths(inputs))
    if not lines:
        raise ParcapError(_first(messages))
    return lines.splitlines()


def convert_unit(unit: str | int, out: Path, *, of: str | None = None, jobs: int = 1) -> str:
    """Converts a unit: stages its parts in the lake. Returns its row, for :func:`commit`.

    With ``of``, the name of a plan that the lake keeps, ``unit`` is the place of the unit in it, from 0 on. The row stays in
    the lake, and what is returned says what is in it. A unit that has its row is not converted again.
    """
    arguments = ["convert-unit", f"--out={os.fspath(out)}", f"--jobs={jobs}"]
    if of is not None:
        return _parcap.call([*arguments, f"--of={of}", f"--unit={unit}"])[1].rstrip("\n")
    return _parcap.call(arguments, [str(unit)])[1].rstrip("\n")


def commit(out: Path, rows: Iterable[str] = (), *, on_damage: OnDamage = "warn", **options: Any) -> Report:
    """Publishes converted units, and sums them up. ``rows`` are what :func:`convert_unit` returned, and the first line of
    :func:`plan`; or none, with ``plan=`` the name of a plan that the lake keeps."""
    arguments = ["commit", *_options({"top": 0, **options})]
    return _report(arguments, _paths(out), on_damage, None, rows)


def version() -> str:
    """The version of parcap."""
    return _parcap.call(["--version"])[1].split()[1]
