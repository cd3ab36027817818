"""Whether a large collection needs a large memory: SpokenGrid's graphs built into files, and read from them at random.

For each size a fresh process composes SpokenGrid's training samples one by one, builds their graphs into files of 1,000
(`build_files`), joins these to one file (`merge_files`) and maps it. Reported are the highest resident memory of that
process after importing, after composing the table of combinations, and at the end (VmHWM, Linux), seconds, and bytes on
disk. Then, at `--compare` graphs, random mini-batches from the mapped file against the same graphs held in memory; both
give the same batches, with the flat view that layers read.

The data set keeps the draws of each sample (some hundred bytes each), and every id is remembered: memory grows with the
number of samples by these, not by graphs. What the operating system keeps of a mapped file while it is read counts as
resident too, but is given back when memory is wanted.

    python benchmarks/scale_building.py --json benchmarks/results/scale_building.json
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from timing import Row, interleave, parser, row, write

from mmgraph.datasets import SpokenGrid, build_files
from mmgraph.graph import GraphBatch, merge_files
from mmgraph.graphs.spoken_grid import build

VOCABULARY = 2000
"""Training samples from which the front ends learn."""


def peak() -> float:
    """The highest resident memory of this process so far, in MB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def measure(size: int, folder: Path, per_file: int) -> Row:
    """Builds `size` graphs into `folder/all.safetensors`."""
    start = peak()
    began = time.perf_counter()
    samples = SpokenGrid("train", size)
    composed = peak()
    builder = build().fit(SpokenGrid("train", min(size, VOCABULARY)))
    files = build_files(builder, samples, folder / "parts", per_file=per_file)
    built, peak_built = time.perf_counter(), peak()
    graphs = merge_files(files, folder / "all.safetensors")
    merged = time.perf_counter()
    return {
        "graphs": len(graphs),
        "nodes": graphs.num_nodes,
        "edges": graphs.edges.num_edges,
        "files": len(files),
        "file_mb": round((folder / "all.safetensors").stat().st_size / 1e6, 1),
        "build_s": round(built - began, 1),
        "merge_s": round(merged - built, 1),
        "graphs_per_s": round(len(graphs) / (merged - began)),
        "peak_imported_mb": round(start),
        "peak_composed_mb": round(composed),
        "peak_built_mb": round(peak_built),
        "peak_merged_mb": round(peak()),
    }


def in_own_process(size: int, folder: Path, per_file: int) -> Row:
    """`measure` in a fresh process, whose peak is its own."""
    command = [sys.executable, __file__, "--one", str(size), "--folder", str(folder), "--per-file", str(per_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: Row = json.loads(done.stdout.splitlines()[-1])
    print("  ".join(f"{key} {value}" for key, value in found.items()), flush=True)
    return found


def compare(path: Path, count: int, batch_size: int, repeats: int) -> Row:
    """Random mini-batches from the file, over all of it, against the first `count` graphs of it in memory."""
    mapped = GraphBatch.load(path)
    count = min(count, len(mapped))
    held = mapped[:count]
    held = GraphBatch.concat([held, held[:0]])  # a copy of its own
    generator = torch.Generator().manual_seed(1)
    chunks = torch.randperm(count, generator=generator)[: 50 * batch_size].split(batch_size)
    if not all(held[chunk].equal(mapped[chunk]) for chunk in chunks[:3]):
        sys.exit("the mini-batches differ")

    def run(graphs: GraphBatch, drawn: Sequence[torch.Tensor]) -> None:
        for chunk in drawn:
            _ = graphs[chunk].flat

    everywhere = torch.randperm(len(mapped), generator=generator)[: 50 * batch_size].split(batch_size)
    shapes = {"graphs": count, "graphs_in_file": len(mapped), "batch_size": batch_size, "batches": len(chunks)}
    for chunk in everywhere[:5]:
        _ = mapped[chunk].flat
    return row(
        "random mini-batches, from the mapped file over all its graphs",
        "ours, in memory",
        interleave(lambda: run(mapped, everywhere), lambda: run(held, chunks), repeats),
        shapes,
    )


def markdown(rows: Sequence[dict[str, Any]], command: str) -> str:
    """The rows as a page to read."""
    sizes, last = rows[:-1], rows[-1]
    columns = [name for name in sizes[0] if name != "nodes"]
    lines = ["# SpokenGrid's graphs in files: memory, time, disk", "", f"`{command}`", ""]
    lines += ["| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    lines += ["| " + " | ".join(f"{found[name]:,}" for name in columns) + " |" for found in sizes]
    quartiles = ", ".join(map(str, last["ratio_quartiles"]))
    shapes = last["shapes"]
    drawn = f"{shapes['batches']} of {shapes['batch_size']}"
    lines += [
        "",
        "Peaks are of a fresh process per size: what the packages take (`peak_imported_mb`), with SpokenGrid's sounds,",
        "pictures and combinations (`peak_composed_mb`), and at the end. From the smallest to the largest size the",
        "graphs grow to many times the memory; the peak grows by draws, ids and offsets of the samples only.",
        "",
        f"Random mini-batches ({drawn}) straight from the largest file come at {last['ratio']} of the rate of graphs",
        f"held in memory (quartiles {quartiles}), {last['threads']} thread(s), on a machine that others used too.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Prints a line per size and the comparison, and writes them."""
    options = parser(__doc__)
    options.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000])
    options.add_argument("--per-file", type=int, default=1000)
    options.add_argument("--batch-size", type=int, default=128)
    options.add_argument("--compare", type=int, default=20_000, help="graphs that are held in memory")
    options.add_argument("--folder", type=Path, help="where the files go and stay; a temporary folder if not given")
    options.add_argument("--one", type=int, help="one size in this process, as JSON")
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.one:
        print(json.dumps(measure(arguments.one, arguments.folder, arguments.per_file)))
        return
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for size in arguments.sizes:
            rows.append(in_own_process(size, Path(folder) / str(size), arguments.per_file))
        largest = Path(folder) / str(arguments.sizes[-1]) / "all.safetensors"
        rows.append(compare(largest, arguments.compare, arguments.batch_size, arguments.repeats))
    write(rows, arguments.json)
    if arguments.json:
        command = json.loads(arguments.json.read_text("utf-8"))["command"]
        arguments.json.with_suffix(".md").write_text(markdown(rows, command), encoding="utf-8")


if __name__ == "__main__":
    main()
