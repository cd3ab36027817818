"""Compiles the kernels that the operators start, for GPUs that need not be there: `python ahead_of_time.py`.

Prints, for each, its name, compute capability and dtype, and whether its code has atomics or uses local memory.
Kernels are not run: what the operators return here is whatever memory held.
"""

import inspect
import json
import re
import sys
from typing import Any

import torch
import triton
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from triton.runtime.jit import JITFunction

from mmgraph.graph import FlatGraph
from mmgraph.ops.attention import Inputs, Numbers
from mmgraph.ops.relation_sum import Layout
from mmgraph.ops.triton_kernels import common, dot, gat, gatv2, launch, maxima, rows, softmax

HEADS, CHANNELS = 4, 32
NAMES = {torch.float32: "fp32", torch.float64: "fp64", torch.int32: "i32", torch.int64: "i64"}
CAPABILITIES = (80, 90)

Variant = tuple[dict[str, str], dict[str, Any], dict[tuple[int, ...], list[Any]], dict[str, Any]]
started: dict[str, dict[str, Variant]] = {}


def note_instead_of_running(kernel: Any, *args: Any, grid: Any, warmup: bool, **named: Any) -> None:
    """Stands in for `JITFunction.run`: remembers of what types the arguments are."""
    given = {**dict(zip(kernel.arg_names, args, strict=False)), **named}
    options = {name: given.pop(name) for name in list(given) if name not in kernel.arg_names}
    signature, constants, attributes = {}, {}, {}
    for place, parameter in enumerate(kernel.params):
        value = given[parameter.name]
        if parameter.is_constexpr or value is None:
            signature[parameter.name], constants[parameter.name] = "constexpr", value
        elif isinstance(value, Tensor):
            signature[parameter.name] = "*" + NAMES[value.dtype]
            if value.data_ptr() % 16 == 0:
                attributes[(place,)] = [["tt.divisibility", 16]]
        else:
            signature[parameter.name] = "i32"
    variant = (signature, constants, attributes, options)
    started.setdefault(kernel.fn.__name__, {})[str(variant)] = variant


def run_everything(dtype: torch.dtype) -> None:
    """Every operator forward and backward, over a graph with a node whose edges fill several pieces."""
    edges = 2 * common.PIECE + 3
    rowptr, numbers = torch.tensor([0, edges, edges]), torch.zeros(edges, dtype=torch.int32)
    graph = FlatGraph((2,), 1, torch.tensor([0, 2]), rowptr, numbers, numbers, (None,), (None,))
    width = HEADS * CHANNELS
    for kind, keys in {"gat": HEADS, "gatv2": width, "dot": width}.items():
        own = None if kind == "gat" else torch.rand(edges, width, dtype=dtype)
        inputs = Inputs(
            [torch.rand(2, width + keys, dtype=dtype)],
            [torch.rand(2, keys, dtype=dtype)],
            torch.tensor([[[0, 0], [0, width], [0, 0]]])[:, slice(None) if kind != "gatv2" else [0, 2]],
            *(rowptr, numbers, numbers),
            att=torch.rand(1, HEADS, CHANNELS, dtype=dtype) if kind == "gatv2" else None,
            edge_logits=torch.rand(edges, HEADS, dtype=dtype) if kind == "gat" else None,
            edge_values=own,
            edge_row=None if own is None else torch.arange(edges, dtype=torch.int32),
            edge_weight=torch.rand(edges, 1, dtype=dtype),
        )
        settings = Numbers(kind, HEADS, CHANNELS, CHANNELS, 0.2, 0.5, kind != "dot", 0.0, 0)
        out, alpha = launch.attention_forward(inputs, settings)
        launch.attention_backward(out, alpha, inputs, settings)
    x = [torch.rand(2, width, dtype=dtype)]
    blocks, weight = torch.zeros(1, 2, 2, dtype=torch.int64), torch.rand(edges, 1, dtype=dtype)
    for total in (False, True):
        layout = Layout(blocks, [width], [width], total)
        sums = launch.sum_forward(x, layout, graph.rowptr, graph.src, graph.relation, weight)
        launch.sum_backward(sums, x, layout, graph.rowptr, graph.src, graph.relation, weight, True)
    largest, winners = launch.max_forward(x, blocks, [width], graph.rowptr, graph.src, graph.relation)
    launch.max_backward(largest, winners, x, blocks, graph.rowptr, graph.src, graph.relation)


def kernels() -> dict[str, Any]:
    """Every kernel of the package: every compiled function that no other one calls."""
    modules = (common, dot, gat, gatv2, maxima, rows, softmax)
    functions = {n: value for module in modules for n, value in vars(module).items() if isinstance(value, JITFunction)}
    code = "".join(inspect.getsource(function.fn) for function in functions.values())
    return {name: value for name, value in functions.items() if len(re.findall(rf"\b{name}\(", code)) == 1}


def fullest(variants: dict[str, Variant]) -> Variant:
    """The variant that uses most of its parameters."""
    return max(variants.values(), key=lambda variant: sum(kind != "constexpr" for kind in variant[0].values()))


def compiled(kernel: Any, variant: Variant, capability: int) -> dict[str, bool]:
    signature, constants, attributes, options = variant
    source = ASTSource(kernel, signature, constants, attributes)
    result = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    assert result.asm["cubin"]
    code = result.asm["ptx"]
    return {
        "atomic": bool(re.search(r"\b(atom|red)\.", code)),
        "local memory": bool(re.search(r"\b(ld|st)\.local", code)),
    }


def main() -> None:
    """In float32 for 9.0 every variant that occurs; else of every kernel the fullest."""
    JITFunction.run = note_instead_of_running
    known = kernels()
    for dtype in (torch.float32, torch.float64):
        started.clear()
        run_everything(dtype)
        for capability in CAPABILITIES:
            every = dtype == torch.float32 and capability == 90
            for name, variants in started.items():
                for variant in variants.values() if every else [fullest(variants)]:
                    found = compiled(known[name], variant, capability)
                    line = {"kernel": name, "capability": capability, "dtype": str(dtype), **found}
                    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.write(json.dumps({"all": sorted(known)}) + "\n")


if __name__ == "__main__":
    main()
