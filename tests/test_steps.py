"""steps.py: where the pixels begin, and how the two optimizers move them."""

import itertools

import numpy as np
import pytest
import torch

import helpers as nst
from style_transfer.settings import LEARNING_RATES, POOLING, STARTS, STYLE_WEIGHTS, Stage

METHODS = ["adam", "lbfgs"]


# ------------------------------------------------------------------------------ the loop


@pytest.mark.parametrize("method", METHODS)
def test_evaluations_are_counted(method, vgg, photo, painting):
    calls = []
    objective = nst.transfer(vgg, photo, painting)

    def counted(image):
        calls.append(image.requires_grad)
        return objective(image)

    run = list(nst.optimize(photo, counted, evaluations=25, method=method, every=10))
    assert [snapshot.evaluations for snapshot in run] == [0, 10, 20, 25]
    assert calls == [True] * 25 + [False]  # one more, without gradient, for the final image
    assert torch.equal(run[0].image, photo)
    assert all(a.seconds < b.seconds for a, b in itertools.pairwise(run))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("start", ["recolored", "noise"])
def test_losses_fall_and_images_stay_in_range(method, start, vgg, photo, painting):
    settings = {"vgg": vgg, "evaluations": 30, "method": method, "start": start}
    run = list(nst.stylize(photo, painting, generator=nst.seed(0), **settings))
    assert run[-1].loss < 0.3 * run[0].loss
    for snapshot in run:
        assert snapshot.image.min() >= 0
        assert snapshot.image.max() <= 1
        assert not snapshot.image.requires_grad
        assert snapshot.loss == pytest.approx(sum(snapshot.losses.values()))


@pytest.mark.parametrize("method", METHODS)
def test_reported_losses_belong_to_the_reported_image(method, vgg, photo, painting):
    objective = nst.transfer(vgg, photo, painting)
    for snapshot in nst.optimize(photo, objective, evaluations=20, method=method, every=5):
        again = sum(term.item() for term in objective(snapshot.image).values())
        # L-BFGS reports losses from before clipping, and the penalty leaves little to clip. At the
        # start and at the end nothing is clipped.
        exact = method == "adam" or snapshot.evaluations in (0, 20)
        assert snapshot.loss == pytest.approx(again, rel=1e-4 if exact else 0.1)


def test_adams_first_step_is_lr_times_the_sign_and_is_clipped():
    start = torch.full((1, 3, 1, 2), 0.5)
    start[..., 1] = 0.99
    slope = torch.tensor([1.0, -2.0]).view(1, 1, 1, 2)

    def objective(image):
        return {"content": (slope * image).sum()}

    run = list(nst.optimize(start, objective, evaluations=1, method="adam", lr=0.02))
    assert torch.allclose(run[-1].image[0, 0, 0], torch.tensor([0.48, 1.0]), atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_no_lr_means_the_methods_own(method, vgg, photo, painting):
    objective = nst.transfer(vgg, photo, painting)
    ends = []
    for lr in (None, LEARNING_RATES[method], 0.5 * LEARNING_RATES[method]):
        *_, last = nst.optimize(photo, objective, evaluations=3, method=method, lr=lr)
        ends.append(last.image)
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_lbfgs_stays_if_there_is_nothing_to_gain(vgg, photo):
    objective = nst.reconstruction(vgg, photo)
    run = list(nst.optimize(photo, objective, evaluations=7, method="lbfgs", every=5))
    assert [snapshot.evaluations for snapshot in run] == [0, 5, 7]
    assert torch.equal(run[-1].image, photo)


def test_a_caller_may_stop_and_snapshots_keep_their_image(vgg, photo, painting):
    run = nst.stylize(photo, painting, vgg=vgg, evaluations=50, every=1, method="adam")
    first = next(run)
    copy = first.image.clone()
    next(run)
    next(run)
    assert torch.equal(first.image, copy)
    run.close()


def test_the_start_is_not_changed(vgg, photo, painting):
    start = photo.clone()
    for method in METHODS:
        list(nst.optimize(start, nst.texture(vgg, painting), evaluations=3, method=method))
        assert torch.equal(start, photo)
        assert not start.requires_grad


def test_bad_settings_are_refused_at_the_call(vgg, photo, painting):
    objective = nst.reconstruction(vgg, photo)
    for settings, message in [
        ({"evaluations": 0}, "evaluations is 0"),
        ({"evaluations": 2.5}, "evaluations is 2.5"),
        ({"evaluations": 5, "every": 0}, "every is 0"),
        ({"evaluations": 5, "method": "sgd"}, "method is 'sgd'"),
        ({"evaluations": 5, "lr": -1}, "lr is -1"),
    ]:
        with pytest.raises(ValueError, match=message):
            nst.optimize(photo, objective, **settings)
    with pytest.raises(ValueError, match=r"float tensor \(1, 3, H, W\)"):
        nst.optimize(photo[0], objective, evaluations=5)
    with pytest.raises(ValueError, match="start is 'blank'"):
        nst.stylize(photo, painting, vgg=vgg, start="blank")


def test_divergence_is_reported(photo):
    def objective(image):
        return {"content": (image.mean() * 1e30) ** 2, "tv": image.mean()}

    message = "after 0 evaluations of adam with lr 0.03; the largest known term is content with inf"
    with pytest.raises(FloatingPointError, match=message):
        list(nst.optimize(photo, objective, evaluations=5))


def test_divergence_names_the_term_that_was_largest_before(vgg, photo, painting):
    objective = nst.transfer(vgg, photo, painting)
    run = nst.optimize(photo, objective, evaluations=20, method="lbfgs", lr=1e30)
    message = "largest known term is style with .*: lower lr, or the style weight"
    with pytest.raises(FloatingPointError, match=message):
        list(run)


def test_the_penalty_holds_lbfgs_near_the_range(photo):
    """Without it, the pixels of this objective go to 2, where no screen can show them."""
    highest = []

    def objective(image):
        highest.append(image.max().item())
        return {"content": (image - 2).square().mean()}

    list(nst.optimize(photo, objective, evaluations=30, method="lbfgs"))
    assert 1.0 < np.median(highest[10:-1]) < 1.1


def test_lbfgs_begins_again_without_the_memory_that_misled_it():
    """A loss with no slope makes L-BFGS stop early. Then it becomes ten thousand times as steep.

    With the old memory, the next step would move a value by thousands."""
    steps = []

    def objective(image):
        steps.append(image.detach().clone())
        count = len(steps)
        if count <= 6:
            return {"content": (image - 0.1).square().mean()}
        if count <= 10:
            return {"content": 0 * image.mean()}
        return {"content": 10_000 * (image - 0.6).square().mean()}

    start = torch.full((1, 3, 16, 16), 0.5)
    list(nst.optimize(start, objective, evaluations=16, method="lbfgs", every=5))
    moved = (steps[11] - steps[10]).abs().mean()
    assert 0 < moved < 0.02, moved  # no farther than a first step
    assert torch.allclose(steps[-1], torch.tensor(0.6), atol=1e-3)


WRONG_OBJECTIVES = {
    "nothing": (lambda image: None, "returned NoneType; it must return a dict"),
    "a tensor": (lambda image: image.mean(), "returned Tensor; it must return a dict"),
    "no term": (lambda image: {}, "returned an empty dict"),
    "a list": (lambda image: [image.mean()], "returned list"),
    "many numbers": (
        lambda image: {"tv": image},
        r"term 'tv' is a Tensor of shape \(1, 3, 43, 64\); it must be a scalar",
    ),
    "a number": (lambda image: {"tv": image.mean().item()}, "term 'tv' is a float; .* no .item"),
    "detached": (lambda image: {"tv": image.detach().mean()}, "no gradient; .* without .detach"),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", WRONG_OBJECTIVES)
def test_a_wrong_objective_is_named(kind, method, photo):
    objective, message = WRONG_OBJECTIVES[kind]
    with pytest.raises(ValueError, match=message):
        list(nst.optimize(photo, objective, evaluations=5, method=method))


def test_something_that_is_no_objective_is_refused_at_the_call(photo):
    with pytest.raises(ValueError, match="objective is None; it must be a function"):
        nst.optimize(photo, None, evaluations=5)


# ------------------------------------------------------------------------------ style transfer


def test_the_same_seed_gives_the_same_picture(vgg, photo, painting):
    def last(seed):
        run = nst.stylize(
            photo, painting, vgg=vgg, evaluations=12, start="noise", generator=nst.seed(seed)
        )
        *_, snapshot = run
        return snapshot.image

    assert torch.equal(last(5), last(5))
    assert not torch.equal(last(5), last(6))


def test_every_start(vgg, photo, painting):
    wide = painting[:, :, :20]

    def first(start):
        run = nst.stylize(photo, wide, vgg=vgg, evaluations=1, start=start, generator=nst.seed(0))
        return next(run).image

    assert torch.equal(first("content"), photo)
    assert torch.equal(first("noise"), nst.noise_like(photo, nst.seed(0)))
    assert torch.equal(first("style"), nst.resize(wide, (43, 64)))
    assert torch.allclose(first("recolored").mean((2, 3)), wide.mean((2, 3)), atol=0.02)


@pytest.mark.parametrize("start", STARTS)
def test_every_word_gives_a_first_image(start, photo, painting):
    image = nst.first_image(start, photo, painting[:, :, :40], nst.seed(0))
    assert image.shape == photo.shape
    assert image.dtype == photo.dtype
    assert image.min() >= 0
    assert image.max() <= 1
    images = [nst.first_image(other, photo, painting[:, :, :40], nst.seed(0)) for other in STARTS]
    assert sum(torch.equal(image, other) for other in images) == 1, "each word has its own image"


def test_an_unknown_start_is_refused(photo, painting):
    with pytest.raises(ValueError, match="start is 'blank'; it must be one of 'recolored'"):
        nst.first_image("blank", photo, painting)


def test_an_image_may_be_the_start(vgg, photo, painting):
    larger = torch.rand(1, 3, 86, 128, generator=torch.Generator().manual_seed(0))
    small = nst.resize(larger, (43, 64))
    assert torch.equal(nst.first_image(larger, photo, painting), small)
    assert torch.equal(nst.first_image(small, photo, painting), small)
    first = next(nst.stylize(photo, painting, vgg=vgg, start=larger, evaluations=1))
    assert torch.equal(first.image, small)
    for wrong in (larger[:, :, :, :100], torch.cat([small, small]), small[0]):
        with pytest.raises(ValueError, match=r"proportions|must be a float tensor"):
            nst.stylize(photo, painting, vgg=vgg, start=wrong)


def test_stages_are_taken_as_they_are(photo):
    stages = (Stage(32, 7), Stage(64, 2))
    assert nst.stages_for(photo, stages, None) == stages
    with pytest.raises(ValueError, match=r"sizes are \(32, 65\), and the photograph has 64 px"):
        nst.stages_for(photo, (Stage(32, 7), Stage(65, 2)), None)


def test_stylize_makes_its_own_network(photo, painting):
    settings = {"evaluations": 2, "every": 1}
    precision = nst.native_precision(torch.device("cpu"))
    vgg = nst.VGG19("pocket", pooling=POOLING, precision=precision)
    weights = nst.Weights(style=STYLE_WEIGHTS[POOLING])
    own = list(nst.stylize(photo, painting, **settings))
    given = list(nst.stylize(photo, painting, vgg=vgg, weights=weights, **settings))
    assert torch.equal(own[-1].image, given[-1].image)


def noise(height, width):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


def test_a_picture_that_is_too_small_is_named_with_a_size_that_would_do(vgg, photo):
    message = r"the painting is 15x20; relu5_1 needs 16x16 or more; a size of 22 would do"
    with pytest.raises(ValueError, match=message):
        nst.stylize(photo, noise(20, 15), vgg=vgg)
    with pytest.raises(ValueError, match="the photograph is 15x15"):
        nst.stylize(noise(15, 15), photo, vgg=vgg)
    with pytest.raises(ValueError, match="painting 2 is 9x9"):
        nst.stylize(photo, [photo, noise(9, 9)], vgg=vgg)
    message = r"the photograph is 20x13 at the first size, 20; .* a size of 25"
    with pytest.raises(ValueError, match=message):
        nst.stylize(photo, photo, vgg=vgg, sizes=(20, 64))
    nst.stylize(photo, noise(9, 9), vgg=vgg, layers=["relu1_1"])  # relu4_2 needs 8
    mirrored = nst.VGG19(padding="reflect")
    with pytest.raises(ValueError, match="relu5_1 needs 32x32"):
        nst.stylize(photo, noise(31, 31), vgg=mirrored)
    nst.stylize(photo, noise(32, 22), vgg=vgg)


def test_a_panorama_leaves_out_the_sizes_at_which_it_would_be_too_narrow():
    assert [stage.size for stage in nst.stages_for(noise(600, 1024), None, None)] == [
        192,
        512,
        1024,
    ]
    assert [stage.size for stage in nst.stages_for(noise(70, 1024), None, None)] == [512, 1024]
    assert [stage.size for stage in nst.stages_for(noise(20, 1024), None, 50)] == [1024]
    assert nst.stages_for(noise(20, 1024), None, 50)[0].evaluations == 50


def test_a_batch_is_no_photograph(photo, painting):
    with pytest.raises(ValueError, match=r"a batch of 2; give one image: photo\[0:1\]"):
        nst.stylize(torch.cat([photo, photo]), painting)
    with pytest.raises(ValueError, match="the painting is a batch of 2; give one image, or a list"):
        nst.stylize(photo, torch.cat([painting, painting]))


def test_only_stylize_without_a_network_changes_the_style_weight(photo, painting):
    precision = nst.native_precision(torch.device("cpu"))
    vgg = nst.VGG19("pocket", pooling=POOLING, precision=precision)

    def style(**settings):
        return next(nst.stylize(photo, painting, evaluations=1, **settings)).losses["style"]

    one = style(weights=nst.Weights(style=1.0))
    assert style() == pytest.approx(STYLE_WEIGHTS[POOLING] * one)
    assert style(vgg=vgg) == pytest.approx(nst.Weights().style * one)
