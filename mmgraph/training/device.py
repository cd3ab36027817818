"""Names of devices."""

import torch


def resolve_device(name: torch.device | str) -> torch.device:
    """The device that a name means: "auto" is CUDA where there is one, "cuda" the first CUDA device.

    Raises:
        ValueError: if this machine has no such device.

    Example:
        >>> resolve_device("cpu")
        device(type='cpu')
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise ValueError(f"device={str(name)!r} is not one of auto, cpu, cuda, cuda:0, ...")
    if device.type == "cpu":
        return torch.device("cpu")
    index, count = device.index or 0, torch.cuda.device_count() if torch.cuda.is_available() else 0
    if index >= count:
        raise ValueError(f"device={str(name)!r}: torch sees {count} CUDA devices here; take device='auto' or 'cpu'")
    return torch.device("cuda", index)
