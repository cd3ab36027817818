"""How many cases of bad input are tried: 200 in an ordinary run, twelve times as many with the profile `fuzz`.

`make fuzz`, or `pytest --hypothesis-profile=fuzz` on the files of `FUZZ` in the Makefile; the profile `explore` draws
new cases, twenty times as many. The profiles are in conftest.py.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings

STEADY = 50
"""Examples of a property in an ordinary run."""


def cases(number: int) -> Callable[[Any], Any]:
    """So many cases in an ordinary run, in proportion more where a profile asks for more."""
    more = max(settings().max_examples // STEADY, 1)
    return settings(max_examples=number * more, suppress_health_check=list(HealthCheck))
