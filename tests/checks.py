"""The checks behind the lessons' exercises. In a notebook: `checks.gram_of_table(my_function)`; it prints what it found.

A check says "not attempted yet", "correct", or what was expected, what came, and a hint. tests/test_solutions.py runs each
on the lesson's own solution and on the three commonest mistakes.
"""

import functools

import torch


class Wrong(Exception):
    """An attempt that is not right yet; its text is what the learner reads."""


def exercise(check):
    """Makes a check out of a function that raises Wrong where an attempt is wrong: the check prints, and never raises."""

    @functools.wraps(check)
    def report(*attempt) -> None:
        try:
            check(*attempt)
        except NotImplementedError:
            print("not attempted yet")
        except Wrong as wrong:
            print(f"not yet: {wrong}")
        except Exception as error:  # whatever a learner's code raises is reported, not thrown at them
            print(f"not yet: your code raised {type(error).__name__}: {error}")
        else:
            print("correct")

    return report


def expect(what: str, came, expected, hint: str, *, tolerance: float = 1e-5) -> None:
    """Raises Wrong unless `came` equals `expected`: tensors and numbers within `tolerance`, anything else exactly."""
    if isinstance(expected, (torch.Tensor, float)):
        expected = torch.as_tensor(expected)
        if not isinstance(came, (torch.Tensor, float, int)):
            raise Wrong(f"{what}: expected {_text(expected)}, got {type(came).__name__}. {hint}")
        came = torch.as_tensor(came)
        if came.shape != expected.shape:
            raise Wrong(f"{what}: expected shape {tuple(expected.shape)}, got {tuple(came.shape)}. {hint}")
        same = torch.allclose(came.detach().double().cpu(), expected.double().cpu(), rtol=tolerance, atol=tolerance)
    else:
        same = came == expected
    if not same:
        raise Wrong(f"{what}: expected {_text(expected)}, got {_text(came)}. {hint}")


def _text(value) -> str:
    if not isinstance(value, torch.Tensor):
        return repr(value)
    if value.numel() <= 16:
        return str(torch.round(value.detach().double(), decimals=4).tolist())
    return f"a tensor {tuple(value.shape)} with mean {value.detach().double().mean():.4g}"


# ------------------------------------------------------------------------------------------------ 00_preview


@exercise
def share_of_a_term(share):
    losses = {"content": 0.3, "style": 0.9}
    expect("the share of style in content 0.3, style 0.9", share(losses, "style"), 0.75,
           "Divide the term by the sum of all terms, itself among them; 1 is the whole.")
    expect("the share of content", share(losses, "content"), 0.25, "The shares of all terms add up to 1.")
    expect("the share where all terms are 0", share({"content": 0.0, "style": 0.0}, "style"), 0.0,
           "A run that starts at its target has a loss of 0; look at the sum before you divide by it.")


@exercise
def forecast_of_time(forecast):
    expect("10 s at 256 px, forecast for 512 px and as many evaluations", forecast(10.0, 256, 200, 512, 200), 40.0,
           "Time goes with the number of pixels, and twice the long side is four times as many.")
    expect("10 s for 200 evaluations, forecast for 300", forecast(10.0, 256, 200, 256, 300), 15.0,
           "Every evaluation costs the same: three halves of the evaluations are three halves of the time.")
    expect("10 s at 512 px, forecast for 256 px and half the evaluations", forecast(10.0, 512, 200, 256, 100), 1.25,
           "Both factors count, and smaller pictures take less.")
