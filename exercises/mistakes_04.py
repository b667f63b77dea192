"""Common wrong answers to the exercises of lesson 04. Each gets a hint of its own."""

import torch


def gram_of_all_pairs(table):
    channels, positions = table.shape
    gram = torch.zeros(channels, channels)
    for k in range(positions):
        for m in range(positions):
            gram += torch.outer(table[:, k], table[:, m]) / positions**2
    return gram


def gram_as_a_sum(table):
    channels, positions = table.shape
    gram = torch.zeros(channels, channels)
    for k in range(positions):
        gram += torch.outer(table[:, k], table[:, k])
    return gram


def gram_of_positions(table):
    channels, positions = table.shape
    gram = torch.zeros(positions, positions)
    for c in range(channels):
        gram += torch.outer(table[c], table[c]) / positions
    return gram


def covariance_not_centered(features):
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def covariance_centered_over_channels(features):
    flat = (features - features.mean(1, keepdim=True)).flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def covariance_divided_by_one_less(features):
    return torch.stack([torch.cov(one.flatten(1)) for one in features])


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


MISTAKES = {
    "gram_by_loops": [gram_of_all_pairs, gram_as_a_sum, gram_of_positions],
    "covariance_of_features": [
        covariance_not_centered,
        covariance_centered_over_channels,
        covariance_divided_by_one_less,
    ],
    "shifted_gram": [shifted_by_roll, shifted_over_all_positions, shifted_with_channels_exchanged],
}
