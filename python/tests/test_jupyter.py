"""What a user of Jupyter sees: a kernel is started, and cells are run in it as a notebook does."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager, start_new_kernel

from conftest import DATA


@pytest.fixture(scope="module")
def kernel() -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    manager, client = start_new_kernel(startup_timeout=120)
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def run(client: BlockingKernelClient, cell: str) -> tuple[str, list[dict[str, Any]]]:
    """Runs a cell. Returns ``ok`` or ``error``, and the messages that came meanwhile."""
    seen: list[dict[str, Any]] = []
    reply = client.execute_interactive(cell, timeout=60, output_hook=seen.append)
    return reply["content"]["status"], seen


def texts(seen: list[dict[str, Any]], kind: str) -> str:
    found = []
    for message in seen:
        content = message["content"]
        if message["msg_type"] == "stream" and content["name"] == kind:
            found.append(content["text"])
        if message["msg_type"] == "error" and kind == "traceback":
            found.extend(content["traceback"])
        if message["msg_type"] in {"comm_open", "comm_msg"} and kind == "widgets":
            found.append(str(content["data"]))
    return "\n".join(found)


def test_packets_show_themselves_as_a_table(kernel: Any) -> None:
    _, client = kernel
    status, seen = run(client, f"import parcap\nparcap.read({str(DATA / 'captures' / 'office-hour.pcap')!r})")
    shown = [message["content"]["data"] for message in seen if message["msg_type"] == "execute_result"]
    assert status == "ok" and "<table>" in shown[0]["text/html"] and "the first 10 packets" in shown[0]["text/html"]


def test_a_bar_is_drawn_in_the_notebook_and_nothing_on_its_terminal(kernel: Any, tmp_path: Path) -> None:
    _, client = kernel
    captures = str(DATA / "captures")
    for cell in [
        f"report = parcap.convert({captures!r}, {str(tmp_path / 'lake')!r}, progress=True)",
        f"rows = parcap.read({captures!r}, progress=True).count()",
    ]:
        status, seen = run(client, cell)
        assert status == "ok" and "packets=1331" in texts(seen, "widgets"), seen
        assert texts(seen, "stdout") + texts(seen, "stderr") == ""


def test_an_exception_says_what_to_do(kernel: Any, tmp_path: Path) -> None:
    _, client = kernel
    office, lake = str(DATA / "captures" / "office-hour.pcap"), str(tmp_path / "lake")
    run(client, f"import parcap; parcap.convert({office!r}, {lake!r})")
    status, seen = run(client, f"parcap.convert({office!r}, {lake!r}, timestamp_unit='ns')")
    traceback = texts(seen, "traceback")
    assert status == "error" and "SettingsDiffer" in traceback and "hint: " in traceback, traceback


def test_damage_is_a_warning_below_the_cell(kernel: Any) -> None:
    _, client = kernel
    status, seen = run(client, f"import parcap; parcap.read({str(DATA / 'damaged' / 'cut-in-packet.pcap')!r}).to_pandas();")
    assert status == "ok" and "DamageWarning" in texts(seen, "stderr") and "is cut off at byte" in texts(seen, "stderr")


@pytest.mark.parametrize("cell", ["parcap.read(fifo).to_pandas()", "pyarrow.table(parcap.read(fifo))", "parcap.convert(fifo, lake)"])
def test_interrupting_the_kernel_ends_a_cell(kernel: Any, cell: str, tmp_path: Path) -> None:
    manager, client = kernel
    fifo, lake = tmp_path / "fifo", tmp_path / "lake"
    os.mkfifo(fifo)
    run(client, f"import parcap, pyarrow; fifo, lake = {str(fifo)!r}, {str(lake)!r}")
    client.execute(cell)
    with open(fifo, "wb") as writer:
        writer.write((DATA / "captures" / "office-hour.pcap").read_bytes()[:2000])
        writer.flush()
        time.sleep(1)
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=30)
    # pyarrow makes an error of its own of it.
    assert reply["content"]["ename"] in {"KeyboardInterrupt", "ArrowInvalid", "OSError"}, reply
    assert run(client, "1 + 1")[0] in {"ok", "error"}
    assert run(client, "1 + 1")[0] == "ok"
    assert not (lake / "packets").exists()
