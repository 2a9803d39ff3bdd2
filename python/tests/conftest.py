"""Captures and lakes that the tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture
def office() -> str:
    """468 packets, whole."""
    return str(DATA / "captures" / "office-hour.pcap")


@pytest.fixture
def cut() -> str:
    """A capture that ends within a packet."""
    return str(DATA / "damaged" / "cut-in-packet.pcap")
