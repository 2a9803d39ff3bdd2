"""The commands as functions, and the command that the package brings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas
import pytest

import parcap
from conftest import DATA

CAPTURES = DATA / "captures"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    assert parcap.convert(CAPTURES, tmp_path / "lake").complete
    return tmp_path / "lake"


def files_of(lake: Path) -> dict[str, bytes]:
    found = (path for part in ("packets", "summaries") for path in (lake / part).rglob("*") if path.is_file())
    return {str(path.relative_to(lake)): path.read_bytes() for path in found}


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "parcap", *map(str, arguments)], capture_output=True, text=True)


def test_a_lake_is_that_of_the_command(lake: Path, tmp_path: Path) -> None:
    assert command("convert", CAPTURES, "--out", tmp_path / "other").returncode == 0
    assert files_of(tmp_path / "other") == files_of(lake)
    assert parcap.verify(lake, deep=True)["faults"] == []


def test_a_conversion_in_pieces_is_the_same(lake: Path, tmp_path: Path) -> None:
    pieces = tmp_path / "pieces"
    first, *units = parcap.plan(CAPTURES, pieces)
    report = parcap.commit(pieces, [first, *(parcap.convert_unit(unit, pieces) for unit in units)])
    assert report["rows"] == parcap.verify(lake)["rows"]
    assert files_of(pieces) == files_of(lake)


def test_reports_are_the_documents_of_the_command(lake: Path, office: str) -> None:
    printed = json.loads(command("inspect", office, "--format", "json").stdout)
    assert parcap.inspect(office).to_dict() == printed
    assert parcap.compact(lake)["parts_after"] == 0
    assert parcap.forget(lake, CAPTURES / "office-hour.pcap")["rows"] == 468
    assert parcap.verify(lake)["rows"] == 1331 - 468


def test_packets_come_back_and_what_is_left_out_is_warned_of(tmp_path: Path) -> None:
    traced, out = tmp_path / "traced", tmp_path / "x.pcap"
    capture = tmp_path / "office-hour.pcap"
    capture.write_bytes((CAPTURES / "office-hour.pcap").read_bytes())
    parcap.convert(capture, traced, columns="capture")
    report = parcap.extract(traced, out, protocol=["UDP", "TCP"], format="pcap")
    rows = parcap.read(capture, columns=["protocol"]).to_pandas()["protocol"].isin(["UDP", "TCP"]).sum()
    assert report.complete and (report["packets"], report["left_out"]) == (rows, 0)
    assert parcap.inspect(out)["captures"][0]["found"]["records"] == rows
    rows_file = tmp_path / "rows.csv"
    rows_file.write_text(f"capture,frame\n{capture},1\n{capture},469\n")
    with pytest.warns(parcap.DamageWarning, match="the lake has no such packets of it; 1 packet is left out"):
        report = parcap.extract(traced, out, rows=rows_file)
    assert not report.complete and (report["packets"], report["left_out"]) == (1, 1)
    with pytest.raises(parcap.DamagedError, match="1 packet is left out"):
        parcap.extract(traced, out, rows=rows_file, on_damage="raise")
    with pytest.raises(parcap.UsageError, match="no standard input and output"):
        parcap.extract(traced, "-")


def test_summaries_are_whole_tables(lake: Path) -> None:
    tables = parcap.summarize(lake, "volume_by_ip", "protocols")
    assert set(tables) == {"volume_by_ip", "protocols"}
    rows = parcap.read(CAPTURES, columns=["ip_dst", "length"]).to_pandas()
    sums = rows.groupby("ip_dst", dropna=False)["length"].sum()
    volumes = tables["volume_by_ip"].to_pandas().set_index("ip_dst")["bytes"]
    assert sums.sort_index().tolist() == volumes.sort_index().tolist()
    assert len(tables["volume_by_ip"]) == tables["volume_by_ip"].to_polars().height == len(sums)
    only = parcap.summarize(CAPTURES, "protocols", protocol="UDP")["protocols"].to_pandas()
    assert only["protocol"].tolist() == ["UDP"]


def test_flows_are_those_of_the_packets(tmp_path: Path) -> None:
    frame = parcap.flows(CAPTURES)
    packets = parcap.read(CAPTURES, columns=["datetime", "ip_src", "ip_dst", "length"]).to_pandas()
    packets = packets.dropna(subset=["datetime", "ip_src", "ip_dst"])
    assert frame["packets_out"].sum() + frame["packets_in"].sum() == len(packets)
    assert frame["bytes_out"].sum() + frame["bytes_in"].sum() == packets["length"].sum()
    assert frame["first_time"].is_monotonic_increasing and (frame["first_time"] <= frame["last_time"]).all()
    assert frame["is_cut"].dtype == bool and set(frame["state"].dropna()) <= {"S0", "SF"}
    lake = tmp_path / "lake"
    parcap.convert(CAPTURES, lake, flows=True)
    pandas.testing.assert_frame_equal(parcap.flows(lake), frame)
    assert len(parcap.flows(CAPTURES, flow_timeout="100ms", protocol="UDP")) > len(parcap.flows(CAPTURES, protocol="UDP"))
    with pytest.raises(parcap.SettingsDiffer, match="60s"):
        parcap.flows(lake, flow_timeout="5s")
    parcap.convert(CAPTURES, tmp_path / "without")
    with pytest.raises(parcap.UsageError, match="begun without `--flows`"):
        parcap.flows(tmp_path / "without")


def test_options_are_those_of_the_command(lake: Path, tmp_path: Path) -> None:
    report = parcap.convert(CAPTURES, tmp_path / "hours", partition_by=["date", "hour"], no_summary=True, jobs=1)
    assert not (tmp_path / "hours" / "summaries").exists() and report["rows"] == 1331
    assert list((tmp_path / "hours" / "packets").glob("date=*/hour=*"))
    with pytest.raises(parcap.UsageError, match="nonsense"):
        parcap.convert(CAPTURES, lake, nonsense=1)
    with pytest.raises(parcap.UsageError, match="format is for the command"):
        parcap.convert(CAPTURES, lake, format="json")
    with pytest.raises(parcap.SettingsDiffer, match="timestamp-unit us") as told:
        parcap.convert(CAPTURES, lake, timestamp_unit="ns")
    assert "hint: " in told.value.__notes__[0]


def test_a_lake_becomes_a_delta_table_and_none_again(office: str, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    parcap.convert(office, lake)
    report = parcap.delta(lake)
    assert report.complete and (report["on"], report["log_version"], report["rows"]) == (True, 0, 468)
    assert "log_version" not in parcap.delta(lake) and (lake / "_delta_log").is_dir()
    assert parcap.delta(lake, off=True)["given_up"] and not (lake / "_delta_log").exists()


def test_a_failure_has_its_kind(cut: str, tmp_path: Path) -> None:
    with pytest.warns(parcap.DamageWarning, match="cut-in-packet.pcap: packet"):
        report = parcap.convert(cut, tmp_path / "lake")
    assert not report.complete and report["rows"] == report["damaged"][0]["records"]
    with pytest.raises(parcap.DamagedError, match="cut-in-packet.pcap"):
        parcap.convert(cut, tmp_path / "raised", on_damage="raise")
    with pytest.raises(parcap.DamagedError, match="nothing was committed"):
        parcap.convert(cut, tmp_path / "strict", max_damaged=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(parcap.UsageError, match="is a file, and a lake is a directory"):
        parcap.convert(cut, tmp_path / "file")
    with pytest.raises(parcap.ParcapError):
        parcap.verify(tmp_path / "nowhere")


def test_progress_is_told(office: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told: list[tuple[int, int, int]] = []
    parcap.convert(office, tmp_path / "lake", progress=lambda *now: told.append(now))
    assert told[-1] == (Path(office).stat().st_size, Path(office).stat().st_size, 468)
    parcap.convert(office, tmp_path / "other", progress=True)
    assert capsys.readouterr().err

    def fails(*_: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        parcap.convert(office, tmp_path / "failed", progress=fails)


def test_the_command_comes_with_the_package(office: str, tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("parcap")
    shown = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert shown.stdout == f"parcap {parcap.version()}\n"
    wrong = command("convert", office, "--out", tmp_path / "lake", "--nonsense")
    assert wrong.returncode == 2 and "--nonsense" in wrong.stderr
