"""How much memory images may take."""

import os
from pathlib import Path


def free_bytes() -> int:
    """The memory that this process can still take, container limits included; 2 GiB where the system does not say."""
    found = [_available(), _control_group()]
    return min([value for value in found if value is not None], default=2 * 2**30)


def _available() -> int | None:
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        pass
    try:  # macOS and the BSDs: physical memory, half of it taken to be free
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return None


def _control_group() -> int | None:
    folder = Path("/sys/fs/cgroup")
    try:
        return int((folder / "memory.max").read_text()) - int((folder / "memory.current").read_text())
    except (OSError, ValueError):  # "max" is no limit
        return None
