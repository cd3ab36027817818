"""`Field`: what one row of a named array holds, and the attributes with a fixed meaning."""

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch

DTYPES: Mapping[str, torch.dtype] = MappingProxyType(
    {
        "float32": torch.float32,
        "float64": torch.float64,
        "int32": torch.int32,
        "int64": torch.int64,
        "uint8": torch.uint8,
        "bool": torch.bool,
    }
)


@dataclass(frozen=True)
class Field:
    """What one row of a named array holds.

    Attributes:
        dtype: a name of `DTYPES`, or "text" for strings.
        shape: shape of one row; `()` for a scalar.
        num_classes: for integers that are categories 0 .. num_classes - 1: how many there are.
        of: for targets: the modality whose nodes carry it, None where a graph carries it.

    Raises:
        ValueError: on an unknown dtype, a negative size, a text with a shape, categories that are not integers, or a
            number of them that is not whole.

    Example:
        >>> Field("int64", num_classes=10)
        Field(dtype='int64', shape=(), num_classes=10, of=None)
    """

    dtype: str = "float32"
    shape: tuple[int, ...] = ()
    num_classes: int | None = None
    of: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(size) for size in self.shape))
        if self.dtype != "text" and self.dtype not in DTYPES:
            raise ValueError(f"dtype={self.dtype!r} is not one of {', '.join(DTYPES)} or text")
        if self.dtype == "text" and self.shape:
            raise ValueError(f"a text has no shape, got shape={self.shape}")
        if min(self.shape, default=0) < 0:
            raise ValueError(f"sizes are 0 or more, got shape={self.shape}")
        if self.num_classes is None:
            return
        object.__setattr__(self, "num_classes", _whole(self.num_classes))
        if not self.dtype.startswith("int") or self.num_classes < 1:
            raise ValueError(
                f"num_classes={self.num_classes} needs an int dtype and at least 1, got dtype={self.dtype!r}"
            )


def _whole(num_classes: object) -> int:
    """An int, of a numpy number or a tensor too, which a file's JSON could not hold."""
    try:
        whole = operator.index(num_classes)  # type: ignore[arg-type]
    except TypeError:
        whole = None
    if whole is None or isinstance(num_classes, bool):
        raise ValueError(f"num_classes={num_classes!r} is not a whole number")
    return whole


SPAN = Field("float32", (2,))
BOX = Field("float32", (4,))
POSITION = Field("int64")
TEXT = Field("text")
STANDARD_ATTRIBUTES: Mapping[str, Field] = MappingProxyType(
    {"span": SPAN, "box": BOX, "position": POSITION, "text": TEXT}
)
"""Attributes with a fixed meaning: start and end in s; x1 y1 x2 y2 in 0..1; place in a sequence; text of a token."""


def dtype_name(dtype: torch.dtype, where: str) -> str:
    """The name in `DTYPES` of a torch dtype. Raises ValueError, naming `where`, for one that graphs do not hold.

    Example:
        >>> dtype_name(torch.bool, "seen")
        'bool'
    """
    for name, known in DTYPES.items():
        if known == dtype:
            return name
    raise ValueError(f"{where!r} has {dtype}; graphs hold {', '.join(DTYPES)}: convert it first")
