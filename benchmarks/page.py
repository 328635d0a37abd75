"""The page of `python -m benchmarks`: the machine, the versions and what each part printed."""

import importlib.metadata
import os
import platform
import re
import shlex
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.parts import BY_HAND, PARTS, Part

PACKAGES = ("tensorflow", "keras", "jax", "jaxlib", "numpy", "opencv-python-headless", "keras-tuner", "albumentations")
FEATURES = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "asimd", "bf16", "sve")
"""Of a processor that decide how fast convolutions are."""
BUSY = 0.05  # share of the cores' time that others took before a part began, from which on the page says so


def machine() -> dict[str, str]:
    """What the machine is, without its name."""
    about = _read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", about, re.MULTILINE)
    flags = set(re.findall(r"\w+", "".join(re.findall(r"^(?:flags|Features)\s*:(.*)$", about, re.MULTILINE)[:1])))
    memory = re.search(r"MemTotal:\s*(\d+)", _read("/proc/meminfo"))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": str(cores),
        "memory": f"{int(memory[1]) / 2**20:.0f} GiB" if memory else "unknown",
        "features": " ".join(name for name in FEATURES if name in flags) or "unknown",
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions(torch: str) -> dict[str, str]:
    """Python and the packages that are compared; that of torch from the interpreter `torch`."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    code = "import importlib.metadata as m; print(m.version('torch'))"
    asked = subprocess.run([torch, "-c", code], capture_output=True, text=True)
    return found | ({"torch": asked.stdout.strip()} if asked.returncode == 0 else {})


def written(results: Mapping[str, dict], about: Mapping[str, Mapping[str, str]]) -> str:
    """The page as text. `results` has what the runner keeps of each part, `about` the machine and the versions."""
    text = [
        "# Benchmarks",
        "Written by `python -m benchmarks --torch PYTHON`, which measures every part in processes of its own; the "
        "figures hold for this machine, the ratios travel better. Do not edit.",
        *("- " + ", ".join(f"{name} {value}" for name, value in each.items()) for each in about.values()),
    ]
    for name, part in PARTS.items():
        if name in results:
            text.append(_section(part, results[name]))
    text.append("## What takes longer")
    text.append("Not run by the command above:")
    rows = [f"| `{command}` | {what} |" for command, what in BY_HAND.items()]
    text.append("\n".join(["| command | what it measures |", "|---|---|", *rows]))
    return re.sub(r"\n{3,}", "\n\n", "\n\n".join(text)) + "\n"


def _section(part: Part, result: Mapping) -> str:
    told = f"`{result['shown']}`: {result['seconds']:.0f} s, on {result['date']}"
    told += f"; the machine was {result['busy']:.0%} busy before." if result["busy"] >= BUSY else "."
    lines = [line for line in result["lines"] if re.match(part.lines, line)]
    plain = not any(line.startswith("|") for line in lines)
    body = "\n".join(["```text", *lines, "```"] if plain else lines)
    return "\n\n".join([f"## {part.title}", part.text, told, body.strip("\n")])


def shown(command: str) -> str:
    """A part's command as a reader types it."""
    words = ["python", *shlex.split(command)]
    return " ".join(
        "PYTHON" if word == "{torch}" else "saved_models/runs/benchmarks" if word == "{folder}" else word
        for word in words
    )


def busy(seconds: float = 1.0) -> float:
    """The share of the processors' time that is used; 0 where the system does not say."""
    before = _ticks()
    time.sleep(seconds)
    idle, total = (now - then for now, then in zip(_ticks(), before, strict=True))
    return 1 - idle / total if total else 0.0


def _ticks() -> tuple[int, int]:
    """How long all processors were idle so far, and how long they were there."""
    ticks = [int(value) for value in _read("/proc/stat").partition("\n")[0].split()[1:9]]
    return sum(ticks[3:5]), sum(ticks)


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
