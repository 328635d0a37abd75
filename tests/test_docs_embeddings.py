"""docs/embeddings.md: what it shows of the parts, in your own `fit`, runs."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "embeddings.md"


def test_the_parts_by_hand():
    _, _, section = PAGE.read_text("utf-8").partition("## By hand")
    code = re.search(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)[1]
    names = {"__name__": "page"}
    exec(compile(code, str(PAGE), "exec"), names)
    assert 0 < names["tau"] < 2
    assert names["mined"].shape[1] == 3
    assert names["tower"].output_shape == (None, 32)
    assert names["index"].search(names["tower"].predict(names["images"][:1], verbose=0), 1).ids == [[0]]
