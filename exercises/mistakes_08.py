"""Common wrong answers to the exercises of lesson 08. Each gets a hint of its own."""

import itertools

import torch

# ------------------------------------------------------------------------------ filmed_run


def _film(
    start,
    objective,
    evaluations,
    every,
    lr,
    *,
    clear=True,
    clip=True,
    keep=lambda image: image.detach().clone(),
    terms=None,
    due=None,
):
    """A filmed run with one thing wrong for each keyword."""
    image = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    frames = []
    for count in range(evaluations + 1):
        if clear:
            optimizer.zero_grad()
        measured = objective(image)
        loss = sum(measured[name] for name in terms or measured)
        if due(count) if due else count % every == 0 or count == evaluations:
            frames.append((count, keep(image), loss.item()))
        loss.backward()
        optimizer.step()
        if clip:
            with torch.no_grad():
                image.clamp_(0, 1)
    return frames


def film_without_a_copy(start, objective, evaluations, every, lr=0.03):
    return _film(start, objective, evaluations, every, lr, keep=lambda image: image.detach())


def film_with_gradients(start, objective, evaluations, every, lr=0.03):
    return _film(start, objective, evaluations, every, lr, keep=lambda image: image.clone())


def film_without_clearing(start, objective, evaluations, every, lr=0.03):
    return _film(start, objective, evaluations, every, lr, clear=False)


def film_without_clipping(start, objective, evaluations, every, lr=0.03):
    return _film(start, objective, evaluations, every, lr, clip=False)


def film_with_clipped_copies(start, objective, evaluations, every, lr=0.03):
    frames = _film(start, objective, evaluations, every, lr, clip=False)
    clipped = []
    for count, image, _ in frames:
        image = image.clamp(0, 1)
        clipped.append((count, image, sum(objective(image).values()).item()))
    return clipped


def film_of_one_term(start, objective, evaluations, every, lr=0.03):
    return _film(start, objective, evaluations, every, lr, terms=["content"])


def film_without_the_start(start, objective, evaluations, every, lr=0.03):
    return _film(start, objective, evaluations, every, lr)[1:]


def film_without_the_end(start, objective, evaluations, every, lr=0.03):
    return _film(
        start,
        objective,
        evaluations,
        every,
        lr,
        due=lambda count: count % every == 0 and count < evaluations,
    )


def film_with_the_end_twice(start, objective, evaluations, every, lr=0.03):
    frames = _film(start, objective, evaluations, every, lr)
    if evaluations % every == 0:
        frames.append(frames[-1])
    return frames


def film_of_every_evaluation(start, objective, evaluations, every, lr=0.03):
    return _film(start, objective, evaluations, 1, lr)


def film_with_a_fixed_rate(start, objective, evaluations, every, lr=0.03):
    return _film(start, objective, evaluations, every, 0.03)


def film_of_the_start_itself(start, objective, evaluations, every, lr=0.03):
    frames = _film(start, objective, evaluations, every, lr)
    start.copy_(frames[-1][1])
    return frames


def film_with_losses_of_the_image_before(start, objective, evaluations, every, lr=0.03):
    frames = _film(start, objective, evaluations, 1, lr)
    kept = []
    for (count, image, _), (_, _, loss_before) in zip(frames[1:], frames, strict=False):
        if count % every == 0 or count == evaluations:
            kept.append((count, image, loss_before))
    return [frames[0], *kept]


def film_with_losses_as_tensors(start, objective, evaluations, every, lr=0.03):
    frames = _film(start, objective, evaluations, every, lr)
    return [(count, image, torch.tensor(loss)) for count, image, loss in frames]


def film_without_a_gradient(start, objective, evaluations, every, lr=0.03):
    image = start.clone()
    optimizer = torch.optim.Adam([image], lr=lr)
    frames = []
    for count in range(evaluations + 1):
        optimizer.zero_grad()
        loss = sum(objective(image).values())
        if count % every == 0 or count == evaluations:
            frames.append((count, image.clone(), loss.item()))
        loss.backward()
        optimizer.step()
        image.clamp_(0, 1)
    return frames


def film_clipped_with_a_gradient(start, objective, evaluations, every, lr=0.03):
    image = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    for _ in range(evaluations):
        optimizer.zero_grad()
        sum(objective(image).values()).backward()
        optimizer.step()
        image.clamp_(0, 1)


def film_of_a_copy_made_too_late(start, objective, evaluations, every, lr=0.03):
    image = start.requires_grad_(True).clone()
    torch.optim.Adam([image], lr=lr)


def film_of_one_old_loss(start, objective, evaluations, every, lr=0.03):
    image = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    loss = sum(objective(image).values())
    for _ in range(evaluations):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def film_without_return(start, objective, evaluations, every, lr=0.03):
    _film(start, objective, evaluations, every, lr)


# ------------------------------------------------------------------------------ when_to_stop


def stop_by_difference(evaluations, losses, window=100, gain=0.01):
    loss_at = dict(zip(evaluations, losses, strict=True))
    for now, loss in loss_at.items():
        if now - window in loss_at and loss_at[now - window] - loss < gain:
            return now
    return evaluations[-1]


def stop_by_the_loss_before(evaluations, losses, window=100, gain=0.01):
    for index, (before, loss) in enumerate(itertools.pairwise(losses), start=1):
        if (before - loss) / before < gain:
            return evaluations[index]
    return evaluations[-1]


def _stop(evaluations, losses, window, poor):
    """The first number whose loss is `poor` beside the loss of `window` evaluations before."""
    loss_at = dict(zip(evaluations, losses, strict=True))
    for now, loss in loss_at.items():
        before = loss_at.get(now - window)
        if before is not None and poor(before, loss):
            return now
    return evaluations[-1]


def stop_as_an_index(evaluations, losses, window=100, gain=0.01):
    now = _stop(evaluations, losses, window, lambda a, b: (a - b) / a < gain)
    return evaluations.index(now)


def stop_by_a_share_of_the_first_loss(evaluations, losses, window=100, gain=0.01):
    return _stop(evaluations, losses, window, lambda a, b: (a - b) / losses[0] < gain)


def stop_by_a_share_of_the_later_loss(evaluations, losses, window=100, gain=0.01):
    return _stop(evaluations, losses, window, lambda a, b: (a - b) / b < gain)


def stop_by_the_absolute_change(evaluations, losses, window=100, gain=0.01):
    return _stop(evaluations, losses, window, lambda a, b: abs(a - b) / a < gain)


def stop_at_the_boundary(evaluations, losses, window=100, gain=0.01):
    return _stop(evaluations, losses, window, lambda a, b: (a - b) / a <= gain)


def stop_with_a_spacing_of_fifty(evaluations, losses, window=100, gain=0.01):
    back = window // 50
    for index in range(back, len(losses)):
        if (losses[index - back] - losses[index]) / losses[index - back] < gain:
            return evaluations[index]
    return evaluations[-1]


def stop_by_the_lowest_so_far(evaluations, losses, window=100, gain=0.01):
    loss_at = dict(zip(evaluations, losses, strict=True))
    for now in evaluations:
        best = min((loss for at, loss in loss_at.items() if at <= now - window), default=None)
        if best is not None and (best - loss_at[now]) / best < gain:
            return now
    return evaluations[-1]


def stop_with_the_default_window(evaluations, losses, window=100, gain=0.01):
    return _stop(evaluations, losses, 100, lambda a, b: (a - b) / a < gain)


def stop_without_an_end(evaluations, losses, window=100, gain=0.01):
    loss_at = dict(zip(evaluations, losses, strict=True))
    for now, loss in loss_at.items():
        before = loss_at.get(now - window)
        if before is not None and (before - loss) / before < gain:
            return now
    return 0


# ------------------------------------------------------------------------------ match_channels


def _match(image, like, spread=torch.std, axes=(2, 3)):
    mean = image.mean(axes, keepdim=True)
    ratio = spread(like, axes, keepdim=True) / spread(image, axes, keepdim=True)
    return (image - mean) * ratio + like.mean(axes, keepdim=True)


def match_means_only(image, like):
    centered = image - image.mean((2, 3), keepdim=True)
    return (centered + like.mean((2, 3), keepdim=True)).clamp(0, 1)


def match_all_channels_together(image, like):
    return _match(image, like, axes=(1, 2, 3)).clamp(0, 1)


def match_variances(image, like):
    return _match(image, like, spread=torch.var).clamp(0, 1)


def match_by_returning_like(image, like):
    return like


def match_the_negative(image, like):
    return _match(1 - image, like).clamp(0, 1)


def match_mirrored(image, like):
    return _match(image, like).clamp(0, 1).flip(3)


def match_ranks(image, like):
    places = image.flatten(2).argsort(2)
    values = like.flatten(2).sort(2).values
    marks = torch.linspace(0, values.shape[2] - 1, places.shape[2]).round().long()
    result = torch.empty_like(image).flatten(2)
    result.scatter_(2, places, values[:, :, marks])
    return result.reshape(image.shape)


def match_in_place(image, like):
    image.copy_(_match(image, like).clamp(0, 1))
    return image


def match_without_clipping(image, like):
    return _match(image, like)


def match_clipped_above_only(image, like):
    return _match(image, like).clamp(max=1)


def match_over_the_batch(image, like):
    return _match(image, like, axes=(0, 2, 3)).clamp(0, 1)


MISTAKES = {
    "filmed_run": [
        film_without_a_copy,
        film_with_gradients,
        film_without_clearing,
        film_without_clipping,
        film_with_clipped_copies,
        film_of_one_term,
        film_without_the_start,
        film_without_the_end,
        film_with_the_end_twice,
        film_of_every_evaluation,
        film_with_a_fixed_rate,
        film_of_the_start_itself,
        film_with_losses_of_the_image_before,
        film_with_losses_as_tensors,
        film_without_a_gradient,
        film_clipped_with_a_gradient,
        film_of_a_copy_made_too_late,
        film_of_one_old_loss,
        film_without_return,
    ],
    "when_to_stop": [
        stop_by_difference,
        stop_by_the_loss_before,
        stop_as_an_index,
        stop_by_a_share_of_the_first_loss,
        stop_by_a_share_of_the_later_loss,
        stop_by_the_absolute_change,
        stop_at_the_boundary,
        stop_with_a_spacing_of_fifty,
        stop_by_the_lowest_so_far,
        stop_with_the_default_window,
        stop_without_an_end,
    ],
    "match_channels": [
        match_means_only,
        match_all_channels_together,
        match_variances,
        match_by_returning_like,
        match_the_negative,
        match_mirrored,
        match_ranks,
        match_in_place,
        match_without_clipping,
        match_clipped_above_only,
        match_over_the_batch,
    ],
}
