"""Numbers as the texts that the attention page reads: compressed, in base 85."""

import base64
import zlib

import numpy as np
from jaxtyping import Int64, UInt8
from torch import Tensor

DECADES = 4
"""How far below the largest weight of a layer the smallest is that a code can say."""
DIGITS = "".join(chr(c) for c in range(33, 127) if chr(c) not in "\"&'<>\\")[:85]
"""Of base 85; none that JSON or HTML would have to escape."""
_PYTHONS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"


def encode_weights(alpha: Tensor, largest: float, step: int = 1) -> UInt8[np.ndarray, "heads links"]:
    """Weights [links, heads] as codes: 0 for none, 1 to 255 on a logarithmic scale up to `largest`.

    Args:
        alpha: the weights, from 0.
        largest: of them.
        step: from a code that is used to the next. Fewer codes take less room and are less exact, see `inexactness`.

    Example:
        >>> import torch
        >>> encode_weights(torch.tensor([[1.0], [0.01], [0.0]]), 1.0).tolist()
        [[255, 128, 0]]
        >>> encode_weights(torch.tensor([[1.0], [0.01], [0.0]]), 1.0, step=8).tolist()
        [[255, 127, 0]]
    """
    ratio = alpha.detach().cpu().double().numpy().T / (largest or 1.0)
    below = -254 * np.log10(np.clip(ratio, 1e-30, 1)) / DECADES  # codes from the largest down
    codes = 255 - step * np.round(np.minimum(below, 254) / step)
    return np.where(below < 254.5, np.maximum(codes, 1), 0).astype(np.uint8)


def decode_weights(codes: UInt8[np.ndarray, "heads links"], largest: float) -> np.ndarray:
    """What the page reads from the codes.

    Example:
        >>> decode_weights(np.array([[255, 128, 0]], dtype=np.uint8), 1.0).round(4).tolist()
        [[1.0, 0.01, 0.0]]
    """
    return np.where(codes > 0, largest * 10.0 ** (-DECADES * (1 - (codes.astype(np.float64) - 1) / 254)), 0.0)


def inexactness(step: int) -> float:
    """How far a weight read from its code is off at most, as a share of the weight.

    Example:
        >>> [round(inexactness(step), 3) for step in (1, 2, 4, 8, 16)]
        [0.018, 0.037, 0.075, 0.156, 0.337]
    """
    return 10 ** (DECADES * step / 2 / 254) - 1


def pack_gaps(gaps: Int64[np.ndarray, " links"]) -> str:
    """Whole numbers from 0, most of them small: 255 stands for "255 and what follows". Then as `pack`.

    Example:
        >>> import base64
        >>> zlib.decompress(unpack85(pack_gaps(np.array([3, 254, 255, 600])))).hex()
        '03feff00ffff5a'
    """
    full, rest = np.divmod(gaps, 255)
    bytes_ = np.full(len(gaps) + int(full.sum()), 255, dtype=np.uint8)
    bytes_[np.cumsum(full + 1) - 1] = rest
    return pack(bytes_)


def pack32(values: np.ndarray) -> str:
    """Numbers of 32 bits as four planes of bytes, one after the other (which compresses well). Then as `pack`.

    Example:
        >>> zlib.decompress(unpack85(pack32(np.array([1, 258], dtype=np.uint32)))).hex()
        '0102000100000000'
    """
    flat = np.ascontiguousarray(values).reshape(-1)
    planes = flat.astype(flat.dtype.newbyteorder("<"), copy=False).view(np.uint8).reshape(-1, 4).T
    return pack(np.ascontiguousarray(planes))


def pack(values: np.ndarray) -> str:
    """Bytes, compressed, in base 85: a character more per four bytes, where base64 takes one more per three.

    Example:
        >>> len(pack(np.zeros(1000, dtype=np.uint8))) < 40
        True
    """
    content = np.ascontiguousarray(values).tobytes()
    found = []
    for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY):  # two for numbers without repeats
        squeezer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, strategy)
        found.append(squeezer.compress(content) + squeezer.flush())
    return base64.b85encode(min(found, key=len)).decode().translate(str.maketrans(_PYTHONS, DIGITS))


def unpack85(text: str) -> bytes:
    r"""The bytes of a text in base 85, as the page reads them; still compressed.

    Example:
        >>> zlib.decompress(unpack85(pack(np.arange(3, dtype=np.uint8))))
        b'\x00\x01\x02'
    """
    return base64.b85decode(text.translate(str.maketrans(DIGITS, _PYTHONS)))
