"""Data larger than memory: how memory and time grow with the number of images, and what slow reads cost.

`memory`: makes tiny image files (hard links of a few), a tenth of them and all; a process of its own loads each set
without keeping images and goes through an epoch of batches without a network. The same with TFRecord shards. What the
peak of memory grows by is printed in bytes an image.

`latency`: batches of shards on an object store that answers each read after 20 ms, by the number of readers.

    python benchmarks/large_data.py memory --images 200000
    python benchmarks/large_data.py latency
"""

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CLASSES, LINKED = 10, 640  # hard links of one file: file systems allow some 65,000 of them
SHARDS = 16
SIDE, BATCH = 16, 128
MIB = 2**20
LATENCY = 0.02  # seconds


def png(seed, side=SIDE):
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def make_files(folder, count):
    """`count` image files in class folders below `folder`."""
    originals = folder.with_name(f"{folder.name}-originals")
    originals.mkdir()
    for label in range(CLASSES):
        (folder / f"class{label}").mkdir(parents=True)
    for i in range(count):
        if i % LINKED == 0:
            original = originals / f"{i}.png"
            original.write_bytes(png(i))
        os.link(original, folder / f"class{i % CLASSES}" / f"image-{i:07}.png")


def peak():
    """The most memory that this process has taken so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read_all(path):
    """Loads and reads one epoch; prints seconds and peaks of memory."""
    import tensorflow as tf

    from kerascnn.data import batches, load

    for _ in tf.data.Dataset.range(4).map(lambda x: tf.random.stateless_uniform((2, 2), [x, x])):
        pass  # TensorFlow starts its threads here, not in what is measured
    found, begun = {"started": peak()}, time.perf_counter()
    data = load(path, memory=0)
    found |= {"load_s": time.perf_counter() - begun, "loaded": peak()}
    begun = time.perf_counter()
    seen = sum(len(labels) for _, labels in batches(data, "train", BATCH))
    seconds = time.perf_counter() - begun
    print(json.dumps(found | {"epoch": peak(), "images_s": seen / seconds, "images": seen}))


def index_all(path):
    """Writes the index of shards; prints seconds and the peak of memory before and after."""
    from kerascnn.data import index_records

    found, begun = {"started": peak()}, time.perf_counter()
    index_records(path)
    print(json.dumps(found | {"index_s": time.perf_counter() - begun, "indexed": peak()}))


def make_records(folder, count):
    """`count` images in shards below `folder`, of a few different ones."""
    from kerascnn.data.examples import example
    from kerascnn.data.record_writing import framed_message

    folder.mkdir()
    images = [png(i) for i in range(10 * CLASSES)]
    records = [framed_message(example({"image": image, "label": i % CLASSES})) for i, image in enumerate(images)]
    for shard in range(SHARDS):
        numbers = range(shard, count, SHARDS)
        with (folder / f"train-{shard:05}-of-{SHARDS:05}.tfrecord").open("wb") as file:
            file.writelines(records[number // SHARDS % len(records)] for number in numbers)


def own_process(*arguments):
    """What this script prints when it is run with `arguments`, in a process of its own."""
    command = [sys.executable, __file__, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def read(kind, place):
    """The peak of memory that loading and an epoch add to what TensorFlow takes, in MiB."""
    found = own_process("--read", place)
    print(
        f"{kind}, {found['images']:,} training images: load {found['load_s']:.1f} s, epoch {found['images_s']:,.0f} "
        f"images/s; peak {found['started']:.0f} MiB at the start, {found['loaded']:.0f} loaded, {found['epoch']:.0f} "
        f"at the end",
        flush=True,
    )
    return found["epoch"] - found["started"]


def compare(kind, places, count):
    few, many = (read(kind, place) for place in places)
    added = count - count // 10
    print(
        f"{kind}: {many - few:.1f} MiB more for {added:,} images more, {(many - few) * MIB / added:.0f} bytes an image"
    )


def memory(count, kinds):
    with tempfile.TemporaryDirectory() as place:
        sizes = count // 10, count
        for kind in kinds:
            places = [Path(place, f"{kind}{size}") for size in sizes]
            for size, folder in zip(sizes, places, strict=True):
                (make_files if kind == "files" else make_records)(folder, size)
                if kind == "records":
                    found = own_process("--index", folder)
                    print(
                        f"index of {size:,} records: {found['index_s']:.1f} s, "
                        f"peak {found['started']:.0f} MiB before, {found['indexed']:.0f} after",
                        flush=True,
                    )
            compare(kind, places, count)


def rate(url, readers, batch, seconds):
    """Images a second of batches that are read for so many seconds, without what is read ahead at first."""
    from kerascnn.data import batches, load

    found = iter(batches(load(url, memory=0, readers=readers), "train", batch, epochs=(0, 10**6)))
    for _ in range(8):
        next(found)
    begun, seen = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        seen += len(next(found)[1])
    return seen / (time.perf_counter() - begun)


def latency(seconds):
    import fsspec
    from fsspec.implementations.memory import MemoryFileSystem

    from kerascnn.data import index_records

    with tempfile.TemporaryDirectory() as place:
        make_records(Path(place, "shards"), 2000)
        index_records(Path(place, "shards"))
        fsspec.filesystem("memory").put(f"{place}/shards", "/bucket/shards", recursive=True)
    at_once = MemoryFileSystem.cat_file

    def late(self, *part, **options):
        time.sleep(LATENCY)
        return at_once(self, *part, **options)

    for batch in (128, 16):
        print(f"batches of {batch}: {rate('memory://bucket/shards', 32, batch, seconds):,.0f} images/s without waiting")
        MemoryFileSystem.cat_file = late
        for readers in (1, 8, 32, 128):
            found, most = rate("memory://bucket/shards", readers, batch, seconds), readers / LATENCY
            print(f"  {readers:3} readers: {found:6,.0f} images/s; reads alone allow {most:,.0f} for each batch made")
        MemoryFileSystem.cat_file = at_once


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="?", choices=["memory", "latency"], default="memory")
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--kinds", nargs="+", default=["files", "records"], choices=["files", "records"])
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement of latency")
    for hidden in ("--read", "--index"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        read_all(arguments.read)
    elif arguments.index:
        index_all(arguments.index)
    elif arguments.part == "memory":
        memory(arguments.images, arguments.kinds)
    else:
        latency(arguments.seconds)


if __name__ == "__main__":
    main()
