"""Common wrong answers to the exercises of lesson 01. Each gets a hint of its own."""

import torch
from torch.nn import functional as F

CAFFE_MEAN = torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)  # blue, green, red


def paper_without_alpha(layer, color):
    return layer[:3][None]


def paper_is_black(layer, color):
    return (layer[:3] * layer[3:])[None]


def paper_without_batch_axis(layer, color):
    alpha = layer[3:]
    return alpha * layer[:3] + (1 - alpha) * color.view(3, 1, 1)


def crop_by_resizing(image, ratio):
    height, width = image.shape[-2:]
    new_height = min(height, round(width / ratio))
    new_width = min(width, round(height * ratio))
    return F.interpolate(image, (new_height, new_width), mode="bilinear")


def crop_to_height_by_width(image, ratio):
    height, width = image.shape[-2:]
    new_height = min(height, round(width * ratio))
    new_width = min(width, round(height / ratio))
    top = (height - new_height) // 2
    left = (width - new_width) // 2
    return image[:, :, top : top + new_height, left : left + new_width]


def crop_from_the_corner(image, ratio):
    height, width = image.shape[-2:]
    new_height = min(height, round(width / ratio))
    new_width = min(width, round(height * ratio))
    return image[:, :, :new_height, :new_width]


def caffe_in_rgb_order(image):
    return 255 * image - CAFFE_MEAN


def caffe_from_0_to_1(image):
    return image.flip(1) - CAFFE_MEAN


def caffe_with_reversed_mean(image):
    return (255 * image - CAFFE_MEAN).flip(1)


MISTAKES = {
    "on_paper": [paper_without_alpha, paper_is_black, paper_without_batch_axis],
    "crop_to_ratio": [crop_by_resizing, crop_to_height_by_width, crop_from_the_corner],
    "to_caffe": [caffe_in_rgb_order, caffe_from_0_to_1, caffe_with_reversed_mean],
}
