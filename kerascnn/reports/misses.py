"""What is wrong with the objects that a detector found, and which it missed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kerascnn.boxes import iou

WRONG = ("background", "place", "class", "duplicate")
"""What a detection may be that is not right; `judge` says when."""
MATCH, TOUCH = 0.5, 0.1  # least IoU of a box that is right, and of one that is not mere background

Prediction = tuple[np.ndarray, np.ndarray, np.ndarray]  # boxes (n, 4), scores (n,), classes (n,)


@dataclass(frozen=True)
class Judged:
    """The detections in one image beside what is there.

    Attributes:
        rows: of the prediction, those that reach the score, the surest first.
        kinds: of each: "right", "ignored" or one of `WRONG`.
        partners: of each, the row of the truth that it is at, -1 for none.
        missed: rows of the truth that count and were not found.
    """

    rows: np.ndarray
    kinds: tuple[str, ...]
    partners: np.ndarray
    missed: np.ndarray

    @property
    def error(self) -> float:
        """1 - F1: 0 where all is right, 1 where nothing is."""
        right = self.kinds.count("right")
        wrong = len(self.kinds) - right - self.kinds.count("ignored") + len(self.missed)
        return wrong / (2 * right + wrong) if wrong else 0.0


@dataclass(frozen=True)
class Miss:
    """An error to be shown: the index of its image, its box, a title and a note; whether an object was missed.

    `near` is the object that a wrong box is at, or None.
    """

    image: int
    box: np.ndarray
    title: str
    note: str
    missed: bool
    near: np.ndarray | None = None


def judge(truth: np.ndarray, prediction: Prediction, score: float) -> Judged:
    """Compares detections of at least `score` with the objects `(m, 5)` of an image.

    The surest first, each takes the free object of its class with the largest IoU, of 0.5 at least: "right". Others
    are at an object that does not count ("ignored") or that was found already ("duplicate"), at one of another class
    ("class"), near one of their class (IoU from 0.1: "place"), or at nothing ("background"); a short form of the
    errors of Bolya et al. 2020, https://arxiv.org/abs/2008.08115.
    """
    boxes, scores, classes = prediction
    rows = np.argsort(-scores, kind="stable")[: np.sum(scores >= score)]
    labels = truth[:, 4].astype(int)
    counts = labels >= 0
    overlaps = _overlaps(boxes[rows], truth[:, :4]) * (labels != -1)
    alike = overlaps * (classes[rows][:, None] == np.where(counts, labels, -2 - labels))
    free, kinds, partners = counts.copy(), [], []
    for own, every in zip(alike, overlaps, strict=True):
        kind, partner = _kind(own, every * counts, free, counts)
        if kind == "right":
            free[partner] = False
        kinds.append(kind)
        partners.append(partner)
    return Judged(rows, tuple(kinds), np.array(partners, int), np.flatnonzero(free))


def worst(
    truths: Sequence[np.ndarray],
    predictions: Sequence[Prediction],
    judged: Sequence[Judged],
    class_names: Sequence[str],
    count: int = 20,
) -> list[Miss]:
    """The wrong detections with the highest scores, and the missed objects that were farthest from being found.

    Half of `count` each, and more of one kind where there are fewer of the other.
    """
    wrong, missed = [], []
    for image, (truth, prediction, found) in enumerate(zip(truths, predictions, judged, strict=True)):
        wrong += _wrong(image, truth, prediction, found, class_names)
        missed += _missed(image, truth, prediction, found, class_names)
    wrong, missed = ([miss for _, miss in sorted(each, key=lambda ranked: ranked[0])] for each in (wrong, missed))
    first = wrong[: max(count // 2, count - len(missed))]
    return first + missed[: count - len(first)]


def _overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    if not len(boxes) or not len(others):
        return np.zeros((len(boxes), len(others)), np.float32)
    return np.asarray(iou(np.float32(boxes), np.float32(others)))


def _kind(own: np.ndarray, every: np.ndarray, free: np.ndarray, counts: np.ndarray) -> tuple[str, int]:
    """What a detection is, by its overlaps with the objects of its class and with every one that counts."""
    cases = {
        "right": (own * free, MATCH),
        "ignored": (own * ~counts, MATCH),
        "duplicate": (own * counts, MATCH),
        "class": (every, MATCH),
        "place": (own * counts, TOUCH),
    }
    for kind, (overlaps, least) in cases.items():
        if overlaps.max(initial=0) >= least:
            return kind, int(overlaps.argmax())
    return "background", -1


def _wrong(image, truth, prediction, judged, class_names) -> list[tuple[float, Miss]]:
    """The wrong detections of an image, with ranks of which the least is the worst."""
    boxes, scores, classes = prediction
    found = []
    for row, kind, partner in zip(judged.rows, judged.kinds, judged.partners, strict=True):
        if kind in WRONG:
            title = f"{class_names[int(classes[row])]} {scores[row]:.2f}"
            near = truth[partner] if partner >= 0 else None
            note = "nothing there" if near is None else _note(kind, boxes[row], near, class_names)
            miss = Miss(image, boxes[row], title, note, False, None if near is None else near[:4])
            found.append((-float(scores[row]), miss))
    return found


def _note(kind: str, box: np.ndarray, there: np.ndarray, class_names: Sequence[str]) -> str:
    if kind == "place":
        return f"IoU {_overlaps(box[None], there[None, :4])[0, 0]:.2f} only"
    return "found already" if kind == "duplicate" else f"is {class_names[int(there[4])]}"


def _missed(image, truth, prediction, judged, class_names) -> list[tuple[float, Miss]]:
    """The missed objects of an image, ranked by the highest score of a box of their class that is right."""
    boxes, scores, classes = prediction
    found = []
    for row in judged.missed:
        label = int(truth[row, 4])
        near = _overlaps(boxes, truth[row : row + 1, :4])[:, 0] >= MATCH if len(boxes) else np.zeros(0, bool)
        best = float(scores[near & (classes == label)].max(initial=0))
        note = f"best score {best:.2f}" if best else "not seen at all"
        found.append((best, Miss(image, truth[row, :4], f"{class_names[label]} missed", note, True)))
    return found
