"""Coarse to fine: the plan of sizes, the way from one size to the next, and the first step."""

import itertools

import pytest
import torch

import helpers as nst
from style_transfer import steps
from style_transfer.settings import (
    EVALUATIONS,
    FIRST_EVALUATIONS,
    FIRST_SIZE,
    NEXT_EVALUATIONS,
    Stage,
    plan,
    stages_of,
)
from tests.conftest import random_image

# ------------------------------------------------------------------------------ the plan


@pytest.mark.parametrize(
    ("size", "sizes"),
    [
        (16, (16,)),
        (383, (383,)),
        (384, (192, 384)),
        (512, (192, 512)),
        (513, (192, 512, 513)),
        (1024, (192, 512, 1024)),
        (3000, (192, 512, 1365, 3000)),
    ],
)
def test_sizes_grow_from_the_same_first_size(size, sizes):
    assert tuple(stage.size for stage in plan(size)) == sizes


def test_a_plan_by_hand():
    assert plan(256) == (Stage(256, EVALUATIONS),)
    assert plan(512) == (Stage(192, FIRST_EVALUATIONS), Stage(512, NEXT_EVALUATIONS))
    assert plan(512, 29) == (Stage(192, 20), Stage(512, 9))  # 100 to 45 is 20 to 9
    assert plan(256, 7) == (Stage(256, 7),)
    assert stages_of((64, 100, 128), 5) == (Stage(64, 3), Stage(100, 1), Stage(128, 1))


@pytest.mark.parametrize("size", [1, 100, 383, 384, 1000, 4096])
@pytest.mark.parametrize("evaluations", [None, 8, 9, 100, 1001])
def test_no_evaluation_is_lost_or_negative(size, evaluations):
    parts = plan(size, evaluations)
    assert all(part.evaluations >= 1 for part in parts)
    if evaluations is not None:
        assert sum(part.evaluations for part in parts) == evaluations
    assert len(parts) == 1 or parts[0].size == FIRST_SIZE


@pytest.mark.parametrize(
    ("sizes", "evaluations", "message"),
    [
        ((), None, "give one or more, from small to large"),
        ((128, 128), None, "from small to large"),
        ((256, 128), None, "from small to large"),
        ((0, 128), None, "size is 0"),
        ((64, 128, 256), 2, "3 sizes need at least one evaluation each"),
        ((64,), 0, "evaluations is 0"),
    ],
)
def test_sizes_that_make_no_sense_are_refused(sizes, evaluations, message):
    with pytest.raises(ValueError, match=message):
        stages_of(sizes, evaluations)


# ------------------------------------------------------------------------------ the run


def test_snapshots_grow_and_count_on(vgg, painting):
    photo = random_image(40, 80)
    run = list(nst.stylize(photo, painting, vgg=vgg, sizes=(32, 80), evaluations=30, every=10))
    assert [snapshot.size for snapshot in run] == [32, 32, 32, 32, 80, 80]
    assert [snapshot.evaluations for snapshot in run] == [0, 10, 20, 21, 21, 30]
    assert [tuple(snapshot.image.shape[-2:]) for snapshot in run][::5] == [(16, 32), (40, 80)]
    assert all(a.seconds < b.seconds for a, b in itertools.pairwise(run))


def test_a_stage_begins_with_the_enlarged_picture_of_the_one_before(vgg, painting):
    photo = random_image(40, 80)
    run = list(nst.stylize(photo, painting, vgg=vgg, sizes=(32, 80), evaluations=12, every=99))
    small, large = run[1], run[2]
    assert (small.size, large.size) == (32, 80)
    start = nst.first_image("recolored", photo, painting)
    assert torch.equal(large.image, nst.enlarge(small.image, start))


def test_the_last_stage_has_targets_of_its_own_size(vgg, painting):
    photo = random_image(40, 80)
    run = list(nst.stylize(photo, painting, vgg=vgg, sizes=(32, 80), evaluations=6))
    losses = nst.transfer(vgg, photo, painting)(run[-1].image)
    assert run[-1].losses == pytest.approx({k: v.item() for k, v in losses.items()}, rel=1e-4)


def test_one_size_is_the_plain_run(vgg, photo, painting):
    start = nst.first_image("recolored", photo, painting)
    objective = nst.transfer(vgg, photo, painting)
    plain = list(nst.optimize(start, objective, evaluations=15, method="lbfgs"))
    run = list(nst.stylize(photo, painting, vgg=vgg, evaluations=15))
    assert torch.equal(run[-1].image, plain[-1].image)


def test_sizes_above_the_photograph_are_refused_at_the_call(vgg, photo, painting):
    with pytest.raises(ValueError, match="the photograph has 64 px"):
        nst.stylize(photo, painting, vgg=vgg, sizes=(32, 128))


def test_frames_of_a_growing_run_have_one_size(vgg, painting, tmp_path):
    photo = random_image(40, 80)
    run = list(nst.stylize(photo, painting, vgg=vgg, sizes=(32, 80), evaluations=12, every=2))
    frames = nst.pick_frames(run, 5)
    assert {tuple(frame.shape[-2:]) for frame in frames} == {(40, 80)}
    nst.save_gif(frames, tmp_path / "growing.gif")


# ------------------------------------------------------------------------------ enlarging


def test_enlarging_gives_back_the_detail():
    start = random_image(40, 80)
    small = nst.resize(start, 20)
    # A picture that was not painted on at all comes back unharmed.
    assert torch.equal(nst.enlarge(small, start), start)
    # Half of what was painted stays: a small picture that is brighter by 0.1 gives one by 0.05.
    start = 0.2 + 0.5 * start
    brighter = nst.enlarge(nst.resize(start, 20) + 0.1, start)
    assert torch.allclose(brighter, start + 0.05, atol=1e-5)
    assert nst.enlarge(nst.resize(start, 20) + 9, start).max() == 1


# ------------------------------------------------------------------------------ first step


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_first_step_of_lbfgs_moves_as_far_whatever_the_gradient(scale):
    start = random_image(16, 16) * 0.5 + 0.25
    weight = scale * (1 + random_image(16, 16, seed=1))

    def objective(image):
        return {"content": (weight * image).sum()}

    run = list(nst.optimize(start, objective, evaluations=1, method="lbfgs"))
    moved = (run[-1].image - start).abs().mean().item()
    assert moved == pytest.approx(steps.FIRST_MOVE, rel=1e-3)


def test_the_first_step_scales_with_lr():
    start = random_image(16, 16) * 0.5 + 0.25
    objective = lambda image: {"content": image.sum()}  # noqa: E731
    run = list(nst.optimize(start, objective, evaluations=1, method="lbfgs", lr=0.1))
    moved = (run[-1].image - start).abs().mean().item()
    assert moved == pytest.approx(0.1 * steps.FIRST_MOVE, rel=1e-3)


def test_the_first_step_is_worth_its_evaluation(vgg, photo, painting):
    run = list(nst.stylize(photo, painting, vgg=vgg, evaluations=2, every=1))
    assert run[1].loss < 0.9 * run[0].loss  # torch's own first step gains less than a thousandth


def test_a_large_image_gets_a_shorter_memory():
    def pairs(height, width):
        return steps.history_size(torch.empty(1, 3, height, width, device="meta"))

    assert pairs(512, 512) == steps.HISTORY
    assert 3 <= pairs(2000, 3000) < 6
