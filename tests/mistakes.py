"""The commonest wrong attempts at each exercise. Each is refused by its check, with a hint of its own."""

MISTAKES = {
    # ---------------------------------------------------------------- 00_preview
    "share_of_a_term": [
        "def share(losses, term): return losses[term]",
        "def share(losses, term): return losses[term] / (sum(losses.values()) - losses[term])",
        "def share(losses, term):\n    total = sum(losses.values())\n    return losses[term] / total if total else float('nan')",
    ],
    "forecast_of_time": [
        "def forecast(s, a, n, b, m): return s * (b / a) * m / n",
        "def forecast(s, a, n, b, m): return s * (b / a) ** 2",
        "def forecast(s, a, n, b, m): return s * max(b / a, 1) ** 2 * m / n",
    ],
    # ---------------------------------------------------------------- 01_images
    "on_paper": [
        # alpha is not used: what was hidden shows
        """
def on_paper(layer, color):
    return layer[:3][None]
""",
        # on black: the paper's part is missing
        """
def on_paper(layer, color):
    return (layer[:3] * layer[3:])[None]
""",
        # no batch axis
        """
def on_paper(layer, color):
    alpha = layer[3:]
    return alpha * layer[:3] + (1 - alpha) * color.view(3, 1, 1)
""",
    ],
    "crop_to_ratio": [
        # squeezes instead of cutting
        """
def crop_to_ratio(image, ratio):
    height, width = image.shape[-2:]
    new_height, new_width = min(height, round(width / ratio)), min(width, round(height * ratio))
    return torch.nn.functional.interpolate(image, (new_height, new_width), mode="bilinear")
""",
        # height / width
        """
def crop_to_ratio(image, ratio):
    height, width = image.shape[-2:]
    new_height, new_width = min(height, round(width * ratio)), min(width, round(height / ratio))
    top, left = (height - new_height) // 2, (width - new_width) // 2
    return image[:, :, top:top + new_height, left:left + new_width]
""",
        # from the corner
        """
def crop_to_ratio(image, ratio):
    height, width = image.shape[-2:]
    return image[:, :, :min(height, round(width / ratio)), :min(width, round(height * ratio))]
""",
    ],
    "to_caffe": [
        # the order stays RGB
        """
def to_caffe(image):
    return 255 * image - torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
""",
        # the range stays 0 to 1
        """
def to_caffe(image):
    return image.flip(1) - torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
""",
        # the mean is turned round together with the channels
        """
def to_caffe(image):
    mean = torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1)
    return (255 * image - mean).flip(1)
""",
    ],
    # ---------------------------------------------------------------- 02_features
    "layer_names": [
        # counts blocks and places from 0
        """
def layer_names(features):
    names, block, place = [], 0, -1
    for layer in features:
        if isinstance(layer, torch.nn.Conv2d):
            place += 1
            names.append(f"conv{block}_{place}")
        elif isinstance(layer, torch.nn.ReLU):
            names.append(f"relu{block}_{place}")
        else:
            names.append(f"pool{block}")
            block, place = block + 1, -1
    return names
""",
        # the place goes on counting after a pooling
        """
def layer_names(features):
    names, block, place = [], 1, 0
    for layer in features:
        if isinstance(layer, torch.nn.Conv2d):
            place += 1
            names.append(f"conv{block}_{place}")
        elif isinstance(layer, torch.nn.ReLU):
            names.append(f"relu{block}_{place}")
        else:
            names.append(f"pool{block}")
            block += 1
    return names
""",
        # knows max pooling only
        """
def layer_names(features):
    names, block, place = [], 1, 0
    for layer in features:
        if isinstance(layer, torch.nn.Conv2d):
            place += 1
            names.append(f"conv{block}_{place}")
        elif isinstance(layer, torch.nn.ReLU):
            names.append(f"relu{block}_{place}")
        elif isinstance(layer, torch.nn.MaxPool2d):
            names.append(f"pool{block}")
            block, place = block + 1, 0
    return names
""",
    ],
    "receptive_field": [
        # forgets the jump
        """
def receptive_field(layers):
    return 1 + sum(kernel - 1 for kernel, stride in layers)
""",
        # lets the jump grow first
        """
def receptive_field(layers):
    field, jump = 1, 1
    for kernel, stride in layers:
        jump *= stride
        field += (kernel - 1) * jump
    return field
""",
        # adds whole kernels
        """
def receptive_field(layers):
    field, jump = 0, 1
    for kernel, stride in layers:
        field += kernel * jump
        jump *= stride
    return max(field, 1)
""",
    ],
    "safe_features": [
        # keeps the very tensor that the ReLU overwrites
        """
def safe_features(x, net, indices):
    features = {}
    for index, layer in enumerate(net[:max(indices) + 1]):
        x = layer(x)
        if index in indices:
            features[index] = x
    return features
""",
        # changes the network
        """
def safe_features(x, net, indices):
    for layer in net:
        if isinstance(layer, torch.nn.ReLU):
            layer.inplace = False
    features = {}
    for index, layer in enumerate(net):
        x = layer(x)
        if index in indices:
            features[index] = x
    return features
""",
        # the caller's tensor is written into
        """
def safe_features(x, net, indices):
    features = {}
    for index, layer in enumerate(net[:max(indices) + 1]):
        x = layer(x)
        if index in indices:
            features[index] = x.clone()
    return features
""",
    ],
    # ---------------------------------------------------------------- 03_content
    "content_gradient": [
        """
def content_gradient(response, target):  # forgets that the ReLU stops the gradient
    features = response.relu()
    return 2 / features.numel() * (features - target)
""",
        """
def content_gradient(response, target):  # the paper's half sum instead of the mean
    features = response.relu()
    return (features - target) * (features > 0)
""",
        """
def content_gradient(response, target):  # downhill
    features = response.relu()
    return 2 / features.numel() * (target - features) * (features > 0)
""",
    ],
    "loop_from_memory": [
        """
def reconstruct(start, objective, steps, lr):  # no zero_grad
    image = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    for _ in range(steps):
        sum(objective(image).values()).backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)
    return image.detach()
""",
        """
def reconstruct(start, objective, steps, lr):  # no clamp
    image = start.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    for _ in range(steps):
        loss = sum(objective(image).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return image.detach()
""",
        """
def reconstruct(start, objective, steps, lr):  # moves the caller's tensor
    image = start.requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=lr)
    for _ in range(steps):
        loss = sum(objective(image).values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)
    return image.detach()
""",
    ],
    "several_depths": [
        """
def several_depths(vgg, photo, layers):  # targets with a history
    targets = vgg(photo, layers)

    def objective(image):
        features = vgg(image, layers)
        return {layer: nst.content_loss(features[layer], targets[layer]) for layer in layers}

    return objective
""",
        """
def several_depths(vgg, photo, layers):  # targets computed anew at every step
    def objective(image):
        with torch.no_grad():
            targets = vgg(photo, layers)
        features = vgg(image, layers)
        return {layer: nst.content_loss(features[layer], targets[layer]) for layer in layers}

    return objective
""",
        """
def several_depths(vgg, photo, layers):  # one number instead of named terms
    with torch.no_grad():
        targets = vgg(photo, layers)

    def objective(image):
        features = vgg(image, layers)
        return sum(nst.content_loss(features[layer], targets[layer]) for layer in layers)

    return objective
""",
    ],
    # ---------------------------------------------------------------- 04_gram_matrices
    "gram_by_loops": [
        """
def gram_by_loops(table):  # all pairs of positions
    channels, positions = table.shape
    gram = torch.zeros(channels, channels)
    for k in range(positions):
        for m in range(positions):
            gram += torch.outer(table[:, k], table[:, m]) / positions**2
    return gram
""",
        """
def gram_by_loops(table):  # a sum
    channels, positions = table.shape
    gram = torch.zeros(channels, channels)
    for k in range(positions):
        gram += torch.outer(table[:, k], table[:, k])
    return gram
""",
        """
def gram_by_loops(table):  # positions by positions
    channels, positions = table.shape
    gram = torch.zeros(positions, positions)
    for c in range(channels):
        gram += torch.outer(table[c], table[c]) / positions
    return gram
""",
    ],
    "covariance_of_features": [
        """
def covariance_of_features(features):  # the means stay in
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]
""",
        """
def covariance_of_features(features):  # means over channels
    flat = (features - features.mean(1, keepdim=True)).flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]
""",
        """
def covariance_of_features(features):  # torch.cov divides by one less
    return torch.stack([torch.cov(one.flatten(1)) for one in features])
""",
    ],
    "shifted_gram": [
        """
def shifted_gram(features, right):  # roll wraps round
    here, there = features.flatten(2), features.roll(-right, 3).flatten(2)
    return here @ there.transpose(1, 2) / here.shape[2]
""",
        """
def shifted_gram(features, right):  # divides by all positions
    height, width = features.shape[2:]
    here, there = features[..., : width - right].flatten(2), features[..., right:].flatten(2)
    return here @ there.transpose(1, 2) / (height * width)
""",
        """
def shifted_gram(features, right):  # channels changed places
    width = features.shape[3] - right
    here, there = features[..., :width].flatten(2), features[..., right:].flatten(2)
    return there @ here.transpose(1, 2) / here.shape[2]
""",
    ],
    # ---------------------------------------------------------------- 05_losses
    "balancing_factor": [
        '''def balancing_factor(objective, image):
    terms = objective(image)
    return (terms["content"] / terms["style"]).item()
''',
        '''def balancing_factor(objective, image):
    image = image.detach().clone().requires_grad_(True)
    lengths = {name: torch.autograd.grad(objective(image)[name], image)[0].norm().item() for name in ("content", "style")}
    return lengths["style"] / lengths["content"]
''',
        '''def balancing_factor(objective, image):
    image = image.detach().clone().requires_grad_(True)
    squares = {name: torch.autograd.grad(objective(image)[name], image)[0].square().sum().item() for name in ("content", "style")}
    return squares["content"] / squares["style"]
''',
    ],
    "keras_factor": [
        '''def keras_factor(channels, positions, size):
    return (3 * size) ** 2 / (channels * positions) ** 2
''',
        '''def keras_factor(channels, positions, size):
    return channels * positions / (3 * size)
''',
        '''def keras_factor(channels, positions, size):
    return (channels * positions) ** 2 / (4 * 3**2 * size**2)
''',
    ],
    "blend": [
        '''def blend(first, second, share):
    return {layer: share * first[layer] + (1 - share) * second[layer] for layer in first}
''',
        '''def blend(first, second, share):
    return {layer: first[layer] + share * second[layer] for layer in first}
''',
        '''def blend(first, second, share):
    return sum((1 - share) * first[layer].mean() + share * second[layer].mean() for layer in first)
''',
    ],
    # ---------------------------------------------------------------- 06_pooling
    "pool_gradient": [
        '''def pool_gradient(x, kind):
    if kind == "average":
        return torch.ones_like(x)
    largest = F.max_pool2d(x, 2).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    return (x == largest).to(x.dtype)
''',
        '''def pool_gradient(x, kind):
    if kind == "average":
        return torch.full_like(x, 1 / 4)
    return (x == x.max()).to(x.dtype)
''',
        '''def pool_gradient(x, kind):
    if kind == "average":
        return torch.full_like(x, 1 / 4)
    largest = F.max_pool2d(x, 2).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    return torch.where(x == largest, x, 0.0)
''',
    ],
    "power_pool": [
        '''def power_pool(features, p):
    return (4 * F.avg_pool2d(features**p, 2)) ** (1 / p)
''',
        '''def power_pool(features, p):
    return F.avg_pool2d(features**p, 2)
''',
        '''def power_pool(features, p):
    return (F.avg_pool2d(features, 2) ** p) ** (1 / p)
''',
    ],
    "swap_pools": [
        '''def swap_pools(features, make_pool):
    for index, layer in enumerate(features):
        if isinstance(layer, torch.nn.MaxPool2d):
            features[index] = make_pool()
    return features
''',
        '''def swap_pools(features, make_pool):
    layers = list(features)
    for index in (4, 9, 18, 27):
        if index < len(layers):
            layers[index] = make_pool()
    return torch.nn.Sequential(*layers)
''',
        '''def swap_pools(features, make_pool):
    import copy
    swapped = copy.deepcopy(features)
    for index, layer in enumerate(swapped):
        if isinstance(layer, torch.nn.MaxPool2d):
            swapped[index] = make_pool()
    return swapped
''',
    ],
    # ---------------------------------------------------------------- 07_optimization
    "match_channels": [
        '''
def match_channels(image, like):  # the spread is forgotten
    return (image - image.mean((2, 3), keepdim=True) + like.mean((2, 3), keepdim=True)).clamp(0, 1)
''',
        '''
def match_channels(image, like):  # one mean and one spread for all channels together
    return ((image - image.mean()) / image.std() * like.std() + like.mean()).clamp(0, 1)
''',
        '''
def match_channels(image, like):  # variances instead of standard deviations
    mean, mean_like = image.mean((2, 3), keepdim=True), like.mean((2, 3), keepdim=True)
    return ((image - mean) / image.var((2, 3), keepdim=True) * like.var((2, 3), keepdim=True) + mean_like).clamp(0, 1)
''',
    ],
    "when_to_stop": [
        '''
def when_to_stop(evaluations, losses, window=100, gain=0.01):  # an absolute difference
    loss_at = dict(zip(evaluations, losses))
    for now, loss in loss_at.items():
        if now - window in loss_at and loss_at[now - window] - loss < gain:
            return now
    return evaluations[-1]
''',
        '''
def when_to_stop(evaluations, losses, window=100, gain=0.01):  # compared with the previous look
    for i in range(1, len(losses)):
        if (losses[i - 1] - losses[i]) / losses[i - 1] < gain:
            return evaluations[i]
    return evaluations[-1]
''',
        '''
def when_to_stop(evaluations, losses, window=100, gain=0.01):  # the place instead of the evaluations
    loss_at = dict(zip(evaluations, losses))
    for place, (now, loss) in enumerate(loss_at.items()):
        before = loss_at.get(now - window)
        if before is not None and (before - loss) / before < gain:
            return place
    return evaluations[-1]
''',
    ],
    # ---------------------------------------------------------------- 08_artifacts
    "isotropic": [
        '''
def isotropic(image, eps=1e-6):  # lengths added up by their parts
    right = image[..., :-1, 1:] - image[..., :-1, :-1]
    below = image[..., 1:, :-1] - image[..., :-1, :-1]
    return (right.abs() + below.abs() + eps).mean()
''',
        '''
def isotropic(image, eps=1e-6):  # the root is forgotten
    right = image[..., :-1, 1:] - image[..., :-1, :-1]
    below = image[..., 1:, :-1] - image[..., :-1, :-1]
    return (right**2 + below**2 + eps).mean()
''',
        '''
def isotropic(image, eps=1e-6):  # eps outside the root: the slope is infinite where the picture is flat
    right = image[..., :-1, 1:] - image[..., :-1, :-1]
    below = image[..., 1:, :-1] - image[..., :-1, :-1]
    return ((right**2 + below**2).sqrt() + eps).mean()
''',
    ],
    "keep_colors": [
        '''
def keep_colors(result, photo):  # the mean of the channels as luminance
    return (photo + result.mean(1, keepdim=True) - photo.mean(1, keepdim=True)).clamp(0, 1)
''',
        '''
def keep_colors(result, photo):  # the roles exchanged
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (result + (weights * photo).sum(1, keepdim=True) - (weights * result).sum(1, keepdim=True)).clamp(0, 1)
''',
        '''
def keep_colors(result, photo):  # not clipped
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return photo + (weights * (result - photo)).sum(1, keepdim=True)
''',
    ],
    "alarm": [
        '''
def alarm(losses, patience=3):  # NaN slips through, for it is never larger than anything
    above = 0
    for place, loss in enumerate(losses):
        above = above + 1 if loss > losses[0] else 0
        if loss == float("inf") or above == patience:
            return place
''',
        '''
def alarm(losses, patience=3):  # counts all losses above the start, in a row or not
    above = 0
    for place, loss in enumerate(losses):
        above += loss > losses[0]
        if not loss < float("inf") or above == patience:
            return place
''',
        '''
def alarm(losses, patience=3):  # counts rises over the loss before
    rises = 0
    for place in range(1, len(losses)):
        rises = rises + 1 if losses[place] > losses[place - 1] else 0
        if not losses[place] < float("inf") or rises == patience:
            return place
''',
    ],
    # ---------------------------------------------------------------- 09_studio
    "log_slider": [
        "def weight(position, low, high): return low + position * (high - low)",
        "def weight(position, low, high): return 10 ** (low + position * (high - low))",
        "def weight(position, low, high): return low * high ** position",
    ],
    "draw_times": [
        "def drawn(times, gap): return times[::2]",
        "def drawn(times, gap): return times[:1] + [b for a, b in zip(times, times[1:]) if b - a >= gap]",
        "def drawn(times, gap): return [t for i, t in enumerate(times) if i == 0 or t // gap > times[i - 1] // gap]",
    ],
}
