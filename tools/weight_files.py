"""How the training programs write the weights that they end with."""

import io

import torch
from torch import Tensor

from style_transfer.files import write_atomic


def write_weights(state: dict[str, Tensor], path) -> None:
    """Writes weights as float16 to a file NAME.pt; the same weights always give the same bytes.

    torch.save puts the name of its file into the file, so the bytes are made in memory first.
    Tensors of whole numbers stay as they are. Raises: ValueError for another suffix than .pt.
    """
    stored = {}
    for name, tensor in state.items():
        stored[name] = (tensor.half() if tensor.is_floating_point() else tensor).cpu().contiguous()
    data = io.BytesIO()
    torch.save(stored, data)
    write_atomic(path, (".pt",), lambda part: part.write_bytes(data.getvalue()))
