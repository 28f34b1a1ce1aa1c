"""What a sweep costs beyond its points: time over a bare loop, and memory of all its processes.

10^4 points with exact risk, both bounds and a simulation, through the command line with two
workers. The bare loop computes every fiftieth of the same points in this process. Memory is the
largest sum of the resident sizes of the command and its workers, read from /proc four times a
second.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import qtheory as qt
from qtheory.measure.grid import load_grid
from qtheory.measure.point import compute_point

GRID = """
[grid]
dim = [2, 4, 6, 8, 10, 12, 14, 16, 18, 20]
quantize = [{quantize}]
batch = [1, 16]
steps = 50
seed = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]

[compute]
replicates = 32
"""
EVERY, WORKERS, MIB = 50, 2, 2**20


def resident(process):
    """Bytes held by a process and those it started."""
    total, waiting = 0, [process.pid]
    while waiting:
        pid = waiting.pop()
        try:
            pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
        except OSError:
            continue  # ended meanwhile
        total += int(pages) * 4096
    return total


def main():
    """Sweep, then the bare loop; print the ratio and the peak."""
    levels = [f"{scheme}:{k}e-4" for scheme in ("additive", "multiplicative") for k in range(1, 26)]
    with tempfile.TemporaryDirectory() as folder:
        grid, out = Path(folder, "grid.toml"), Path(folder, "results.sqlite")
        grid.write_text(GRID.format(quantize=", ".join(f'"all={level}"' for level in levels)))
        begun, peak = time.perf_counter(), 0
        command = ["sweep", str(grid), "--out", str(out), "--workers", str(WORKERS)]
        process = subprocess.Popen([sys.executable, "-m", "qtheory", *command])
        while process.poll() is None:
            peak = max(peak, resident(process))
            time.sleep(0.25)
        assert process.returncode == 0
        swept = time.perf_counter() - begun

        points, settings = list(load_grid(grid)), load_grid(grid).settings
        begun = time.perf_counter()
        for point in points[::EVERY]:
            compute_point(point, settings)
        bare = (time.perf_counter() - begun) * EVERY / WORKERS
        found = qt.load_sweep(out)
        assert int(found["simulated"].notnull().sum()) == len(points)
    print(
        f"{len(points)} points: sweep / bare loop over {WORKERS} = {swept / bare:.2f}, "
        f"peak memory {peak / MIB:.0f} MiB (wanted: below 1024)"
    )


if __name__ == "__main__":
    main()
