"""A training step of three networks: ours, written by hand in plain Keras, and torch's on the same cores, in turn.

First every way to run each network has a few steps: ours and plain Keras in float32 and mixed bfloat16; torch eager and
compiled, float32 and bfloat16 autocast, NCHW and channels last. Then our best, plain Keras and torch's best, with all
of torch's that came near it, alternate in two processes of long life. All compute the same: as many parameters and
operations, and the same answers under the same weights, which is checked first. A step takes raw images in memory and
gives loss and accuracy; ours has what the recipes compile: schedule, decay of kernels alone, mean IoU of maps.

Compiled NCHW is left out unless `--all`: it costs minutes, and torch's compiler brings convolutions on CPUs to channels
last anyway.

    python -m benchmarks.steps --torch /path/to/another/python --networks unet
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.rounds import Worker, figures, in_turn, ratio, spread, table

NETWORKS = {
    "resnet20": ("ResNet-20, 32 px", 128),
    "resnet64": ("ResNet of 64 filters, 2 blocks a stage, 32 px", 128),
    "unet": ("U-Net of 16 filters and depth 3, 128 px", 16),
}
KERAS = [f"{side}, {policy}" for side in ("kerascnn", "plain Keras") for policy in ("float32", "mixed_bfloat16")]
TORCH = [
    f"{way}, {precision}, {layout}"
    for way in ("eager", "compiled")
    for precision in ("float32", "bfloat16")
    for layout in ("NCHW", "channels last")
]
REFERENCE = "plain Keras, float32"
TOLERANCE = 1e-3  # of probabilities, between sums in another order through twenty normalisations
NEAR = 1.1  # times torch's best: who is not slower than this alternates with it
WARM_UP = 2  # steps after which a graph is built and memory settled
LEAST = 600  # milliseconds of steps at a turn, at least
ALONE = 20  # steps of ours at the end, whose spread says how long the slowest of many machines takes


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torch", default=sys.executable, metavar="PYTHON", help="the Python that has torch")
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=NETWORKS)
    parser.add_argument("--batch", type=int, help="images a step; the default depends on the network")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--first", type=int, default=4, help="steps of each way to run, before the rounds")
    parser.add_argument("--eager", action="store_true", help="leave torch.compile out, which takes minutes to compile")
    parser.add_argument("--all", action="store_true", help="compiled NCHW too")
    return parser.parse_args()


def has_torch(python):
    found = subprocess.run([python, "-c", "import torch, numpy"], capture_output=True).returncode == 0
    if not found:
        print(f"{Path(python).name} given by --torch has no torch: it is left out.\n")
    return found


def measure(name, options):
    """What was found of a network: the check, the median of each way to run, and the rounds of the best."""
    size = options.batch or NETWORKS[name][1]
    with ExitStack() as stack:
        command = [name, str(size)]
        keras = stack.enter_context(Worker(["-m", "benchmarks.keras_networks", *command]))
        kinds, torch = dict.fromkeys(KERAS, keras), None
        if options.torch:
            torch = stack.enter_context(Worker(["-m", "benchmarks.torch_networks", *command], options.torch))
            kinds |= dict.fromkeys(torch_kinds(options), torch)
        check = compared(keras, torch)
        first = {}
        for kind, worker in kinds.items():
            worker.ask("prepare", kind)
            first[kind] = worker.ask("milliseconds", kind, WARM_UP + options.first)[WARM_UP:]
            print(f"{name}: {kind} {statistics.median(first[kind]):.1f} ms", file=sys.stderr, flush=True)
        chosen = finalists(first)
        rounds = in_turn({kind: partial(turn, kinds[kind], kind, first[kind]) for kind in chosen}, options.rounds)
        mine, theirs = best(rounds)
        alone = keras.ask("milliseconds", mine, ALONE)
    return {
        "batch": size, "check": check, "first": first, "rounds": rounds, "ours": mine, "torch": theirs, "alone": alone,
    }  # fmt: skip


def torch_kinds(options):
    """The ways to run torch that are asked for."""
    kinds = [kind for kind in TORCH if options.all or not (kind.startswith("compiled") and kind.endswith("NCHW"))]
    return [kind for kind in kinds if not (options.eager and kind.startswith("compiled"))]


def compared(keras, torch):
    """What the check found. Raises ValueError where networks are not the same, whose times would say nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "weights.npz"))
        check = keras.ask("differences", path)
        if torch is not None:
            check["same"] &= torch.ask("parameters") == check["parameters"]
            check["difference"] = max(check["difference"], torch.ask("difference", path))
    if not check["same"] or check["difference"] > TOLERANCE:
        raise ValueError(f"The networks that are compared differ: {check}.")
    return check


def finalists(first):
    """Our fastest, plain Keras, and torch's fastest with all that came near it."""
    times = {kind: statistics.median(values) for kind, values in first.items()}
    mine = min((kind for kind in times if kind.startswith("kerascnn")), key=times.get)
    theirs = {kind: time for kind, time in times.items() if kind in TORCH}
    near = [kind for kind, time in theirs.items() if time <= NEAR * min(theirs.values())]
    return [mine, *(kind for kind in times if kind.startswith("plain")), *near]


def turn(worker, kind, before):
    """The median time of the steps of one turn."""
    count = max(2, round(LEAST / statistics.median(before)))
    return statistics.median(worker.ask("milliseconds", kind, count))


def best(rounds):
    """Our kind, and torch's fastest in the rounds, None without torch."""
    torch = [kind for kind in rounds if kind in TORCH]
    theirs = min(torch, default=None, key=lambda kind: statistics.median(rounds[kind]))
    return next(kind for kind in rounds if kind.startswith("kerascnn")), theirs


def report(name, found):
    """A row for each way to run the network, then what the check found."""
    mine, rows = found["rounds"][found["ours"]], []
    for kind, first in found["first"].items():
        label = f"torch {kind}" if kind in TORCH else kind
        times = found["rounds"].get(kind)
        shown = [spread(times), ratio(times, mine)] if times else ["-", "-"]
        rows.append([f"**{label}**" if kind in (found["ours"], found["torch"]) else label, spread(first), *shown])
    print(f"{NETWORKS[name][0]}, batch {found['batch']}:\n")
    table(["", "ms a step, before the rounds", "ms a step, in the rounds", "times as long as ours"], rows)
    check = found["check"]
    print(
        f"{check['parameters']:,} trained parameters and {check['gigaflops']:.3f} GFLOPs an image, equal for all; "
        f"probabilities under the same weights at most {check['difference']:.1e} apart.\n",
        flush=True,
    )


def main():
    options = arguments()
    options.torch = options.torch if has_torch(options.torch) else None
    for name in options.networks:
        found = measure(name, options)
        report(name, found)
        figures(network=name, batch=found["batch"], parameters=found["check"]["parameters"], steps=found["alone"])


if __name__ == "__main__":
    main()
