"""Common wrong answers to the exercises of lesson 07. Each gets a hint of its own."""

import itertools


def match_means_only(image, like):
    centered = image - image.mean((2, 3), keepdim=True)
    return (centered + like.mean((2, 3), keepdim=True)).clamp(0, 1)


def match_all_channels_together(image, like):
    return ((image - image.mean()) / image.std() * like.std() + like.mean()).clamp(0, 1)


def match_variances(image, like):
    centered = image - image.mean((2, 3), keepdim=True)
    scale = like.var((2, 3), keepdim=True) / image.var((2, 3), keepdim=True)
    return (centered * scale + like.mean((2, 3), keepdim=True)).clamp(0, 1)


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


def stop_as_an_index(evaluations, losses, window=100, gain=0.01):
    loss_at = dict(zip(evaluations, losses, strict=True))
    for index, (now, loss) in enumerate(loss_at.items()):
        before = loss_at.get(now - window)
        if before is not None and (before - loss) / before < gain:
            return index
    return evaluations[-1]


MISTAKES = {
    "match_channels": [match_means_only, match_all_channels_together, match_variances],
    "when_to_stop": [stop_by_difference, stop_by_the_loss_before, stop_as_an_index],
}
