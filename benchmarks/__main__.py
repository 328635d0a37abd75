"""Runs the benchmarks, each in processes of its own, and writes docs/benchmarks.md.

What a part printed is kept, and the same call goes on after a kill with those that are missing; `--again` measures
all anew, `--only` those that it names. Nothing else should run on the machine. `--quick` only shows that everything
works, with figures that say nothing: its results and its page stand apart.

    python -m benchmarks --torch /path/to/a/python/with/torch
    python -m benchmarks --only steps-unet inputs
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks import page
from benchmarks.parts import PARTS, Part
from benchmarks.rounds import QUIET, ROOT

FOLDER, PAGE = ROOT / "saved_models/runs/benchmarks", ROOT / "docs/benchmarks.md"


def arguments(words=None):
    parser = argparse.ArgumentParser(
        "python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--torch", default=sys.executable, metavar="PYTHON", help="the Python that has torch")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="NAME", help=f"measure these: {', '.join(PARTS)}")
    parser.add_argument("--again", action="store_true", help="measure what was measured already too")
    parser.add_argument("--quick", action="store_true", help="small and few, to see that everything works")
    parser.add_argument("--eager", action="store_true", help="leave torch.compile out, which may take very long")
    parser.add_argument("--folder", type=Path, help="where results are kept; saved_models/runs/benchmarks")
    return parser.parse_args(words)


def main(words=None):
    """Runs what is asked for; returns how many parts failed."""
    options = arguments(words)
    folder = options.folder or (FOLDER / "quick" if options.quick else FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name, part in PARTS.items():
        wanted = name in options.only if options.only else options.again or not kept(folder, name)
        if wanted and ready(name, part, folder):
            failed += not measure(name, part, folder, options)
    results = {name: kept(folder, name) for name in PARTS if kept(folder, name)}
    target = PAGE if folder == FOLDER else folder / "benchmarks.md"
    replace(target, page.written(results, {"machine": page.machine(), "versions": page.versions(options.torch)}))
    tell(f"{len(results)} of {len(PARTS)} parts are on {target}")
    return failed


def kept(folder: Path, name: str) -> Mapping | None:
    """What is known of a part that was measured."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else None


def ready(name: str, part: Part, folder: Path) -> bool:
    """Whether all that a part needs was measured; says so if not."""
    missing = [needed for needed in part.needs if not kept(folder, needed)]
    if missing:
        tell(f"{name} is left out: it needs {', '.join(missing)}")
    return not missing


def measure(name: str, part: Part, folder: Path, options) -> bool:
    """Runs a part and keeps what it printed, whole or not at all; whether it went well."""
    extra = f" {part.quick}" if options.quick and part.quick else ""
    extra += " --eager" if options.eager and "benchmarks.steps" in part.command and "--eager" not in extra else ""
    command = [word.format(torch=options.torch, folder=folder) for word in shlex.split(part.command + extra)]
    busy, begun = page.busy(), time.time()
    tell(f"{name}: {page.shown(part.command + extra)}")
    environment = {**os.environ, **QUIET}
    done = subprocess.run([sys.executable, *command], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    if done.returncode:
        tell(f"{name} ended with status {done.returncode}; what it printed:\n{done.stdout}")
        return False
    lines = done.stdout.splitlines()
    last = next((json.loads(line) for line in reversed(lines) if line.startswith("{")), None)
    result = {
        "shown": page.shown(part.command + extra), "seconds": time.time() - begun, "busy": busy,
        "date": time.strftime("%Y-%m-%d"), "lines": lines, "figures": last,
    }  # fmt: skip
    replace(folder / f"{name}.json", json.dumps(result, indent=1))
    tell(f"{name}: {result['seconds']:.0f} s")
    return True


def replace(path: Path, text: str) -> None:
    """Writes a file, whole or not at all."""
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(text)
    os.replace(temporary, path)


def tell(text: str) -> None:
    """What the user sees of the progress."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
