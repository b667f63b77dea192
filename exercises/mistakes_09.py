"""Common wrong answers to the exercises of lesson 09. Each gets a hint of its own."""

import torch

LUMINANCE = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)


def _differences(image):
    """The differences to the right and below, at each pixel that has both neighbors."""
    right = image[..., :-1, 1:] - image[..., :-1, :-1]
    below = image[..., 1:, :-1] - image[..., :-1, :-1]
    return right, below


def isotropic_from_absolute_values(image, eps=1e-6):
    right, below = _differences(image)
    return (right.abs() + below.abs() + eps).mean()


def isotropic_without_root(image, eps=1e-6):
    right, below = _differences(image)
    return (right**2 + below**2 + eps).mean()


def isotropic_with_eps_outside_the_root(image, eps=1e-6):
    right, below = _differences(image)
    return ((right**2 + below**2).sqrt() + eps).mean()


def colors_by_plain_means(result, photo):
    return (photo + result.mean(1, keepdim=True) - photo.mean(1, keepdim=True)).clamp(0, 1)


def colors_exchanged(result, photo):
    luminance_photo = (LUMINANCE * photo).sum(1, keepdim=True)
    luminance_result = (LUMINANCE * result).sum(1, keepdim=True)
    return (result + luminance_photo - luminance_result).clamp(0, 1)


def colors_not_clipped(result, photo):
    return photo + (LUMINANCE * (result - photo)).sum(1, keepdim=True)


def alarm_misses_nan(losses, patience=3):
    above = 0
    for place, loss in enumerate(losses):
        above = above + 1 if loss > losses[0] else 0
        if loss == float("inf") or above == patience:
            return place
    return None


def alarm_without_reset(losses, patience=3):
    above = 0
    for place, loss in enumerate(losses):
        above += loss > losses[0]
        if not loss < float("inf") or above == patience:
            return place
    return None


def alarm_on_rises(losses, patience=3):
    rises = 0
    for place in range(1, len(losses)):
        rises = rises + 1 if losses[place] > losses[place - 1] else 0
        if not losses[place] < float("inf") or rises == patience:
            return place
    return None


MISTAKES = {
    "isotropic": [
        isotropic_from_absolute_values,
        isotropic_without_root,
        isotropic_with_eps_outside_the_root,
    ],
    "keep_colors": [colors_by_plain_means, colors_exchanged, colors_not_clipped],
    "alarm": [alarm_misses_nan, alarm_without_reset, alarm_on_rises],
}
