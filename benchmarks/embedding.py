"""Losses and miners at one budget: how well a network finds images of classes that training never saw.

Each loss trains the same network with the same number of batches of as many images, with the recipe's defaults, on all
classes but the last `--unseen`; judged is the recall at 1 on the test images of these, beside that of raw pixels and of
the network before training. Rows are means over `--seeds` trainings with the standard deviation of one
training. Each is kept in `--to` when it ends, and the same command goes on after a kill.

    python benchmarks/embedding.py --data fashion_mnist --to losses.csv
    python benchmarks/embedding.py --data cifar10 --losses triplet supervised-contrastive --to cifar.csv
"""

import argparse
import csv
import time
from pathlib import Path

import numpy as np

from kerascnn import data as datasets
from kerascnn.losses.metric.named import EMBEDDING_LOSSES
from recipes import embed

LOSSES = [name for name in EMBEDDING_LOSSES if name != "nt-xent"]  # which is "supervised-contrastive"
MINING = ("semi-hard", "all", "hard", "batch-hard", "distance-weighted", "curriculum")
FIGURES = ("recall_at_1", "map_at_r", "nmi", "recall_at_1_pixels", "recall_at_1_untrained", "seconds")


def main():
    options = arguments()
    data = datasets.load(options.data)
    done = read(options.to)
    for seed in range(options.seeds):
        for loss, mining in choices(options.losses):
            key = (loss, mining or "", str(seed))
            if key not in done:
                done[key] = trained(data, loss, mining, seed, options)
                write(options.to, done)
                print(*key, *(f"{name} {value:.4f}" for name, value in done[key].items()), flush=True)
    print(table(done))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="fashion_mnist")
    parser.add_argument("--losses", nargs="+", default=LOSSES)
    parser.add_argument("--unseen", type=int, default=3)
    parser.add_argument("--model", default="convnet(filters=(32, 64, 128))")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--to", type=Path, required=True, help="a .csv of all trainings")
    return parser.parse_args()


def choices(losses):
    """Pairs of a loss and its mining, which triplets alone have."""
    return [(loss, mining) for loss in losses for mining in (MINING if loss == "triplet" else (None,))]


def trained(data, loss, mining, seed, options):
    begun = time.perf_counter()
    result = embed(
        data, loss=loss, mining=mining, unseen=options.unseen, model=options.model, epochs=options.epochs,
        precision="float32", seed=seed, pictures=False, verbose=0,
    )  # fmt: skip
    figures = {**result.metrics, "seconds": time.perf_counter() - begun}
    return {name: float(figures[name]) for name in FIGURES}


def read(file):
    if not file.exists():
        return {}
    with file.open(newline="") as rows:
        return {(row.pop("loss"), row.pop("mining"), row.pop("seed")): floats(row) for row in csv.DictReader(rows)}


def floats(row):
    return {name: float(value) for name, value in row.items()}


def write(file, done):
    with file.open("w", newline="") as rows:
        writer = csv.writer(rows)
        writer.writerow(["loss", "mining", "seed", *FIGURES])
        writer.writerows([*key, *figures.values()] for key, figures in done.items())


def table(done):
    """Markdown, the best first."""
    names = {key[:2] for key in done}
    rows = {name: [figures for key, figures in done.items() if key[:2] == name] for name in names}
    means = {name: {of: np.mean([row[of] for row in each]) for of in FIGURES} for name, each in rows.items()}
    lines = ["| loss | recall at 1, % | MAP@R, % | NMI | seconds |", "|---|---|---|---|---|"]
    for name in sorted(names, key=lambda name: -means[name]["recall_at_1"]):
        mean, recalls = means[name], [100 * row["recall_at_1"] for row in rows[name]]
        spread = np.std(recalls, ddof=1) if len(recalls) > 1 else 0
        figures = [f"{np.mean(recalls):.2f} ± {spread:.2f}", f"{100 * mean['map_at_r']:.2f}", f"{mean['nmi']:.3f}"]
        lines.append("| " + " | ".join([" ".join(filter(None, name)), *figures, f"{mean['seconds']:.0f}"]) + " |")
    first = next(iter(done.values()))
    untrained = np.mean([figures["recall_at_1_untrained"] for figures in done.values()])
    lines.append(f"\nraw pixels {first['recall_at_1_pixels']:.2%}, before training {untrained:.2%}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
