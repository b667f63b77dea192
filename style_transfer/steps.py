"""Steps: where the pixels begin, and how an optimizer moves them."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from style_transfer.features import (
    LAYERS,
    VGG19,
    deepest,
    ready_network,
    smallest_side,
)
from style_transfer.images import (
    check_image,
    interpolate,
    noise_like,
    recolor,
    resize,
    same_proportions,
)
from style_transfer.losses import Objective, StyleLayers, layer_weights, transfer
from style_transfer.one_pass import Decoder, load_decoder, one_pass
from style_transfer.paintings import Paintings, change_paintings, regions_of, styles_of
from style_transfer.settings import (
    CONTENT_LAYER,
    EVERY,
    POOLING,
    START,
    STARTS,
    STYLE_LAYERS,
    Stage,
    Weights,
    check_count,
    check_word,
    finished_weights,
    learning_rate,
    plan,
    stages_of,
)

HISTORY = 20  # pairs that L-BFGS remembers; each is as large as two images
HISTORY_BYTES = 500_000_000  # a large image gets fewer pairs, so that they fit into this

FIRST_MOVE = 0.01  # how far L-BFGS moves a value in [0, 1] at its first step, on average

# A picture keeps this share of its change when it is enlarged. With all of it, the marks on a small
# face would be enlarged, too.
KEPT_CHANGE = 0.5

# What it costs L-BFGS to leave [0, 1], where no screen can show a pixel: this number, times the
# loss at the start, times the mean squared distance from the range.
RANGE_PENALTY = 100.0


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One record of a run: the image, its losses, and what it has cost so far.

    `evaluations` counts evaluations of the loss and its gradient; 0 is the start. `seconds` are
    those spent computing. `image` is (1, 3, H, W) in [0, 1]. `losses` maps a term to its weighted
    value.
    """

    evaluations: int
    seconds: float
    image: Tensor
    losses: dict[str, float]

    @property
    def size(self) -> int:
        """The long side of the image in pixels."""
        return max(self.image.shape[-2:])

    @property
    def loss(self) -> float:
        """The sum of the terms, which the run makes small."""
        return sum(self.losses.values())


# ------------------------------------------------------------------------------ the loop


def optimize(
    start: Tensor,
    objective: Objective,
    *,
    evaluations: int,
    method: str = "adam",
    lr: float | None = None,
    every: int = EVERY,
    first_move: float = FIRST_MOVE,
) -> Iterator[Snapshot]:
    """Moves the pixels of `start` (1, 3, H, W) down the gradient of the objective, step by step.

    This is a generator: look at any Snapshot, and break whenever you like. `evaluations` counts
    evaluations of the loss and its gradient. A Snapshot comes for the start, after each `every`
    evaluations, and for the end. `lr` None means 0.03 for Adam and 1 for L-BFGS.

    Adam clips the image to [0, 1] after each step. L-BFGS assumes that nobody changes the image
    between its steps, so it cannot be clipped there. A quadratic penalty keeps it near [0, 1]
    instead, and only the copy in a Snapshot is clipped. Its first step, for which it has no memory
    yet, moves a value by `first_move` times lr on average; Adam has no use for it.

    Raises: ValueError for a setting out of range, or an objective without a gradient;
    FloatingPointError if the loss is no longer a number. Built in: 03_content (Adam) and
    07_optimization (L-BFGS).
    """
    check_image(start)
    if not callable(objective):
        raise ValueError(f"objective is {objective!r}; it must be a function, as from nst.transfer")
    check_count("evaluations", evaluations)
    check_count("every", every)
    lr = learning_rate(method, lr)
    image = start.detach().clamp(0, 1).clone(memory_format=torch.contiguous_format)
    image.requires_grad_(True)
    if method == "adam":
        seen = _adam(image, objective, evaluations, lr, every)
    else:
        seen = _lbfgs(image, objective, evaluations, lr, every, first_move)
    return _snapshots(seen, image, objective, evaluations, f"{method} with lr {lr:g}")


# What a method reports: evaluations so far, the image that was evaluated, and its weighted terms.
Seen = tuple[int, Tensor, dict[str, Tensor]]


def _snapshots(
    seen: Iterator[Seen], image: Tensor, objective: Objective, evaluations: int, settings: str
) -> Iterator[Snapshot]:
    """Turns what a method reports into Snapshots, and adds one for the final image."""
    seconds = 0.0
    last = None
    resumed = time.perf_counter()
    for report in seen:
        seconds += time.perf_counter() - resumed
        last = _snapshot(report, seconds, settings, last)
        yield last
        resumed = time.perf_counter()  # the caller's time between two Snapshots does not count
    with torch.no_grad():
        final = image.detach().clamp(0, 1)
        terms = objective(final)
    seconds += time.perf_counter() - resumed
    yield _snapshot((evaluations, final, terms), seconds, settings, last)


def _snapshot(report: Seen, seconds: float, settings: str, last: Snapshot | None) -> Snapshot:
    """The Snapshot of a report. Raises: FloatingPointError if a term is no longer a number."""
    evaluations, image, terms = report
    losses = {name: term.item() for name, term in terms.items()}
    if not all(math.isfinite(loss) for loss in losses.values()):
        # Often all terms break at once. Then the largest one before that is the one to lower.
        known = losses if last is None else last.losses
        term = max(known, key=lambda name: math.inf if math.isnan(known[name]) else known[name])
        raise FloatingPointError(
            f"the loss is no longer a number after {evaluations} evaluations of {settings}; "
            f"the largest known term is {term} with {known[term]:.3g}: lower lr, or the {term} "
            "weight"
        )
    # A copy, because the optimizer goes on to change the image.
    return Snapshot(evaluations, seconds, image.detach().clamp(0, 1).clone(), losses)


def total(terms: Mapping[str, Tensor]) -> Tensor:
    """The sum of an objective's terms, as a scalar with a gradient.

    Raises: ValueError if there is no term, if one is no scalar tensor, or without a gradient.
    """
    if not isinstance(terms, Mapping) or not terms:
        found = "an empty dict" if isinstance(terms, Mapping) else type(terms).__name__
        raise ValueError(
            f"the objective returned {found}; it must return a dict from the name of each term to "
            "a scalar tensor, as nst.transfer does"
        )
    for name, term in terms.items():
        if not isinstance(term, Tensor) or term.numel() != 1:
            shape = f"of shape {tuple(term.shape)}" if isinstance(term, Tensor) else ""
            raise ValueError(
                f"the objective's term {name!r} is a {type(term).__name__} {shape}".rstrip()
                + "; it must be a scalar tensor: use .mean() or .sum(), and no .item()"
            )
    loss = sum(terms.values())
    if not loss.requires_grad:
        raise ValueError(
            "the objective's loss has no gradient; compute it from the image that the objective "
            "gets, without .detach(), .item() and torch.no_grad()"
        )
    return loss


def _adam(
    image: Tensor, objective: Objective, evaluations: int, lr: float, every: int
) -> Iterator[Seen]:
    optimizer = torch.optim.Adam([image], lr=lr)
    for count in range(evaluations):
        optimizer.zero_grad()
        terms = objective(image)
        total(terms).backward()
        if count % every == 0:
            yield count, image, terms
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)


def _lbfgs(
    image: Tensor, objective: Objective, evaluations: int, lr: float, every: int, first_move: float
) -> Iterator[Seen]:
    # The tolerances are absolute numbers. Our loss is a mean and its gradients are tiny, so with
    # torch's own tolerances L-BFGS would think that it has converged.
    optimizer = torch.optim.LBFGS(
        [image], lr=lr, history_size=history_size(image), tolerance_grad=0, tolerance_change=0
    )
    count = 0
    penalty = None  # set at the first evaluation, in proportion to the loss of the start
    first: Seen | None = None  # the first evaluation of a round

    def closure() -> Tensor:
        nonlocal count, penalty, first
        optimizer.zero_grad()
        terms = objective(image)
        loss = total(terms)
        if penalty is None:
            penalty = RANGE_PENALTY * loss.item()
        loss = loss + penalty * (image - image.detach().clamp(0, 1)).square().mean()
        loss.backward()
        if first is None:
            first = count, image.detach().clone(), terms
        count += 1
        return loss

    while count < evaluations:
        # One call of `step` runs up to the next multiple of `every`. Without a line search, one
        # iteration of L-BFGS is one evaluation.
        wanted = min(every - count % every, evaluations - count)
        before = count
        first = None
        if optimizer.state[image]:
            optimizer.param_groups[0]["max_iter"] = wanted
            optimizer.param_groups[0]["max_eval"] = 2 * wanted
            optimizer.step(closure)
        else:
            wanted = 1
            _first_step(optimizer, image, closure, lr, first_move)
        if before % every == 0:
            yield first
        if count - before < wanted:
            # L-BFGS stopped early: its stored pairs no longer give a direction that goes down.
            # Without them it begins again from this image.
            optimizer.state.clear()


def history_size(image: Tensor) -> int:
    """How many pairs L-BFGS remembers for an image of this size: 20, or fewer for a large one."""
    pair = 2 * image.numel() * image.element_size()
    return max(3, min(HISTORY, HISTORY_BYTES // pair))


def _first_step(
    optimizer, image: Tensor, closure: Callable[[], Tensor], lr: float, first_move: float
) -> None:
    """One iteration of L-BFGS without memory, long enough to be worth its evaluation.

    torch moves by lr * min(1, 1 / |g|) times the gradient g at first, where |g| is the sum of its
    absolute values. One of N values then moves by 1 / N of the range on average. Here lr is
    chosen so that a value moves by `first_move` times lr on average.
    """
    loss = closure()  # torch reads lr before it calls a closure, so the gradient must come first
    length = image.grad.abs().sum().item()
    group = optimizer.param_groups[0]
    group["max_iter"] = 1
    group["max_eval"] = 2
    if length > 0:
        group["lr"] = lr * first_move * image.numel() / length / min(1, 1 / length)
    optimizer.step(lambda: loss)  # the gradient is there already, so nothing is computed twice
    group["lr"] = lr


# ------------------------------------------------------------------------------ style transfer


def first_image(
    start: str | Tensor,
    photo: Tensor,
    painting: Paintings,
    generator: torch.Generator | None = None,
    vgg: VGG19 | None = None,
) -> Tensor:
    """The image (1, 3, H, W) from which a run starts, at the photograph's size.

    `start` is "recolored" (the photograph in the painting's palette), "content" (the photograph),
    "noise" (gray noise, drawn with `generator`), "style" (the painting) or "one_pass" (the
    photograph painted by `paint_at_once`). Several paintings are mixed by their shares, each in its
    place. `start` may also be an image (1, 3, H, W) with the photograph's proportions. Built in:
    08_runs and 12_one_pass. Raises: ValueError for another word or other proportions, and as
    `paint_at_once`.
    """
    check_start(start, photo)
    if isinstance(start, Tensor):
        size = tuple(photo.shape[-2:])
        image = start.detach().to(photo)
        return image if image.shape[-2:] == size else resize(image, size)
    if start == "recolored":
        return _in_places(photo, painting, lambda one: recolor(photo, like=one))
    if start == "noise":
        return noise_like(photo, generator)
    if start == "style":
        return _in_places(photo, painting, lambda one: resize(one, tuple(photo.shape[-2:])))
    if start == "one_pass":
        return paint_at_once(photo, painting, vgg=vgg)
    return photo


def check_start(start: str | Tensor, photo: Tensor) -> None:
    """Raises ValueError unless `start` is a known word, or an image that fits the photograph."""
    if not isinstance(start, Tensor):
        check_word("start", start, STARTS)
        return
    check_image(start)
    if not same_proportions(start, photo) or len(start) != 1:
        raise ValueError(
            f"start is {tuple(start.shape)} and the photograph {tuple(photo.shape)}; a start is "
            "one image with the photograph's proportions: crop it to them"
        )


def paint_at_once(
    photo: Tensor,
    painting: Paintings,
    *,
    vgg: VGG19 | None = None,
    decoder: Decoder | None = None,
    strength: float = 1.0,
    kept: dict | None = None,
) -> Tensor:
    """Paints the photograph in one pass, without optimization, as an image of the same size.

    `painting` is one image, or a list of `Style`, of which each is painted by itself and put in its
    place. `vgg` None means as in `stylize`, and `decoder` None means its own. `strength` and `kept`
    are as in `one_pass`, which does the work. Raises: as `one_pass.load_decoder` and
    `one_pass.one_pass`.
    """
    vgg, _ = _network_and_weights(vgg, None)
    decoder = decoder or load_decoder(vgg)

    def paint(one: Tensor) -> Tensor:
        return one_pass(vgg, decoder, photo, one, strength, kept=kept)

    return _in_places(photo, painting, paint)


def _in_places(photo: Tensor, painting: Paintings, make: Callable[[Tensor], Tensor]) -> Tensor:
    """Makes an image from each painting and puts it in its place; elsewhere is the photograph."""
    regions = regions_of(painting, photo)
    made = {}  # by painting, because one painting may have several places
    mixed = []
    for region in regions:
        for style in region.styles:
            key = id(style.painting)
            if key not in made:
                made[key] = make(style.painting)
        mixed.append(sum(style.share * made[id(style.painting)] for style in region.styles))
    if len(regions) == 1 and regions[0].mask is None:
        return mixed[0]
    masks = [torch.ones_like(photo[:, :1]) if one.mask is None else one.mask for one in regions]
    covered = sum(masks)
    image = sum(mask * made for mask, made in zip(masks, mixed, strict=True))
    return (image + (1 - covered).clamp(min=0) * photo) / covered.clamp(min=1)


def stylize(
    photo: Tensor,
    painting: Paintings,
    *,
    vgg: VGG19 | None = None,
    weights: Weights | None = None,
    layers: StyleLayers = STYLE_LAYERS,
    sizes: tuple[int, ...] | tuple[Stage, ...] | None = None,
    evaluations: int | None = None,
    start: str | Tensor = START,
    method: str = "lbfgs",
    lr: float | None = None,
    every: int = EVERY,
    generator: torch.Generator | None = None,
    kept: dict | None = None,
) -> Iterator[Snapshot]:
    """Paints the photograph in the style of the painting: `transfer` and `optimize` together.

    `painting` is one image, or a list of `Style`. A small picture is optimized at its own size. A
    larger one goes from coarse to fine: it is painted small first, where the strokes are broad,
    then enlarged and painted on. `sizes` are the long sides of these stages, or the Stages; None
    means `settings.plan`. `evaluations` counts all stages. `vgg` None means the pocket network with
    average pooling and its style weight, on the fastest device, in bfloat16 if that is native.
    `start` and `generator` are as in `first_image`, the rest as in `transfer` and `optimize`. Built
    in: 08_runs. Raises: ValueError for a setting out of range, or a size that is too large.
    """
    check_count("every", every)
    stages = stages_for(photo, sizes, evaluations)
    check_start(start, photo)
    # Mistakes in layers and masks are refused here, before the run begins.
    layers = known_layers(layers)
    regions_of(painting, photo)
    options = {"method": method, "lr": learning_rate(method, lr), "every": every}
    vgg, weights = _network_and_weights(vgg, weights)
    check_sides(vgg, _named(photo, painting), layers, stages)

    def prepare(photo: Tensor, painting: Paintings) -> tuple[Objective, Tensor]:
        objective = transfer(vgg, photo, painting, weights, layers=layers, kept=kept)
        return objective, first_image(start, photo, painting, generator, vgg)

    return _coarse_to_fine(photo.to(vgg.device), painting, stages, prepare, options)


def check_sides(
    vgg: VGG19, pictures: Mapping[str, Tensor], layers: StyleLayers, stages: tuple[Stage, ...]
) -> None:
    """Raises ValueError, with its name, for a batch, and for too few pixels at some stage."""
    layer = LAYERS[deepest({CONTENT_LAYER, *layer_weights(layers)})]
    smallest = smallest_side(layer, vgg.padding)
    factor = stages[0].size / stages[-1].size
    for name, image in pictures.items():
        if len(image) != 1:
            raise ValueError(
                f"{name} is a batch of {len(image)}; give one image, or a list of Style"
            )
        height, width = _scaled(image, factor).shape[-2:]
        if min(height, width) < smallest:
            where = f" at the first size, {stages[0].size}" if factor < 1 else ""
            enough = math.ceil(smallest * max(height, width) / min(height, width))
            raise ValueError(
                f"{name} is {width}x{height}{where}; {layer} needs {smallest}x{smallest} or more; "
                f"a size of {enough} would do, if the picture has so many pixels"
            )


def _named(photo: Tensor, painting: Paintings) -> dict[str, Tensor]:
    """The photograph and the paintings, each with its name."""
    paintings = [style.painting for style in styles_of(painting)]
    if len(paintings) == 1:
        return {"the photograph": photo, "the painting": paintings[0]}
    return {"the photograph": photo} | {
        f"painting {number}": image for number, image in enumerate(paintings, start=1)
    }


def known_layers(layers: StyleLayers) -> dict[str, float]:
    """Style layers with their weights. Raises: ValueError for an unknown layer."""
    weights = layer_weights(layers)
    deepest(set(weights))
    return weights


def _network_and_weights(
    vgg: VGG19 | None, weights: Weights | None
) -> tuple[VGG19, Weights | None]:
    """What was given, or the network of a finished picture and the weights that suit it."""
    if vgg is not None:
        return vgg, weights
    return ready_network(pooling=POOLING), weights or finished_weights()


def stages_for(
    photo: Tensor, sizes: tuple[int, ...] | tuple[Stage, ...] | None, evaluations: int | None
) -> tuple[Stage, ...]:
    """The stages of a run that ends at the photograph's size, or at the last of `sizes`.

    Sizes that are Stages already have their evaluations, and come back as they are.
    """
    check_image(photo)
    if len(photo) != 1:
        raise ValueError(f"the photograph is a batch of {len(photo)}; give one image: photo[0:1]")
    long_side = max(photo.shape[-2:])
    if sizes is None:
        # A long, narrow photograph has too few pixels across at a small size.
        least = 2 * smallest_side(LAYERS[-1]) * long_side / min(photo.shape[-2:])
        planned = [stage.size for stage in plan(long_side)]
        fitting = [size for size in planned[:-1] if size >= least]
        return stages_of((*fitting, planned[-1]), evaluations)
    given = bool(sizes) and all(isinstance(one, Stage) for one in sizes)
    stages = tuple(sizes) if given else stages_of(tuple(sizes), evaluations)
    if stages[-1].size > long_side:
        raise ValueError(
            f"sizes are {tuple(stage.size for stage in stages)}, and the photograph has "
            f"{long_side} px; load it larger, or give smaller sizes"
        )
    return stages


def _coarse_to_fine(
    photo: Tensor,
    painting: Paintings,
    stages: tuple[Stage, ...],
    prepare: Callable[[Tensor, Paintings], tuple[Objective, Tensor]],
    options: dict,
) -> Iterator[Snapshot]:
    """Runs one stage after another; each begins with the picture of the one before, enlarged.

    `prepare` gives the objective and the first image at the size of two pictures.
    """
    full_size = max(photo.shape[-2:])
    last = None
    evaluations = 0  # of the stages before
    seconds = 0.0
    for stage in stages:
        began = time.perf_counter()
        factor = stage.size / full_size
        styles = change_paintings(painting, _scaling(factor, photo.device))
        objective, image = prepare(_scaled(photo, factor), styles)
        if last is not None:
            image = enlarge(last.image, image)
        seconds += time.perf_counter() - began
        for snapshot in optimize(image, objective, evaluations=stage.evaluations, **options):
            last = replace(
                snapshot,
                evaluations=evaluations + snapshot.evaluations,
                seconds=seconds + snapshot.seconds,
            )
            yield last
        evaluations = last.evaluations
        seconds = last.seconds


def _scaling(factor: float, where: torch.device) -> Callable[[Tensor], Tensor]:
    """A function that makes an image smaller by a factor, on a device."""
    return lambda image: _scaled(image.to(where), factor)


def _scaled(image: Tensor, factor: float) -> Tensor:
    """The image made smaller by a factor; at factor 1 the image itself."""
    if factor == 1:
        return image
    return resize(image, max(1, round(factor * max(image.shape[-2:]))))


def enlarge(image: Tensor, start: Tensor) -> Tensor:
    """Carries a picture to the size of `start`: the start, plus half of what painting changed.

    `start` is the image from which a run of the larger size would begin, for example the recolored
    photograph. The change is the difference between the small picture and the start made as small,
    enlarged. So the strokes come along, and the detail that the small size could not hold, as eyes
    and letters, is there again. Built in: 08_runs.
    """
    size = tuple(start.shape[-2:])
    change = image - resize(start, tuple(image.shape[-2:]))
    return (start + KEPT_CHANGE * interpolate(change, size)).clamp(0, 1)
