"""docs/fundamentals: the blocks of each page run, print what stands below them, and draw its pictures."""

import contextlib
import io
import re
from pathlib import Path

import pytest
from PIL import Image

FOLDER = Path(__file__).parents[1] / "docs" / "fundamentals"
PAGES = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)\)")


def text(page):
    return (FOLDER / f"{page}.md").read_text("utf-8")


def size(path):
    with Image.open(path) as picture:
        return picture.size


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_prints_what_it_says_and_draws_its_pictures(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()
    names = {"__name__": "page"}
    for code, expected in BLOCK.findall(text(page)):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, f"{page}.md", "exec"), names)
        assert printed.getvalue() == expected
    shown = {target for target in LINK.findall(text(page)) if target.endswith(".png")}
    assert shown and shown == {path.as_posix() for path in Path("pictures").glob("*.png")}
    assert {name: size(name) for name in shown} == {name: size(FOLDER / name) for name in shown}


@pytest.mark.parametrize("page", ["README", *PAGES])
def test_what_a_page_leads_to_is_there(page):
    assert all((FOLDER / target).is_file() for target in LINK.findall(text(page)))


def test_the_index_has_every_page_and_no_picture_is_left_over():
    assert {f"{page}.md" for page in PAGES} == {target for target in LINK.findall(text("README"))}
    shown = {target for page in PAGES for target in LINK.findall(text(page))}
    assert {f"pictures/{path.name}" for path in (FOLDER / "pictures").iterdir()} <= shown
