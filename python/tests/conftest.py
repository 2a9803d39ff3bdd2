"""Captures and lakes that the tests share."""

from __future__ import annotations

import importlib.util
import os
import socket
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"


@contextmanager
def spark_session(master: str, **settings: str) -> Iterator[Any]:
    """A session of Spark on this machine alone, stopped at the end. ``settings`` are Spark's, with ``__`` for a dot."""
    from pyspark.sql import SparkSession

    # Otherwise workers are the python3 of the path, whichever runs this.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master(master).config("spark.ui.enabled", "false")
    builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    for name, value in settings.items():
        builder = builder.config(name.replace("__", "."), value)
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()


@pytest.fixture
def office() -> str:
    """468 packets, whole."""
    return str(DATA / "captures" / "office-hour.pcap")


@pytest.fixture
def cut() -> str:
    """A capture that ends within a packet."""
    return str(DATA / "damaged" / "cut-in-packet.pcap")


@pytest.fixture
def nameserver() -> Iterator[Any]:
    """Answers for addresses, on a port of loopback: two thirds have a name. It counts what it was asked (``counts``), and has
    its ``address``."""
    spec = importlib.util.spec_from_file_location("ptr_server", ROOT / "scripts" / "faults" / "ptr_server.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    answers = module.Nameserver([("missing", 33)], 0)
    over_udp, _ = module.handlers(answers)
    with socketserver.UDPServer(("127.0.0.1", 0), over_udp) as server:
        answers.address = f"127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield answers
        server.shutdown()


@pytest.fixture
def unanswered() -> Iterator[str]:
    """The address of somebody who hears questions and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{silent.getsockname()[1]}"
