"""Common wrong answers to the exercises of lesson 04. Each gets a hint of its own."""

import torch

import helpers as nst


def gram_of_all_pairs(table):
    channels, positions = table.shape
    gram = torch.zeros(channels, channels)
    for k in range(positions):
        for m in range(positions):
            for i in range(channels):
                for j in range(channels):
                    gram[i, j] += table[i, k] * table[j, m] / positions**2
    return gram


def gram_as_a_sum(table):
    channels, positions = table.shape
    gram = torch.zeros(channels, channels)
    for i in range(channels):
        for j in range(channels):
            for k in range(positions):
                gram[i, j] += table[i, k] * table[j, k]
    return gram


def gram_over_channels(table):
    return gram_as_a_sum(table) / table.shape[0]


def gram_of_positions(table):
    return gram_as_a_sum(table.T) / table.shape[1]


def gram_of_the_upper_half(table):
    channels, positions = table.shape
    gram = torch.zeros(channels, channels)
    for i in range(channels):
        for j in range(i, channels):
            for k in range(positions):
                gram[i, j] += table[i, k] * table[j, k] / positions
    return gram


def gram_of_two_by_three(table):
    gram = torch.zeros(table.shape[0], table.shape[0])
    for i in range(2):
        for j in range(2):
            for k in range(3):
                gram[i, j] += table[i, k % table.shape[1]] * table[j, k % table.shape[1]] / 3
    return gram


def gram_as_lists(table):
    return (gram_as_a_sum(table) / table.shape[1]).tolist()


def gram_without_return(table):
    gram_as_a_sum(table)


def gram_as_a_product(table):
    return table @ table.T / table.shape[1]


def gram_by_einsum(table):
    return torch.einsum("ik,jk->ij", table, table) / table.shape[1]


def gram_that_scales_its_table(table):
    gram = gram_as_a_sum(table) / table.shape[1]
    table /= table.shape[1]
    return gram


def covariance_not_centered(features):
    return nst.gram_matrix(features)


def covariance_centered_over_channels(features):
    return nst.gram_matrix(features - features.mean(1, keepdim=True))


def covariance_divided_by_one_less(features):
    return torch.stack([torch.cov(one.flatten(1)) for one in features])


def covariance_as_a_sum(features):
    flat = (features - features.mean((2, 3), keepdim=True)).flatten(2)
    return flat @ flat.transpose(1, 2)


def covariance_with_means_of_the_batch(features):
    return nst.gram_matrix(features - features.mean((0, 2, 3), keepdim=True))


def covariance_over_the_width(features):
    return nst.gram_matrix(features - features.mean(3, keepdim=True))


def covariance_divided_twice(features):
    mu = features.mean((2, 3))
    positions = features.shape[2] * features.shape[3]
    return nst.gram_matrix(features) / positions - mu[:, :, None] * mu[:, None, :]


def covariance_written_into_the_features(features):
    features -= features.mean((2, 3), keepdim=True)
    return nst.gram_matrix(features)


def covariance_of_the_first_picture(features):
    return torch.cov(features[0].flatten(1), correction=0)


def shifted_by_roll(features, right):
    here = features.flatten(2)
    there = features.roll(-right, 3).flatten(2)
    return here @ there.transpose(1, 2) / here.shape[2]


def shifted_over_all_positions(features, right):
    height, width = features.shape[2:]
    here = features[..., : width - right].flatten(2)
    there = features[..., right:].flatten(2)
    return here @ there.transpose(1, 2) / (height * width)


def shifted_with_channels_exchanged(features, right):
    width = features.shape[3] - right
    here = features[..., :width].flatten(2)
    there = features[..., right:].flatten(2)
    return there @ here.transpose(1, 2) / here.shape[2]


def shifted_by_minus_right(features, right):
    here = features[..., :-right].flatten(2)
    there = features[..., right:].flatten(2)
    return here @ there.transpose(1, 2) / here.shape[2]


def shifted_by_one_always(features, right):
    return shifted_by_minus_right(features, 1)


def shifted_down(features, right):
    if features.shape[2] == 1:
        return shifted_by_minus_right(features, right)
    here = features[:, :, :-right].flatten(2)
    there = features[:, :, right:].flatten(2)
    return here @ there.transpose(1, 2) / here.shape[2]


def shifted_after_flattening(features, right):
    flat = features.flatten(2)
    here = flat[..., : flat.shape[2] - right]
    return here @ flat[..., right:].transpose(1, 2) / here.shape[2]


def shifted_without_height(features, right):
    width = features.shape[3] - right
    here = features[..., :width].flatten(2)
    there = features[..., right:].flatten(2)
    return here @ there.transpose(1, 2) / width


def shifted_not_at_all(features, right):
    return nst.gram_matrix(features)


MISTAKES = {
    "gram_by_loops": [
        gram_of_all_pairs,
        gram_as_a_sum,
        gram_over_channels,
        gram_of_positions,
        gram_of_the_upper_half,
        gram_of_two_by_three,
        gram_as_lists,
        gram_without_return,
        gram_as_a_product,
        gram_by_einsum,
        gram_that_scales_its_table,
    ],
    "covariance_of_features": [
        covariance_not_centered,
        covariance_centered_over_channels,
        covariance_divided_by_one_less,
        covariance_as_a_sum,
        covariance_with_means_of_the_batch,
        covariance_over_the_width,
        covariance_divided_twice,
        covariance_written_into_the_features,
        covariance_of_the_first_picture,
    ],
    "shifted_gram": [
        shifted_by_roll,
        shifted_over_all_positions,
        shifted_with_channels_exchanged,
        shifted_by_minus_right,
        shifted_by_one_always,
        shifted_down,
        shifted_after_flattening,
        shifted_without_height,
        shifted_not_at_all,
    ],
}
