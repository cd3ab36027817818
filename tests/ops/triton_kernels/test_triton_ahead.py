"""Every kernel compiles for the GPUs that it is meant for, where there is none too; and has no atomic instruction."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parent / "ahead_of_time.py"


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    """What the script says, run by itself: in this process Triton may only interpret."""
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    run = subprocess.run([sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.mark.unchecked
def test_every_kernel_compiles_for_every_gpu_and_dtype(lines: list[dict[str, Any]]) -> None:
    *compiled, known = lines
    assert len(known["all"]) > 8
    found = {(line["kernel"], line["capability"], line["dtype"]) for line in compiled}
    wanted = {(k, c, t) for k in known["all"] for c in (80, 90) for t in ("torch.float32", "torch.float64")}
    assert found == wanted


@pytest.mark.unchecked
def test_no_kernel_has_atomics_or_arrays_in_local_memory(lines: list[dict[str, Any]]) -> None:
    assert [line for line in lines[:-1] if line["atomic"] or line["local memory"]] == []
