"""Triplet losses, forward and backward, against pytorch-metric-learning, in turns; time and peak memory.

    python benchmarks/mining.py --torch /path/to/another/python
    python benchmarks/mining.py --growth 256 512 1024 2048 4096 8192

`--torch` names a Python that has torch and pytorch-metric-learning, the one that runs this by default; where they are
missing only our side runs. Each round is a process of its own: embeddings on the unit sphere, Euclidean distances,
margin 0.2, some steps that warm up and then those that count. Memory is what the process has at its peak above what it
had before the first step, compilation included. Both sides print the loss, which must be the same.
"""

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

MINERS = ("semi-hard", "batch-hard")
WARM_UP = 3


def main():
    options = arguments()
    if options.side:
        print(json.dumps(measure(options)))
        return
    sides = ["kerascnn"] + (["torch"] if has_torch(options.torch) and not options.growth else [])
    for miner in options.miners:
        for batch in options.growth or [options.batch]:
            rounds = {side: [] for side in sides}
            for _ in range(options.rounds):
                for side in sides:
                    rounds[side].append(in_process(side, miner, batch, options))
            tell(miner, batch, rounds)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=1024, help="embeddings in a batch")
    parser.add_argument("--dimensions", type=int, default=128, help="of an embedding")
    parser.add_argument("--images", type=int, default=4, help="of each class")
    parser.add_argument("--miners", nargs="+", default=MINERS, choices=MINERS)
    parser.add_argument("--rounds", type=int, default=3, help="processes of each side, in turns")
    parser.add_argument("--steps", type=int, default=10, help="that count, in each process")
    parser.add_argument("--jit", action="store_true", help="compile our side with XLA")
    parser.add_argument("--torch", default=sys.executable, metavar="PYTHON", help="the Python that has torch")
    parser.add_argument("--growth", type=int, nargs="+", metavar="BATCH", help="our side alone, at these batches")
    parser.add_argument("--side", choices=["kerascnn", "torch"], help=argparse.SUPPRESS)
    return parser.parse_args()


def has_torch(python):
    code = "import torch, pytorch_metric_learning"
    found = subprocess.run([python, "-c", code], capture_output=True).returncode == 0
    if not found:
        print(f"{Path(python).name} lacks torch or pytorch-metric-learning: pass --torch PYTHON. Our side alone:")
    return found


def in_process(side, miner, batch, options):
    """What `measure` gives in a new process."""
    command = [options.torch if side == "torch" else sys.executable, __file__, "--side", side, "--miners", miner]
    for name in ("dimensions", "images", "steps"):
        command += [f"--{name}", str(getattr(options, name))]
    command += ["--batch", str(batch), *(["--jit"] if options.jit else [])]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def measure(options):
    """Milliseconds of each step, and megabytes at the peak."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(options.batch, options.dimensions)).astype("float32")
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    labels = np.arange(options.batch) // options.images
    step = SIDES[options.side](options.miners[0], x, labels, options.jit)
    before, times = memory("VmRSS"), []
    for _ in range(WARM_UP + options.steps):
        begun = time.perf_counter()
        loss = step()
        times.append(1000 * (time.perf_counter() - begun))
    return {"loss": loss, "ms": times[WARM_UP:], "mb": memory("VmHWM") - before}


def ours(miner, x, labels, jit):
    import tensorflow as tf

    from kerascnn.losses import Triplet

    loss, x, labels = Triplet(0.2, "euclidean", miner), tf.constant(x), tf.constant(labels)

    @tf.function(jit_compile=jit)
    def step():
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(labels, x)
        return value, tape.gradient(value, x)

    tf.matmul(x, x, transpose_b=True)  # loads what any product needs
    return lambda: float(step()[0])


def theirs(miner, x, labels, _):
    torch = importlib.import_module("torch")
    losses, miners, distances = (
        importlib.import_module(f"pytorch_metric_learning.{name}") for name in ("losses", "miners", "distances")
    )
    distance = distances.LpDistance(normalize_embeddings=False)
    x, labels = torch.tensor(x, requires_grad=True), torch.tensor(labels)
    loss = losses.TripletMarginLoss(margin=0.2, distance=distance)
    semi_hard = miners.TripletMarginMiner(margin=0.2, type_of_triplets="semihard", distance=distance)
    chooses = {"semi-hard": semi_hard, "batch-hard": miners.BatchHardMiner(distance=distance)}[miner]

    def step():
        x.grad = None
        value = loss(x, labels, chooses(x, labels))
        value.backward()
        return value.item()

    x.detach() @ x.detach().T
    return step


SIDES = {"kerascnn": ours, "torch": theirs}


def memory(field):
    """VmRSS, what this process has now, or VmHWM, its peak so far, in megabytes (Linux)."""
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def tell(miner, batch, rounds):
    figures = {}
    for side, each in rounds.items():
        milliseconds = statistics.median(value for one in each for value in one["ms"])
        megabytes = statistics.median(one["mb"] for one in each)
        figures[side] = (milliseconds, megabytes)
        print(
            f"{miner:>10} {batch:5} {side:>9} {milliseconds:9.1f} ms {megabytes:8.0f} MB  loss {each[0]['loss']:.6f}",
            flush=True,
        )
    if len(figures) == 2:
        (ms, mb), (their_ms, their_mb) = figures["kerascnn"], figures["torch"]
        print(f"{miner:>10} {batch:5}     ratio {their_ms / ms:9.1f} times as fast, {mb / their_mb:.3f} of the memory")


if __name__ == "__main__":
    main()
