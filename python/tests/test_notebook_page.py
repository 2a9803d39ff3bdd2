"""docs/notebook.ipynb is run in a kernel, as a reader would, and shows what it says it shows.

``PARCAP_BLESS=1 pytest tests/test_notebook_page.py`` writes what the cells show now into the page.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from conftest import ROOT

PAGE = ROOT / "docs" / "notebook.ipynb"


def shown(cell: Any) -> list[tuple[str, object]]:
    """What a cell shows: texts as they are, and of a plot that there is one. Fonts differ between machines."""
    found: list[tuple[str, object]] = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            found.append((output.name, output.text))
        else:
            data = output.get("data", {})
            found.append(("plot", None) if "image/png" in data else ("text", data.get("text/plain")))
    return found


def bare(page: Any) -> None:
    """Leaves out what is of one run: times and counters of the kernel."""
    for cell in page.cells:
        cell.metadata.pop("execution", None)
    page.metadata.get("language_info", {}).pop("version", None)


def test_the_page_shows_what_its_cells_give(tmp_path: Path) -> None:
    page = nbformat.read(PAGE, as_version=4)
    ran = nbformat.read(PAGE, as_version=4)
    NotebookClient(ran, timeout=120, resources={"metadata": {"path": str(PAGE.parent)}}).execute()
    bare(ran)
    if os.environ.get("PARCAP_BLESS"):
        nbformat.write(ran, PAGE)
        return
    for cell, again in zip(page.cells, ran.cells, strict=True):
        assert shown(again) == shown(cell), cell.source
    plots = [kind for cell in ran.cells for kind, _ in shown(cell) if kind == "plot"]
    assert len(plots) >= 4
