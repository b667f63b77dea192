"""Common wrong answers to the exercises of lesson 12. Each gets a hint of its own."""

import torch

import helpers as nst

# ------------------------------------------------------------------------------ adain


def _adain(features, like, *, axes=(2, 3), correction=0, power=1, add=True, take=True, own=True):
    """AdaIN with one thing wrong for each keyword."""
    mean = features.mean(axes, keepdim=True)
    spread = features.std(axes, keepdim=True, correction=correction).clamp(min=1e-5)
    mean_like = like.mean(axes, keepdim=True)
    spread_like = like.std(axes, keepdim=True, correction=correction)
    result = features - mean if take else features
    if own:
        result = result / spread**power
    result = result * spread_like**power
    return result + mean_like if add else result


def adain_with_one_less(features, like):
    return _adain(features, like, correction=1)


def adain_of_the_batch(features, like):
    return _adain(features, like, axes=(0, 2, 3))


def adain_of_all_channels(features, like):
    return _adain(features, like, axes=(1, 2, 3))


def adain_by_variance(features, like):
    return _adain(features, like, power=2)


def adain_without_new_mean(features, like):
    return _adain(features, like, add=False)


def adain_without_centering(features, like):
    return _adain(features, like, take=False)


def adain_without_own_spread(features, like):
    return _adain(features, like, own=False)


def adain_of_means_only(features, like):
    return features - features.mean((2, 3), keepdim=True) + like.mean((2, 3), keepdim=True)


def adain_with_roles_exchanged(features, like):
    return nst.adain(like, features)


def adain_that_cuts(features, like):
    return nst.adain(features, like).clamp(min=0)


def adain_that_divides_by_zero(features, like):
    mean = features.mean((2, 3), keepdim=True)
    spread = features.std((2, 3), keepdim=True, correction=0)
    spread_like = like.std((2, 3), keepdim=True, correction=0)
    return (features - mean) / spread * spread_like + like.mean((2, 3), keepdim=True)


def adain_with_zeros_for_a_flat_channel(features, like):
    return torch.nan_to_num(adain_that_divides_by_zero(features, like))


def adain_without_keepdim(features, like):
    return (features - features.mean((2, 3))) / features.std((2, 3)) + like.mean((2, 3))


def adain_in_place(features, like):
    result = nst.adain(features, like)
    features -= features.mean((2, 3), keepdim=True)
    return result


def adain_without_return(features, like):
    nst.adain(features, like)


# ------------------------------------------------------------------------------ instance_norm


def _norm(x, weight, bias, *, axes=(2, 3), correction=0, tiny=1e-5, scale=True, shift=True):
    """Instance normalization with one thing wrong for each keyword."""
    mean = x.mean(axes, keepdim=True)
    variance = x.var(axes, keepdim=True, correction=correction)
    result = (x - mean) / (variance + tiny).sqrt()
    if scale:
        result = result * weight.view(1, -1, 1, 1)
    if shift:
        result = result + bias.view(1, -1, 1, 1)
    return result


def norm_alone(x, weight, bias):
    return _norm(x, weight, bias, scale=False, shift=False)


def norm_without_bias(x, weight, bias):
    return _norm(x, weight, bias, shift=False)


def norm_without_weight(x, weight, bias):
    return _norm(x, weight, bias, scale=False)


def norm_with_bias_first(x, weight, bias):
    return (_norm(x, weight, bias, scale=False)) * weight.view(1, -1, 1, 1)


def norm_of_the_batch(x, weight, bias):
    return _norm(x, weight, bias, axes=(0, 2, 3))


def norm_of_all_channels(x, weight, bias):
    return _norm(x, weight, bias, axes=(1, 2, 3))


def norm_with_one_less(x, weight, bias):
    return _norm(x, weight, bias, correction=1)


def norm_without_the_tiny_number(x, weight, bias):
    return _norm(x, weight, bias, tiny=0)


def norm_with_the_tiny_number_outside(x, weight, bias):
    centered = x - x.mean((2, 3), keepdim=True)
    spread = x.var((2, 3), keepdim=True, correction=0).sqrt() + 1e-5
    return centered / spread * weight.view(1, -1, 1, 1) + bias.view(1, -1, 1, 1)


def norm_without_root(x, weight, bias):
    centered = x - x.mean((2, 3), keepdim=True)
    variance = x.var((2, 3), keepdim=True, correction=0) + 1e-5
    return centered / variance * weight.view(1, -1, 1, 1) + bias.view(1, -1, 1, 1)


def norm_with_the_weight_at_the_last_axis(x, weight, bias):
    return _norm(x, weight, bias, scale=False, shift=False) * weight + bias


# ------------------------------------------------------------------------------ between


def between_paintings_mixed_first(features, one, other, share):
    return nst.adain(features, (1 - share) * one + share * other)


def between_exchanged(features, one, other, share):
    return share * nst.adain(features, one) + (1 - share) * nst.adain(features, other)


def between_in_halves(features, one, other, share):
    return 0.5 * nst.adain(features, one) + 0.5 * nst.adain(features, other)


def between_more_than_one(features, one, other, share):
    return nst.adain(features, one) + share * nst.adain(features, other)


def between_one_after_another(features, one, other, share):
    return nst.adain(nst.adain(features, one), other)


def between_unmatched(features, one, other, share):
    return (1 - share) * features + share * nst.adain(features, other)


def between_without_the_other(features, one, other, share):
    return (1 - share) * features + share * nst.adain(features, one)


def between_either(features, one, other, share):
    return nst.adain(features, other if share > 0.5 else one)


def between_squared(features, one, other, share):
    return (1 - share) ** 2 * nst.adain(features, one) + share**2 * nst.adain(features, other)


MISTAKES = {
    "adain": [
        adain_with_one_less,
        adain_of_the_batch,
        adain_of_all_channels,
        adain_by_variance,
        adain_without_new_mean,
        adain_without_centering,
        adain_without_own_spread,
        adain_of_means_only,
        adain_with_roles_exchanged,
        adain_that_cuts,
        adain_that_divides_by_zero,
        adain_with_zeros_for_a_flat_channel,
        adain_without_keepdim,
        adain_in_place,
        adain_without_return,
    ],
    "instance_norm": [
        norm_alone,
        norm_without_bias,
        norm_without_weight,
        norm_with_bias_first,
        norm_of_the_batch,
        norm_of_all_channels,
        norm_with_one_less,
        norm_without_the_tiny_number,
        norm_with_the_tiny_number_outside,
        norm_without_root,
        norm_with_the_weight_at_the_last_axis,
    ],
    "between": [
        between_paintings_mixed_first,
        between_exchanged,
        between_in_halves,
        between_more_than_one,
        between_one_after_another,
        between_unmatched,
        between_without_the_other,
        between_either,
        between_squared,
    ],
}
