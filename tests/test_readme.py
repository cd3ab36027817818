"""README's example is the truth: it runs, and its length is what README says."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

README = Path(__file__).parent.parent / "README.md"


def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
    plt.close("all")
    assert (tmp_path / "attention.png").read_bytes().startswith(b"\x89PNG")
    assert len([line for line in code.splitlines() if line.strip()]) == 25


def test_every_relative_link_of_the_readme_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        assert target.startswith("http") or (README.parent / target).exists(), target


def test_the_pictures_of_the_readme_are_small_and_made_by_commands_that_it_names() -> None:
    text = README.read_text()
    pictures = re.findall(r"!\[.+?\]\((.+?)\)", text)
    assert pictures == ["docs/attention.png", "docs/page.png"]
    assert all((README.parent / picture).stat().st_size < 200_000 for picture in pictures)
    assert "mmgraph demo --out demo-out --seed 0" in text and "python docs/pictures.py demo-out" in text
