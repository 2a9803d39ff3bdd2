"""The examples of the documentation are run, one after another, as a reader would."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "python.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(examples) >= 6
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {"lake": tmp_path / "lake"}
    for example in examples:
        exec(compile(example, "docs/python.md", "exec"), names)
