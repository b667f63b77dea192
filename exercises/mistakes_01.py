"""Common wrong answers to the exercises of lesson 01. Each gets a hint of its own."""

import math

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn import functional as F

CAFFE_MEAN = torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)  # blue, green, red

# ------------------------------------------------------------------------------ loader


def on_paper(picture, paper):
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, paper), layer)
    return picture.convert("RGB")


def opened(path, paper):
    return on_paper(ImageOps.exif_transpose(Image.open(path)), paper)


def shrunk(picture, size, whole=round, filter=Image.Resampling.LANCZOS):
    factor = size / max(picture.size)
    if factor >= 1:
        return picture
    width = max(1, whole(picture.width * factor))
    height = max(1, whole(picture.height * factor))
    return picture.resize((width, height), filter)


def tensor(picture):
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float() / 255


def load_lying(path, size, paper):
    return tensor(shrunk(on_paper(Image.open(path), paper), size))


def load_without_paper(path, size, paper):
    return tensor(shrunk(ImageOps.exif_transpose(Image.open(path)).convert("RGB"), size))


def load_on_white(path, size, paper):
    return tensor(shrunk(opened(path, "white"), size))


def load_rgba_only(path, size, paper):
    picture = ImageOps.exif_transpose(Image.open(path))
    if picture.mode == "RGBA":
        picture = on_paper(picture, paper)
    return tensor(shrunk(picture.convert("RGB"), size))


def load_reduced_before_paper(path, size, paper):
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    return tensor(on_paper(shrunk(picture, size), paper))


def load_not_converted(path, size, paper):
    picture = ImageOps.exif_transpose(Image.open(path))
    if picture.has_transparency_data:
        picture = on_paper(picture, paper)
    return tensor(shrunk(picture, size))


def load_rounding_down(path, size, paper):
    return tensor(shrunk(opened(path, paper), size, whole=int))


def load_enlarged(path, size, paper):
    picture = opened(path, paper)
    factor = size / max(picture.size)
    sides = (round(picture.width * factor), round(picture.height * factor))
    return tensor(picture.resize(sides, Image.Resampling.LANCZOS))


def load_square(path, size, paper):
    picture = opened(path, paper)
    if max(picture.size) > size:
        picture = picture.resize((size, size), Image.Resampling.LANCZOS)
    return tensor(picture)


def load_bicubic(path, size, paper):
    return tensor(shrunk(opened(path, paper), size, filter=Image.Resampling.BICUBIC))


def load_without_batch_axis(path, size, paper):
    return tensor(shrunk(opened(path, paper), size))[0]


def load_channels_last(path, size, paper):
    return tensor(shrunk(opened(path, paper), size)).permute(0, 2, 3, 1)


def load_reshaped(path, size, paper):
    pixels = torch.from_numpy(np.array(shrunk(opened(path, paper), size)))
    return pixels.reshape(1, 3, *pixels.shape[:2]).float() / 255


def load_over_256(path, size, paper):
    return tensor(shrunk(opened(path, paper), size)) * 255 / 256


def load_not_divided(path, size, paper):
    return tensor(shrunk(opened(path, paper), size)) * 255


def load_blue_first(path, size, paper):
    return tensor(shrunk(opened(path, paper), size)).flip(1)


def load_bytes(path, size, paper):
    return torch.from_numpy(np.array(shrunk(opened(path, paper), size))).permute(2, 0, 1)[None]


def load_array(path, size, paper):
    return np.array(shrunk(opened(path, paper), size)).transpose(2, 0, 1)[None] / 255


def load_without_return(path, size, paper):
    tensor(shrunk(opened(path, paper), size))


# ------------------------------------------------------------------------------ crop


def crop(image, ratio, whole=round, place=lambda rest: rest // 2):
    height, width = image.shape[-2:]
    new_height = min(height, whole(width / ratio))
    new_width = min(width, whole(height * ratio))
    top = place(height - new_height)
    left = place(width - new_width)
    return image[:, :, top : top + new_height, left : left + new_width]


def crop_by_resizing(image, ratio):
    return F.interpolate(image, crop(image, ratio).shape[2:], mode="bilinear")


def crop_to_height_by_width(image, ratio):
    return crop(image, 1 / ratio)


def crop_from_the_corner(image, ratio):
    return crop(image, ratio, place=lambda rest: 0)


def crop_rounding_down(image, ratio):
    return crop(image, ratio, whole=int)


def crop_rounding_up(image, ratio):
    return crop(image, ratio, whole=math.ceil)


def crop_larger_margin_first(image, ratio):
    return crop(image, ratio, place=lambda rest: (rest + 1) // 2)


def crop_only_the_width(image, ratio):
    width = image.shape[3]
    new_width = min(width, round(image.shape[2] * ratio))
    left = (width - new_width) // 2
    return image[:, :, :, left : left + new_width]


def crop_by_the_ratio_alone(image, ratio):
    height, width = image.shape[-2:]
    new_height = round(width / ratio) if ratio > 1 else height
    new_width = width if ratio > 1 else round(height * ratio)
    top = max(0, (height - new_height) // 2)
    left = max(0, (width - new_width) // 2)
    return image[:, :, top : top + new_height, left : left + new_width]


def crop_without_batch_axis(image, ratio):
    return crop(image, ratio)[0]


def crop_at_the_end(image, ratio):
    return crop(image, ratio, place=lambda rest: rest)


# ------------------------------------------------------------------------------ Caffe


def caffe_in_rgb_order(image):
    return 255 * image - CAFFE_MEAN


def caffe_from_0_to_1(image):
    return image.flip(1) - CAFFE_MEAN


def caffe_with_reversed_mean(image):
    return (255 * image - CAFFE_MEAN).flip(1)


def caffe_with_columns_reversed(image):
    return 255 * image.flip(3) - CAFFE_MEAN


def caffe_with_a_mean_per_column(image):
    return 255 * image.flip(1) - CAFFE_MEAN.flatten()


def caffe_rounded(image):
    return (255 * image.flip(1)).round() - CAFFE_MEAN


def caffe_as_bytes(image):
    return (255 * image.flip(1)).byte() - CAFFE_MEAN


def caffe_in_place(image):
    image *= 255
    return image.flip(1) - CAFFE_MEAN


def caffe_divided(image):
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    return (255 * image.flip(1) - CAFFE_MEAN) / std


def caffe_without_mean(image):
    return 255 * image.flip(1)


def caffe_scaled_mean(image):
    return 255 * (image.flip(1) - CAFFE_MEAN)


def caffe_without_return(image):
    image.flip(1)


MISTAKES = {
    "loader": [
        load_lying,
        load_without_paper,
        load_on_white,
        load_rgba_only,
        load_reduced_before_paper,
        load_not_converted,
        load_rounding_down,
        load_enlarged,
        load_square,
        load_bicubic,
        load_without_batch_axis,
        load_channels_last,
        load_reshaped,
        load_over_256,
        load_not_divided,
        load_blue_first,
        load_bytes,
        load_array,
        load_without_return,
    ],
    "crop_to_ratio": [
        crop_by_resizing,
        crop_to_height_by_width,
        crop_from_the_corner,
        crop_rounding_down,
        crop_rounding_up,
        crop_larger_margin_first,
        crop_only_the_width,
        crop_by_the_ratio_alone,
        crop_without_batch_axis,
        crop_at_the_end,
    ],
    "to_caffe": [
        caffe_in_rgb_order,
        caffe_from_0_to_1,
        caffe_with_reversed_mean,
        caffe_with_columns_reversed,
        caffe_with_a_mean_per_column,
        caffe_rounded,
        caffe_as_bytes,
        caffe_in_place,
        caffe_divided,
        caffe_without_mean,
        caffe_scaled_mean,
        caffe_without_return,
    ],
}
