"""What the speed benchmarks share: two sides timed in turn, a row per comparison, the command line, the file.

A ratio is the median of the ratios of neighbouring runs, its spread their quartiles: what slows the machine for a while
slows both sides. Absolute times say little on a shared machine.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

Row = dict[str, object]


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options that every speed benchmark has."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--threads", type=int, default=1, help="threads of torch and Numba")
    options.add_argument("--repeats", type=int, default=9, help="timed runs of each side")
    options.add_argument("--device", default="cpu")
    options.add_argument("--json", type=Path, help="write the rows there")
    return options


def interleave(ours: Callable[[], object], peer: Callable[[], object], repeats: int) -> tuple[list[float], list[float]]:
    """Milliseconds of both sides, run in turn after two warm-up runs of each."""
    times: tuple[list[float], list[float]] = ([], [])
    for run in (ours, peer) * 2:
        run()
    for _ in range(repeats):
        for run, seen in ((ours, times[0]), (peer, times[1])):
            synchronize()
            started = time.perf_counter()
            run()
            synchronize()
            seen.append(1000 * (time.perf_counter() - started))
    return times


def synchronize() -> None:
    """Waits for the GPU, if there is one in use."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def row(
    name: str,
    peer: str,
    times: tuple[list[float], list[float]],
    shapes: Mapping[str, object],
    device: str = "cpu",
) -> Row:
    """One comparison, printed as it is made."""
    ours, theirs = times
    ratios = [b / a for a, b in zip(ours, theirs, strict=True)]
    low, ratio, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    result: Row = {
        "name": name,
        "peer": peer,
        "ours_ms": round(statistics.median(ours), 2),
        "peer_ms": round(statistics.median(theirs), 2),
        "ratio": round(ratio, 2),
        "ratio_quartiles": [round(low, 2), round(high, 2)],
        "threads": torch.get_num_threads(),
        "device": device,
        "shapes": dict(shapes),
    }
    print("  ".join(f"{key} {value}" for key, value in result.items() if key != "shapes"), flush=True)
    return result


def write(rows: list[Row], path: Path | None) -> None:
    """The rows with the command, versions and machine that made them, as JSON."""
    if path is None:
        return
    command = " ".join(["python", "benchmarks/" + Path(sys.argv[0]).name, *sys.argv[1:]])
    result = {"command": command, "torch": torch.__version__, "machine": _machine(), "rows": rows}
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _machine() -> str:
    """What the times depend on: the GPU, or the processor and the vector instructions that torch uses."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    known = getattr(torch.cpu, "get_capabilities", dict)()
    name = known.get("cpu_name") or platform.processor() or platform.machine()
    return f"{name}, {torch.backends.cpu.get_cpu_capability()}"
