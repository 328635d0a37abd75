"""The measured networks in torch, as torch's users write them, and one training step in each of its ways to run it.

    PYTHON -m benchmarks.torch_networks resnet20 128

is the worker of `benchmarks/steps.py`. Layers have the names of Keras', so that weights can be copied by name.
"""

import sys
from functools import partial

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.rounds import milliseconds, serve


class Network(nn.Module):
    """Layers by name. `exact` pads before a stride as Keras does, at the far end; torch pads both with as much work."""

    def __init__(self):
        super().__init__()
        self.part, self.exact = nn.ModuleDict(), False

    def add(self, name, channels, filters, kernel=3, strides=1):
        self.part[f"{name}_conv"] = nn.Conv2d(channels, filters, kernel, strides, kernel // 2, bias=False)
        self.part[f"{name}_norm"] = nn.BatchNorm2d(filters, eps=1e-3)

    def run(self, x, name, activated=True):
        conv = self.part[f"{name}_conv"]
        if self.exact and conv.stride[0] > 1 and conv.padding[0]:
            x = functional.conv2d(functional.pad(x, (0, 1, 0, 1)), conv.weight, stride=conv.stride)
        else:
            x = conv(x)
        x = self.part[f"{name}_norm"](x)
        return functional.relu(x) if activated else x


class ResNet(Network):
    def __init__(self, filters, depths, projection):
        super().__init__()
        self.blocks, self.projection, channels = [], projection, filters
        self.add("stem", 3, filters)
        for stage, depth in enumerate(depths):
            for number in range(depth):
                name, width = f"stage{stage + 1}_block{number + 1}", filters * 2**stage
                strides = 2 if stage and not number else 1
                self.add(f"{name}_1", channels, width, strides=strides)
                self.add(f"{name}_2", width, width)
                if strides > 1 and projection:
                    self.add(f"{name}_shortcut", channels, width, 1, strides)
                self.blocks.append((name, strides))
                channels = width
        self.part["probabilities"] = nn.Linear(channels, 10)

    def forward(self, x):
        x = self.run(x, "stem")
        for name, strides in self.blocks:
            y = self.run(self.run(x, f"{name}_1"), f"{name}_2", activated=False)
            if strides > 1 and self.projection:
                x = self.run(x, f"{name}_shortcut", activated=False)
            elif strides > 1:
                missing = (y.shape[1] - x.shape[1]) // 2
                x = functional.pad(x[:, :, ::strides, ::strides], (0, 0, 0, 0, missing, missing))
            x = functional.relu(x + y)
        return self.part["probabilities"](x.mean((2, 3)))


class UNet(Network):
    def __init__(self, filters, depth):
        super().__init__()
        self.depth, channels = depth, 1
        for level in range(1, depth + 2):
            name, width = "bottom" if level > depth else f"encoder{level}", filters * 2 ** (level - 1)
            self.add(f"{name}_1", channels, width)
            self.add(f"{name}_2", width, width)
            channels = width
        for level in range(depth, 0, -1):
            width = filters * 2 ** (level - 1)
            self.part[f"decoder{level}_up_conv"] = nn.ConvTranspose2d(2 * width, width, 2, 2)
            self.add(f"decoder{level}_1", 2 * width, width)
            self.add(f"decoder{level}_2", width, width)
        self.part["output"] = nn.Conv2d(filters, 2, 1)

    def forward(self, x):
        skips = []
        for level in range(1, self.depth + 1):
            skips.append(self.run(self.run(x, f"encoder{level}_1"), f"encoder{level}_2"))
            x = functional.max_pool2d(skips[-1], 2)
        x = self.run(self.run(x, "bottom_1"), "bottom_2")
        for level in range(self.depth, 0, -1):
            x = torch.cat([skips[level - 1], self.part[f"decoder{level}_up_conv"](x)], 1)
            x = self.run(self.run(x, f"decoder{level}_1"), f"decoder{level}_2")
        return self.part["output"](x)


NETWORKS = {
    "resnet20": partial(ResNet, 16, (3, 3, 3), False),
    "resnet64": partial(ResNet, 64, (2, 2, 2), True),
    "unet": partial(UNet, 16, 3),
}
LAYOUTS = {"NCHW": torch.contiguous_format, "channels last": torch.channels_last}
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}
WAYS = ("eager", "compiled")


def scaled(images, layout):
    """Raw pixels (batch, channels, height, width) as the networks see them."""
    return (images.float() / 127.5 - 1).contiguous(memory_format=LAYOUTS[layout])


def step(name, kind, images, targets):
    """A function that trains one step and returns the loss and the share of right answers."""
    way, precision, layout = kind.split(", ")
    torch.manual_seed(0)
    images = images.contiguous(memory_format=LAYOUTS[layout])
    network = NETWORKS[name]().to(memory_format=LAYOUTS[layout]).train()
    if name == "unet":
        optimizer, smoothing = torch.optim.AdamW(network.parameters(), 1e-3, fused=True), 0.0
    else:
        options = {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4, "fused": True}
        optimizer, smoothing = torch.optim.SGD(network.parameters(), 0.01, **options), 0.1

    def judged(images, targets):
        with torch.autocast("cpu", PRECISIONS[precision], enabled=PRECISIONS[precision] is not None):
            outputs = network(scaled(images, layout))
        loss = functional.cross_entropy(outputs.float(), targets, label_smoothing=smoothing)
        return loss, (outputs.detach().argmax(1) == targets).float().mean()

    judged = torch.compile(judged) if way == "compiled" else judged

    def train():
        optimizer.zero_grad(set_to_none=True)
        loss, accuracy = judged(images, targets)
        loss.backward()
        optimizer.step()
        return float(loss.detach()), float(accuracy)

    return train


def copied(name, path):
    """The probabilities of a batch under weights that Keras has saved, as `steps.compared` wants them."""
    saved, network = dict(np.load(path, allow_pickle=False)), NETWORKS[name]().train()
    network.exact = True
    renamed = {"gamma": "weight", "beta": "bias", "kernel": "weight"}
    for key, value in saved.items():
        layer, _, weight = key.rpartition("/")
        if weight in renamed or weight == "bias":
            own = getattr(network.part[layer], renamed.get(weight, weight))
            turned = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[value.ndim]
            own.data.copy_(torch.from_numpy(value.transpose(turned)))
    with torch.no_grad():
        answer = network(scaled(torch.from_numpy(saved["images"]).permute(0, 3, 1, 2), "NCHW")).softmax(1)
    return np.moveaxis(answer.numpy(), 1, -1)


def batch(name, size):
    """Raw noise and labels, or masks, as `keras_networks.batch` gives them."""
    rng, (side, channels, classes) = np.random.default_rng(0), (128, 1, 2) if name == "unet" else (32, 3, 10)
    images = torch.from_numpy(rng.integers(0, 256, (size, side, side, channels), "uint8")).permute(0, 3, 1, 2)
    return images, torch.from_numpy(rng.integers(0, classes, (size, side, side) if name == "unet" else size))


def main():
    name, size = sys.argv[1], int(sys.argv[2])
    examples, steps = batch(name, size), {}

    def prepare(kind):
        steps[kind] = step(name, kind, *examples)

    def difference(path):
        return float(np.abs(copied(name, path) - np.load(path, allow_pickle=False)["probabilities"]).max())

    serve({
        "parameters": lambda: sum(weight.numel() for weight in NETWORKS[name]().parameters()),
        "version": lambda: torch.__version__,
        "prepare": prepare,
        "difference": difference,
        "milliseconds": lambda kind, count: milliseconds(steps[kind], count),
    })  # fmt: skip


if __name__ == "__main__":
    main()
