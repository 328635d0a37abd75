"""What an index holds that is most like an image."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import kerascnn.training
from kerascnn import checks, files, plots, retrieval
from kerascnn.data import read_image


def search(
    index: str | Path,
    images: Sequence[str | Path],
    *,
    k: int = 8,
    to: str | Path | None = "neighbours.png",
    model: str | Path | None = None,
    output: Literal["table", "json"] | None = "table",
) -> list[dict[str, Any]]:
    """Finds the images of an index that are nearest to each of some image files, and draws them.

    An entry is `{"image": path, "neighbours": [{"image": path, "distance"}, ...]}`, nearest first. A file that is in
    the index finds itself.

    Args:
        index: File that `index` has written.
        images: Image files to search with.
        k: How many to find for each.
        to: Picture to write, one row a file; None for none.
        model: Folder of the run that made the index, if it was moved since; None is where it was then.
        output: Print a table, JSON, or nothing.

    Raises:
        ValueError: for a wrong argument, or a file that is no index.
        OSError: that names a missing or broken file.

    Examples:
        python -m recipes search --index photos.index query.jpg --k 8 --to neighbours.png
    """
    checks.one_of("output", output, ["table", "json", None])
    checks.positive_int("k", k)
    if not images:
        raise ValueError(checks.message("images", "name at least one file", images, "Pass the path of an image."))
    if to is not None:
        files.check_writable("to", Path(to).parent)
    stored = retrieval.Index.load(index)
    tower = kerascnn.training.load(_model(stored, model)).model
    answers = [_answer(retrieval.neighbours(stored, tower, file, k), file) for file in images]
    _print(answers, output)
    if to is not None:
        plots.save(_picture(answers), to)
    return answers


def _model(stored, model) -> str | Path:
    made_by = model or stored.about.get("model")
    if made_by is None or kerascnn.training.find(made_by) is None:
        mend = "Pass the folder of the run that made the index."
        raise ValueError(checks.message("model", "be a finished run", None if made_by is None else str(made_by), mend))
    return made_by


def _answer(found: retrieval.Found, file: str | Path) -> dict[str, Any]:
    near = [
        {"image": path, "distance": round(float(distance), 6)}
        for path, distance in zip(found.ids[0], found.distances[0], strict=True)
        if path is not None
    ]
    return {"image": str(file), "neighbours": near}


def _picture(answers):
    found = [[each["image"] for each in answer["neighbours"]] for answer in answers]
    titles = [[f"{each['distance']:.3g}" for each in answer["neighbours"]] for answer in answers]
    queries = [read_image(answer["image"]) for answer in answers]
    return plots.neighbours(queries, [[read_image(path) for path in row] for row in found], titles)


def _print(answers, output) -> None:
    if output == "json":
        print(json.dumps(answers, indent=1))
    elif output == "table":
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Column, Table

        table = Table(Column("image", overflow="fold"), "rank", Column("neighbour", overflow="fold"), "distance")
        for answer in answers:
            for rank, each in enumerate(answer["neighbours"], 1):
                first = escape(answer["image"]) if rank == 1 else ""
                table.add_row(first, str(rank), escape(each["image"]), f"{each['distance']:.4f}")
        Console().print(table)
