"""Detection: non-maximum suppression against TensorFlow's own operation, and images a second from end to end.

With `--nms`, `boxes.suppressed` and `tf.image.combined_non_max_suppression` choose from the same random boxes in turn,
both in a compiled function; they must agree to the last bit. Boxes are spread over an image of 640 x 640 pixels; with
`--objects`, they crowd around so many places instead, and most are suppressed. With `--images`, a detector takes raw
images of a size of their own to final boxes, beside its network alone on images that fit.

    python benchmarks/detect.py --nms
    python benchmarks/detect.py --nms --objects 60
    python benchmarks/detect.py --images
"""

import argparse
import statistics
import time
from functools import partial

import numpy as np
import tensorflow as tf

from kerascnn import backbones, models
from kerascnn.boxes import AnchorFree, suppressed

SIDE = 640  # of the images that the random boxes are in


def main():
    options = arguments()
    if options.nms:
        nms(options)
    if options.images:
        images(options)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nms", action="store_true")
    parser.add_argument("--images", action="store_true")
    parser.add_argument("--batch-size", type=int, help="100 images for --nms, 16 for --images")
    parser.add_argument("--boxes", type=int, default=10_000, help="candidates an image, for --nms")
    parser.add_argument("--classes", type=int, nargs="+", default=[1, 3], help="for --nms")
    parser.add_argument("--most", type=int, default=100, help="boxes that an image keeps")
    parser.add_argument("--objects", type=int, default=0, help="places that the boxes crowd around; 0: none")
    parser.add_argument("--size", type=int, default=320, help="pixels of the network's sides, for --images")
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    if not options.nms and not options.images:
        parser.error("pass --nms, --images or both")
    return options


def nms(options):
    """Prints the median time of both for each number of classes, the ratio, and whether they agree."""
    batch = options.batch_size or 100

    def theirs(boxes, scores):
        found = tf.image.combined_non_max_suppression(
            boxes[:, :, None], scores, options.most, options.most, 0.5, 0.05, clip_boxes=False
        )
        return {"boxes": found.nmsed_boxes, "scores": found.nmsed_scores, "count": found.valid_detections}

    ways = {
        "kerascnn": tf.function(lambda *given: suppressed(*given, most=options.most)),
        "tf.image": tf.function(theirs),
    }
    for classes in options.classes:
        given = [tf.constant(part) for part in candidates(batch, options.boxes, classes, options.objects)]
        answers = [way(*given) for way in ways.values()]  # compiles
        agree = all(np.array_equal(answers[0][key], answers[1][key]) for key in answers[1])
        times = alternating({name: partial(way, *given) for name, way in ways.items()}, options.rounds)
        text = ", ".join(f"{name} {1000 * seconds:.1f} ms" for name, seconds in times.items())
        ratio = times["tf.image"] / times["kerascnn"]
        print(f"{batch} x {options.boxes} boxes, {classes} classes: {text}, {ratio:.2f} times as fast, agree: {agree}")


def candidates(batch, n, classes, objects):
    """Random boxes `(batch, n, 4)` and scores `(batch, n, classes)`, of which no two of an image are equal."""
    rng = np.random.default_rng(0)
    middles, sizes = rng.uniform(0, SIDE, (batch, n, 2)), rng.uniform(10, 100, (batch, n, 2))
    if objects:
        place = rng.integers(0, objects, (batch, n, 1))
        middles, sizes = (np.take_along_axis(part[:, :objects], place, axis=1) for part in (middles, sizes))
        middles, sizes = middles + rng.normal(0, 5, middles.shape), sizes * np.exp(rng.normal(0, 0.1, sizes.shape))
    boxes = np.concatenate([middles - sizes / 2, middles + sizes / 2], axis=-1)
    scores = rng.permuted(np.tile(np.arange(n * classes), (batch, 1)), axis=1).reshape(batch, n, classes)
    return boxes.astype("float32"), ((scores + 0.5) / (n * classes)).astype("float32")


def alternating(ways, rounds):
    """The median seconds of each way, taken in turn."""
    times = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            begun = time.perf_counter()
            np.array(way()["boxes"])  # waits for it
            times[name].append(time.perf_counter() - begun)
    return {name: statistics.median(each) for name, each in times.items()}


def images(options):
    """Prints the images a second of a detector, resizing and suppression included, and of its network alone."""
    batch, size = options.batch_size or 16, options.size
    network = backbones.detector_on("efficientnet_lite0", (size, size, 3), 3, weights=None)
    detector = models.Detector(network, AnchorFree(), ["red", "white", "small"], (size, size), score=0.05)
    rng = np.random.default_rng(0)
    raw = rng.integers(0, 256, (batch, 480, 640, 3), "uint8")
    fitted = rng.integers(0, 256, (batch, size, size, 3), "uint8").astype("float32")
    ways = {
        "the network alone": lambda: {"boxes": network.predict_on_batch(fitted)},
        "end to end": lambda: detector.predict(raw, batch_size=batch),
    }
    for way in ways.values():
        way()  # compiles
    times = alternating(ways, options.rounds)
    for name, seconds in times.items():
        share = times["the network alone"] / seconds
        print(f"{name}, {size} x {size}: {batch / seconds:.1f} images/s, {share:.2f} times the network alone")


if __name__ == "__main__":
    main()
