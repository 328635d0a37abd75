"""A folder of images as an index that can be searched."""

from pathlib import Path
from typing import Literal

import kerascnn.retrieval
import kerascnn.training
from kerascnn import checks, files
from kerascnn.retrieval.storing import check_free


def index(
    model: str | Path,
    images: str | Path,
    to: str | Path,
    *,
    distance: Literal["cosine", "euclidean", "squared"] = "cosine",
    engine: Literal["exact", "usearch"] = "exact",
    resize: Literal["stretch", "letterbox", "crop"] | None = None,
    skip_bad: bool = False,
    batch_size: int = 32,
) -> kerascnn.retrieval.Index:
    """Embeds the images of a folder with a saved network and writes an index, which `search` finds neighbours in.

    Args:
        model: Folder of a finished run of `embed`, or a name in the zoo.
        images: Folder of images of any size, at any depth.
        to: File to write; an earlier index there is replaced, any other file is not.
        distance: By which images are near: 1 - cosine similarity, Euclidean, or its square.
        engine: "exact" looks at every image; "usearch" is approximate, for millions: `pip install "kerascnn[search]"`.
        resize: How images come to the network's size; None is as in its training.
        skip_bad: Leave out files that cannot be read, rather than stop.
        batch_size: Images that go through the network at once.

    Raises:
        ValueError: for a wrong argument, a folder without images or with unreadable ones, and networks that give no
            embeddings.
        FileNotFoundError: if there is no such run.

    Examples:
        python -m recipes index --model saved_models/runs/shoes --images photos/ --to photos.index
    """
    check_free(to, "to")
    files.check_writable("to", Path(to).parent)
    result = kerascnn.training.load(model)
    if not result.extras["record"].get("embedding"):
        rule, mend = "be a network that gives embeddings", "Train one with `python -m recipes embed`."
        raise ValueError(checks.message("model", rule, str(model), mend))
    made = kerascnn.retrieval.index_folder(
        result.model,
        images,
        distance=distance,
        engine=engine,
        resize=resize or _trained_with(result.extras["record"]),
        skip_bad=skip_bad,
        batch_size=batch_size,
        about={"model": str(result.path.resolve())},
    )
    made.save(to)
    left_out = f"; left out {len(made.about['skipped'])} unreadable files" if made.about["skipped"] else ""
    print(f"Wrote {to} with {len(made)} images{left_out}.")
    return made


def _trained_with(record) -> str:
    """How images came to the network's size in its training."""
    done = record["data"].get("report", {}).get("resize")  # None if all images had the size already
    return done or record.get("arguments", {}).get("resize") or "stretch"
