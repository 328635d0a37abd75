"""What `python -m benchmarks` runs, and which lines of it stand on the page; what takes longer, to be run by hand."""

from dataclasses import dataclass

OWN = r"(?!\{)"  # all but the line of figures
STEPS = """A step takes a batch of raw images in memory and trains on it. Median and range: first of some steps of every
way to run the network, then of rounds in which the fastest alternate, every other one backwards; last the ratio within
each round. Ours is compiled as the recipes do. Ours and torch's best are **bold**."""
GROWTH = """Not measured but computed from the figures above. Each device takes the same batch. A step takes as long as
the slowest of so many draws from the measured steps, plus the input of a batch on the same cores, plus a ring
all-reduce of float32 gradients: 2 (n - 1) messages and 2 (n - 1) / n of the bytes through each link. Nothing overlaps,
which real systems do better; nothing fails, and all devices and links are alike, which real systems do worse.
Gradients go in one piece; ResNet-20 also stands there with as many all-reduces as Keras has on JAX now, one for each
gradient and those of global batch statistics. Many devices also mean a larger batch, whose effect on accuracy is not in
the model."""
ALONE = "A script of its own; the ratio is of figures that alternate in one run."


@dataclass(frozen=True)
class Part:
    """A measurement.

    Attributes:
        title: of its section on the page.
        command: what follows `python`; "{torch}" is the interpreter that has torch, "{folder}" where results are kept.
        quick: options for a run that only shows that everything works.
        lines: a regular expression that the lines for the page begin with.
        text: what the reader is told before the figures.
        needs: other parts whose figures it reads.
    """

    title: str
    command: str
    quick: str = ""
    lines: str = OWN
    text: str = ALONE
    needs: tuple[str, ...] = ()


def _steps(network: str) -> Part:
    quick = "--batch 2 --rounds 1 --first 1 --eager"
    return Part(
        f"Training step: {network}", f"-m benchmarks.steps --torch {{torch}} --networks {network}", quick, text=STEPS
    )


PARTS: dict[str, Part] = {
    "steps-resnet20": _steps("resnet20"),
    "steps-resnet64": _steps("resnet64"),
    "steps-unet": _steps("unet"),
    "inputs": Part(
        "Input pipeline",
        "-m benchmarks.inputs",
        "--seconds 0.2 --rounds 1 --images 128",
        text="Shuffled batches without a training; files are decoded again whenever they are asked for.",
    ),
    "start": Part(
        "Start-up and memory",
        "-m benchmarks.start --torch {torch} --imports",
        "--rounds 1 --batch 2",
        text="New processes in turn, files in the system's cache. Memory is the peak after five steps.",
    ),
    "memory": Part(
        "Memory of the larger networks",
        "-m benchmarks.start --torch {torch} --networks resnet64 unet --rounds 1",
        "--batch 2",
        text="As above, one process each.",
    ),
    "scaling": Part(
        "Weak scaling and all-reduce",
        "-m benchmarks.scaling",
        "--batch 2 --steps 1 --rounds 1 --most 65536 --repeats 2",
        text="JAX, processes on one machine: the network is its memory, and the cores share its bandwidth.",
    ),
    "growth": Part(
        "Growth to many devices",
        "-m benchmarks.growth {folder}",
        text=GROWTH,
        needs=("steps-resnet20", "inputs", "scaling"),
    ),
    "batch_norm": Part("Batch normalisation, float32", "benchmarks/batch_norm.py --steps 15", "--steps 1 --batch 4"),
    "batch_norm-bf16": Part(
        "Batch normalisation, bfloat16",
        "benchmarks/batch_norm.py --precision mixed_bfloat16 --steps 15",
        "--steps 1 --batch 4",
    ),
    "overhead": Part(
        "What `classify` costs over a hand-written `fit`",
        "benchmarks/overhead.py --images 1024 --epochs 4 --rounds 3",
        "--images 256 --epochs 2 --rounds 1",
        "seconds an epoch",
    ),
    "augmentation": Part(
        "Augmentation", "benchmarks/augmentation.py --seconds 1", "--seconds 0.1 --rounds 1 --only keras", r"\|"
    ),
    "nms": Part("Non-maximum suppression", "benchmarks/detect.py --nms --rounds 5", "--rounds 1 --boxes 100"),
    "mining": Part(
        "Triplets, against pytorch-metric-learning",
        "benchmarks/mining.py --torch {torch} --rounds 1 --steps 5",
        "--steps 1 --batch 64",
    ),
}

BY_HAND = {
    "python benchmarks/augmentation_gain.py": "what augmentation adds to accuracy",
    "python benchmarks/autoencode.py --data fashion_mnist --save-to RUN": "what an encoder is worth",
    "python benchmarks/autotune.py --steps 700 --rounds 20": "late ends of `fit` under tf.data's autotuning",
    "python benchmarks/detect.py --images": "a detector end to end",
    "python benchmarks/embedding.py --data fashion_mnist --to FILE": "losses and miners at one budget",
    "python benchmarks/finetune.py --data hymenoptera/ --epochs 50": "cached features against the usual frozen `fit`",
    "python benchmarks/large_data.py memory --images 200000": "memory and time of many files and records",
    "python benchmarks/large_data.py latency": "batches whose reads wait",
    "python benchmarks/membrane.py FOLDER": "membranes in electron microscopy",
    "python benchmarks/mining.py --growth 256 512 1024 2048 4096 8192": "growth of mining with the batch",
    "python benchmarks/oneshot.py --train ZIP --test ZIP": "one-shot classification of Omniglot",
    "python benchmarks/pretraining.py --data hymenoptera/": "what pretraining is worth",
    "python benchmarks/rematerialize.py": "memory and time of activations that are computed again",
    "python benchmarks/sweep.py": "a search against `keras_tuner.RandomSearch`",
    "python benchmarks/unet.py --memory": "memory of tiled inference",
}
