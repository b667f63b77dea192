"""The check of the last exercise of lesson 11, with right answers other than the lesson's own."""

import functools

import pytest
import torch

from exercises.checks_11 import whole_program
from exercises.mistakes_11 import CONTENT, STYLE, gram, joined, transferred, walked


def with_lbfgs(
    features, photo, painting, weight, evaluations, *, memory=torch.contiguous_format, closed=True
):
    """Style transfer with L-BFGS, whose result is clipped at the end only."""
    with torch.no_grad():
        content_target = walked(features, photo)[CONTENT]
        painted = walked(features, painting)
        targets = [gram(painted[index]) for index in STYLE]
    image = photo.clone(memory_format=memory).requires_grad_(True)
    optimizer = torch.optim.LBFGS(
        [image], max_iter=evaluations, tolerance_grad=0, tolerance_change=0
    )

    def closure():
        optimizer.zero_grad()
        outputs = walked(features, image)
        content = (outputs[CONTENT] - content_target).square().mean()
        pairs = zip(STYLE, targets, strict=True)
        styles = [(gram(outputs[index]) - wanted).square().mean() for index, wanted in pairs]
        loss = joined(content, styles, weight)
        loss.backward()
        return loss

    if closed:
        optimizer.step(closure)
    else:
        optimizer.step()
    return image.detach().clamp(0, 1)


def from_noise(*arguments):
    torch.manual_seed(0)
    return transferred(*arguments, start=torch.rand_like)


def from_the_painting(features, photo, painting, *arguments):
    def start(photo):
        return torch.nn.functional.interpolate(painting, photo.shape[2:])

    return transferred(features, photo, painting, *arguments, start=start)


def with_a_frozen_network(features, *arguments):
    return transferred(features.requires_grad_(False), *arguments)


def with_ten_times_the_loss(*arguments):
    return transferred(*arguments, join=lambda *terms: 10 * joined(*terms))


@pytest.mark.parametrize(
    "attempt",
    [
        transferred,
        with_lbfgs,
        from_noise,
        from_the_painting,
        with_a_frozen_network,
        with_ten_times_the_loss,
    ],
)
def test_other_right_answers_are_correct(attempt, capsys):
    whole_program(attempt)
    assert capsys.readouterr().out.strip() == "correct"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"closed": False}, "L-BFGS evaluates the loss by itself"),
        ({"memory": torch.preserve_format}, "an image whose numbers lie in order in memory"),
    ],
)
def test_errors_of_lbfgs_are_answered_with_their_cause(changed, said, capsys):
    whole_program(functools.partial(with_lbfgs, **changed))
    assert said in capsys.readouterr().out


def test_another_error_is_reported_as_it_is(capsys):
    def attempt(*arguments):
        raise RuntimeError("something else")

    whole_program(attempt)
    assert "your code raised RuntimeError: something else" in capsys.readouterr().out
