"""What the checks of all lessons share.

A check calls the learner's function and prints "not attempted yet", "correct", or "not yet: " and
what was expected, what came, and a hint. tests/test_solutions.py runs each check on the lesson's
own solution and on the wrong answers in `mistakes_NN.py`.
"""

import functools
from collections.abc import Callable

import torch
from torch import Tensor


class Wrong(Exception):
    """An attempt that is not right yet. Its text is what the learner reads."""


def exercise(check: Callable) -> Callable:
    """Makes a check of a function that raises Wrong: the check prints its result, never raises."""

    @functools.wraps(check)
    def report(*attempt) -> None:
        print(verdict(check, *attempt))

    return report


def verdict(check: Callable, *attempt) -> str:
    """The text that a check of an attempt prints; `check` is the function that raises Wrong."""
    try:
        check(*attempt)
    except NotImplementedError:
        return "not attempted yet"
    except Wrong as wrong:
        return f"not yet: {wrong}"
    except Exception as error:  # an error in the learner's code is reported like a wrong answer
        return f"not yet: your code raised {type(error).__name__}: {error}"
    return "correct"


def expect(what: str, came, expected, hint: str, *, tolerance: float = 1e-5) -> None:
    """Raises Wrong unless `came` equals `expected`.

    Tensors and numbers may differ by `tolerance`; anything else must be equal.
    """
    if isinstance(expected, (Tensor, float)):
        expected = torch.as_tensor(expected)
        if not isinstance(came, (Tensor, float, int)):
            raise Wrong(f"{what}: expected {describe(expected)}, got {type(came).__name__}. {hint}")
        came = torch.as_tensor(came)
        if came.shape != expected.shape:
            raise Wrong(
                f"{what}: expected shape {tuple(expected.shape)}, got {tuple(came.shape)}. {hint}"
            )
        same = torch.allclose(
            came.detach().double().cpu(),
            expected.double().cpu(),
            rtol=tolerance,
            atol=tolerance,
        )
    else:
        same = came == expected
    if not same:
        raise Wrong(f"{what}: expected {describe(expected)}, got {describe(came)}. {hint}")


def equals(came, expected: Tensor, *, atol: float = 1e-8) -> bool:
    """Whether `came` is a tensor of the shape and, up to rounding, of the values of `expected`.

    A check asks this about the results of common mistakes."""
    if not isinstance(came, Tensor) or came.shape != expected.shape:
        return False
    return torch.allclose(came, expected, atol=atol)


def describe(value) -> str:
    """A value in a few words: the numbers of a small tensor, the shape and mean of a large one."""
    if not isinstance(value, Tensor):
        return repr(value)
    if value.numel() <= 16:
        return str(torch.round(value.detach().double(), decimals=4).tolist())
    return f"a tensor {tuple(value.shape)} with mean {value.detach().double().mean():.4g}"


def kind(value) -> str:
    """What a value is: "a tensor" and its shape, or the name of another type."""
    if isinstance(value, Tensor):
        return f"a tensor {tuple(value.shape)}"
    return type(value).__name__
