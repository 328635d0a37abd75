"""Makes golden_metric.json with pytorch-metric-learning: python tests/losses/make_golden_metric.py (needs torch)."""

import json
from pathlib import Path

import numpy as np
import pytorch_metric_learning
import torch
from pytorch_metric_learning import distances, losses, miners
from pytorch_metric_learning.reducers import MeanReducer

EUCLIDEAN = distances.LpDistance(normalize_embeddings=False)
SQUARED = distances.LpDistance(normalize_embeddings=False, power=2)
COSINE = distances.CosineSimilarity()
DOT = distances.DotProductSimilarity(normalize_embeddings=False)


def inputs():
    """24 embeddings of 16 numbers, labels with a class of one example, even labels, and 6 centres."""
    generator = np.random.default_rng(8)
    x = (0.4 * generator.normal(size=(24, 16))).astype("float32")
    even = generator.permutation(np.repeat(np.arange(6), 4))
    labels = np.where(np.arange(24) == 5, 9, even)
    return x, labels, even, generator.normal(size=(6, 16)).astype("float32")


def triplet(distance, kind, margin=0.5, **options):
    loss = losses.TripletMarginLoss(margin=margin, distance=distance, **options)
    mined = {"margin": 0.5, "type_of_triplets": kind, "distance": distance}
    return loss, miners.TripletMarginMiner(**mined)


def cases():
    hard = miners.BatchHardMiner(distance=EUCLIDEAN)
    return {
        "triplet all": triplet(EUCLIDEAN, "all"),
        "triplet semi-hard euclidean": triplet(EUCLIDEAN, "semihard"),
        "triplet semi-hard squared": triplet(SQUARED, "semihard"),
        "triplet semi-hard cosine": triplet(COSINE, "semihard"),
        "triplet hard": triplet(EUCLIDEAN, "hard"),
        "triplet easy soft": triplet(EUCLIDEAN, "easy", margin=0.0, smooth_loss=True),
        "triplet semi-hard soft": triplet(EUCLIDEAN, "semihard", margin=0.0, smooth_loss=True),
        "triplet batch-hard": (losses.TripletMarginLoss(margin=0.5, distance=EUCLIDEAN), hard),
        "triplet batch-hard mined": (
            losses.TripletMarginLoss(margin=0.5, distance=EUCLIDEAN, reducer=MeanReducer()),
            hard,
        ),
        "contrastive euclidean": (losses.ContrastiveLoss(neg_margin=2.0, distance=EUCLIDEAN), None),
        "contrastive squared": (losses.ContrastiveLoss(neg_margin=5.0, distance=SQUARED), None),
        "n-pairs": (losses.NTXentLoss(temperature=1.0, distance=DOT), None),
        "supervised-contrastive": (losses.SupConLoss(temperature=0.1, distance=COSINE), None),
        "lifted": (losses.LiftedStructureLoss(neg_margin=1, distance=EUCLIDEAN), None),
        "multi-similarity": (losses.MultiSimilarityLoss(), None),
        "multi-similarity mined": (losses.MultiSimilarityLoss(), miners.MultiSimilarityMiner(0.1)),
        "circle": (losses.CircleLoss(), None),
        "proxy-anchor": (losses.ProxyAnchorLoss(6, 16), None),
        "arcface": (losses.ArcFaceLoss(6, 16, margin=float(np.degrees(0.5))), None),
        "cosface": (losses.CosFaceLoss(6, 16), None),
    }


def measure(name, loss, miner):
    x, labels, even, centres = inputs()
    labels = torch.tensor(even if name in ("circle", "proxy-anchor", "arcface", "cosface") else labels)
    if hasattr(loss, "proxies"):
        loss.proxies.data = torch.tensor(centres)
    if hasattr(loss, "W"):
        loss.W.data = torch.tensor(centres.T)
    x = torch.tensor(x, requires_grad=True)
    value = loss(x, labels, miner(x, labels)) if miner else loss(x, labels)
    value.backward()
    return {"value": value.item(), "gradient_norm": x.grad.norm().item()}


def main():
    figures = {name: measure(name, *case) for name, case in cases().items()}
    golden = {"pytorch-metric-learning": pytorch_metric_learning.__version__, "cases": figures}
    Path(__file__).with_name("golden_metric.json").write_text(json.dumps(golden, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
