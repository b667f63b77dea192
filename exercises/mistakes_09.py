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


def isotropic_as_a_sum(image, eps=1e-6):
    right, below = _differences(image)
    return (right**2 + below**2 + eps).sqrt().sum()


def isotropic_with_channels_under_one_root(image, eps=1e-6):
    right, below = _differences(image)
    return ((right**2 + below**2).sum(1) + eps).sqrt().mean()


def isotropic_with_eps_as_a_limit(image, eps=1e-6):
    right, below = _differences(image)
    return (right**2 + below**2).clamp(min=eps).sqrt().mean()


def isotropic_with_its_own_eps(image, eps=1e-6):
    right, below = _differences(image)
    return (right**2 + below**2 + 1e-6).sqrt().mean()


def isotropic_of_different_pixels(image, eps=1e-6):
    right = image[..., 1:, 1:] - image[..., 1:, :-1]
    below = image[..., 1:, :-1] - image[..., :-1, :-1]
    return (right**2 + below**2 + eps).sqrt().mean()


def isotropic_as_a_plain_number(image, eps=1e-6):
    right, below = _differences(image)
    return (right**2 + below**2 + eps).sqrt().mean().item()


def isotropic_divided_by_one_picture(image, eps=1e-6):
    right, below = _differences(image)
    lengths = (right**2 + below**2 + eps).sqrt()
    return lengths.sum() / lengths[0].numel()


def isotropic_of_the_first_picture(image, eps=1e-6):
    right, below = _differences(image[:1])
    return (right**2 + below**2 + eps).sqrt().mean()


def isotropic_without_return(image, eps=1e-6):
    _differences(image)


def _luminance(image):
    return (LUMINANCE * image).sum(1, keepdim=True)


def colors_by_plain_means(result, photo):
    return (photo + result.mean(1, keepdim=True) - photo.mean(1, keepdim=True)).clamp(0, 1)


def colors_exchanged(result, photo):
    return (result + _luminance(photo) - _luminance(result)).clamp(0, 1)


def colors_not_clipped(result, photo):
    return photo + _luminance(result) - _luminance(photo)


def colors_clipped_above_only(result, photo):
    return (photo + _luminance(result) - _luminance(photo)).clamp(max=1)


def colors_with_the_result_itself(result, photo):
    return (photo + result - _luminance(photo)).clamp(0, 1)


def colors_with_a_plain_mean_of_the_result(result, photo):
    return (photo + result.mean(1, keepdim=True) - _luminance(photo)).clamp(0, 1)


def colors_with_the_red_channel(result, photo):
    return (photo + result[:, :1] - _luminance(photo)).clamp(0, 1)


def colors_with_one_luminance_for_all(result, photo):
    mean = _luminance(result).mean((2, 3), keepdim=True)
    return (photo + mean - _luminance(photo)).clamp(0, 1)


def colors_in_the_order_of_bgr(result, photo):
    factors = LUMINANCE.flip(1)
    return (photo + (factors * (result - photo)).sum(1, keepdim=True)).clamp(0, 1)


def colors_by_a_ratio(result, photo):
    return (photo * _luminance(result) / _luminance(photo)).clamp(0, 1)


def colors_written_into_the_photo(result, photo):
    photo += _luminance(result) - _luminance(photo)
    return photo.clamp_(0, 1)


def colors_without_the_axis(result, photo):
    luminance = (LUMINANCE * (result - photo)).sum(1, keepdim=True)
    return (photo + luminance).clamp(0, 1).squeeze(0)


def colors_by_a_sum_without_the_axis(result, photo):
    return (photo + (LUMINANCE * (result - photo)).sum(1)).clamp(0, 1)


def colors_with_the_wrong_sign(result, photo):
    return (photo - _luminance(result) + _luminance(photo)).clamp(0, 1)


def colors_left_out(result, photo):
    return _luminance(result).expand_as(photo)


def colors_without_the_sum(result, photo):
    return (photo + LUMINANCE * (result - photo)).clamp(0, 1)


def colors_with_one_difference_for_all(result, photo):
    difference = _luminance(result) - _luminance(photo)
    return (photo + difference.mean((2, 3), keepdim=True)).clamp(0, 1)


def colors_with_the_mean_of_the_batch(result, photo):
    difference = _luminance(result) - _luminance(photo)
    return (photo + difference.mean(0, keepdim=True)).clamp(0, 1)


def colors_with_a_clipped_difference(result, photo):
    return (photo + (_luminance(result) - _luminance(photo)).clamp(0, 1)).clamp(0, 1)


MISTAKES = {
    "isotropic": [
        isotropic_from_absolute_values,
        isotropic_without_root,
        isotropic_with_eps_outside_the_root,
        isotropic_as_a_sum,
        isotropic_with_channels_under_one_root,
        isotropic_with_eps_as_a_limit,
        isotropic_with_its_own_eps,
        isotropic_of_different_pixels,
        isotropic_as_a_plain_number,
        isotropic_divided_by_one_picture,
        isotropic_of_the_first_picture,
        isotropic_without_return,
    ],
    "keep_colors": [
        colors_by_plain_means,
        colors_exchanged,
        colors_not_clipped,
        colors_clipped_above_only,
        colors_with_the_result_itself,
        colors_with_a_plain_mean_of_the_result,
        colors_with_the_red_channel,
        colors_with_one_luminance_for_all,
        colors_in_the_order_of_bgr,
        colors_by_a_ratio,
        colors_written_into_the_photo,
        colors_without_the_axis,
        colors_by_a_sum_without_the_axis,
        colors_with_the_wrong_sign,
        colors_left_out,
        colors_without_the_sum,
        colors_with_one_difference_for_all,
        colors_with_the_mean_of_the_batch,
        colors_with_a_clipped_difference,
    ],
}
