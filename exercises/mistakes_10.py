"""Common wrong answers to the exercises of lesson 10. Each gets a hint of its own."""

import torch
from torch.nn import functional as F


def weighted_sums(features, masks):
    return torch.einsum("ryx,iyx,jyx->rij", masks, features[0], features[0])


def per_mask(masks):
    return masks.sum((1, 2)).view(-1, 1, 1)


def guided_over_all_positions(features, masks):
    return weighted_sums(features, masks) / masks[0].numel()


def guided_as_a_sum(features, masks):
    return weighted_sums(features, masks)


def guided_without_a_mask(features, masks):
    return weighted_sums(features, torch.ones_like(masks)) / masks[0].numel()


def guided_outside(features, masks):
    return weighted_sums(features, 1 - masks) / per_mask(1 - masks)


def guided_by_the_mask_twice(features, masks):
    return weighted_sums(features, masks**2) / per_mask(masks)


def guided_by_the_square(features, masks):
    return weighted_sums(features, masks**2) / per_mask(masks**2)


def guided_by_a_hard_mask(features, masks):
    hard = (masks > 0).float()
    return weighted_sums(features, hard) / per_mask(hard)


def guided_by_one_root(features, masks):
    return weighted_sums(features, masks.sqrt()) / per_mask(masks)


def guided_with_one_divisor(features, masks):
    return weighted_sums(features, masks) / masks.sum()


def guided_by_the_first_mask(features, masks):
    return (weighted_sums(features, masks) / per_mask(masks))[0]


def guided_in_the_first_row(features, masks):
    rows = weighted_sums(features[:, :, :1], masks[:, :1])
    return rows / per_mask(masks[:, :1])


def guided_in_place(features, masks):
    masks /= per_mask(masks)
    return weighted_sums(features, masks)


def guided_without_return(features, masks):
    weighted_sums(features, masks)


def guided_as_a_list(features, masks):
    return list(weighted_sums(features, masks) / per_mask(masks))


# ------------------------------------------------------------------------------ exercise 2


def block_side(layer):
    return 2 ** (int(layer[4]) - 1)


def carried_by_a_slice(mask, layer):
    side = block_side(layer)
    return mask[..., ::side, ::side]


def carried_by_max_pooling(mask, layer):
    return F.max_pool2d(mask, block_side(layer))


def carried_as_sums(mask, layer):
    side = block_side(layer)
    return F.avg_pool2d(mask, side) * side**2


def carried_and_rounded(mask, layer):
    return (F.avg_pool2d(mask, block_side(layer)) > 0.5).float()


def carried_bilinearly(mask, layer):
    if block_side(layer) == 1:
        return mask
    return F.interpolate(mask, scale_factor=1 / block_side(layer), mode="bilinear")


def carried_and_inverted(mask, layer):
    if block_side(layer) == 1:
        return mask
    return 1 - F.avg_pool2d(mask, block_side(layer))


def carried_one_too_far(mask, layer):
    return F.avg_pool2d(mask, 2 * block_side(layer))


def carried_not_far_enough(mask, layer):
    return F.avg_pool2d(mask, max(1, block_side(layer) // 2))


def carried_to_block_3(mask, layer):
    return F.avg_pool2d(mask, 4)


def not_carried(mask, layer):
    return mask


def carried_without_return(mask, layer):
    F.avg_pool2d(mask, block_side(layer))


# ------------------------------------------------------------------------------ exercise 3


def mixed_by(grams, shares, divisor):
    mixed = {}
    for one, share in zip(grams, shares, strict=True):
        for layer, gram in one.items():
            mixed[layer] = mixed.get(layer, 0) + share / divisor(layer) * gram
    return mixed


def mixed_without_a_divisor(grams, shares):
    return mixed_by(grams, shares, lambda layer: 1)


def mixed_equally(grams, shares):
    return {
        layer: sum(one[layer] for one in grams if layer in one) / sum(layer in one for one in grams)
        for layer in {name for one in grams for name in one}
    }


def mixed_in_reverse(grams, shares):
    return mixed_rightly(grams, shares[::-1])


def mixed_rightly(grams, shares):
    def divisor(layer):
        return sum(share for one, share in zip(grams, shares, strict=True) if layer in one)

    return mixed_by(grams, shares, divisor)


def mixed_by_the_winner(grams, shares):
    return grams[shares.index(max(shares))]


def mixed_and_halved(grams, shares):
    return {layer: gram / len(grams) for layer, gram in mixed_rightly(grams, shares).items()}


def mixed_by_all_shares(grams, shares):
    return mixed_by(grams, shares, lambda layer: sum(shares))


def mixed_where_all_serve(grams, shares):
    common = set.intersection(*(set(one) for one in grams))
    return {layer: gram for layer, gram in mixed_rightly(grams, shares).items() if layer in common}


def mixed_with_a_missing_key(grams, shares):
    total = sum(shares)
    return {
        layer: sum(share / total * one[layer] for one, share in zip(grams, shares, strict=True))
        for layer in {name for one in grams for name in one}
    }


def mixed_as_a_list(grams, shares):
    return list(mixed_rightly(grams, shares).values())


def mixed_in_place(grams, shares):
    for one, share in zip(grams, shares, strict=True):
        for layer in one:
            one[layer] *= share
    return mixed_rightly(grams, shares)


def mixed_from_two(grams, shares):
    return mixed_rightly(grams[:2], shares[:2])


MISTAKES = {
    "guided_grams": [
        guided_over_all_positions,
        guided_as_a_sum,
        guided_without_a_mask,
        guided_outside,
        guided_by_the_mask_twice,
        guided_by_the_square,
        guided_by_a_hard_mask,
        guided_by_one_root,
        guided_with_one_divisor,
        guided_by_the_first_mask,
        guided_in_the_first_row,
        guided_in_place,
        guided_without_return,
        guided_as_a_list,
    ],
    "carry_to_layer": [
        carried_by_a_slice,
        carried_by_max_pooling,
        carried_as_sums,
        carried_and_rounded,
        carried_bilinearly,
        carried_and_inverted,
        carried_one_too_far,
        carried_not_far_enough,
        carried_to_block_3,
        not_carried,
        carried_without_return,
    ],
    "mix": [
        mixed_without_a_divisor,
        mixed_equally,
        mixed_in_reverse,
        mixed_by_the_winner,
        mixed_and_halved,
        mixed_by_all_shares,
        mixed_where_all_serve,
        mixed_with_a_missing_key,
        mixed_as_a_list,
        mixed_in_place,
        mixed_from_two,
    ],
}
