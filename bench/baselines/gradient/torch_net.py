"""Builds the net of a tfjs topology as a PyTorch module."""

from collections import Counter

import torch
from torch import nn

activations = {
    "linear": lambda inplace: nn.Identity(),
    "relu": lambda inplace: nn.ReLU(inplace),
    "relu6": lambda inplace: nn.ReLU6(inplace),
    "elu": lambda inplace: nn.ELU(inplace=inplace),
    "selu": lambda inplace: nn.SELU(inplace),
    "swish": lambda inplace: nn.SiLU(inplace),
    "sigmoid": lambda inplace: nn.Sigmoid(),
    "tanh": lambda inplace: nn.Tanh(),
    "gelu": lambda inplace: nn.GELU(),
}


class Net(nn.Module):
    def __init__(self, topology):
        super().__init__()
        height, width, channels = topology.input_shape
        uses = Counter(name for layer in topology.layers for name in layer.inputs)
        values = {topology.input_name: torch.zeros(2, channels, height, width)}
        self.input_name = topology.input_name
        self.plan = []
        self.blocks = nn.ModuleList()
        for layer in topology.layers:
            arguments = [values[name] for name in layer.inputs]
            # In place is safe if no other layer reads the input.
            inplace = uses[layer.inputs[0]] == 1 and layer.inputs[0] != topology.input_name
            block = makers[layer.kind](layer.config, arguments[0].shape, inplace)
            with torch.no_grad():
                values[layer.name] = block(*[argument.clone() for argument in arguments])
            self.blocks.append(block)
            self.plan.append((layer.name, layer.inputs))

    def forward(self, images):
        values = {self.input_name: images}
        for block, (name, inputs) in zip(self.blocks, self.plan):
            values[name] = block(*[values[each] for each in inputs])
        return values[name]


class Rescaling(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.scale, self.offset = config["scale"], config.get("offset", 0)

    def forward(self, images):
        scaled = images * self.scale
        return scaled + self.offset if self.offset else scaled


class Sum(nn.Module):
    def forward(self, first, *others):
        return sum(others, start=first)


class Concatenation(nn.Module):
    def forward(self, *parts):
        return torch.cat(parts, 1)


class GlobalAverage(nn.Module):
    def forward(self, images):
        return images.mean((2, 3))


class Reshape(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape

    def forward(self, values):
        return values.reshape(values.shape[0], *self.shape)


def activated(block, config):
    activation = config.get("activation") or "linear"
    return block if activation == "linear" else nn.Sequential(block, activations[activation](True))


def pair(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def same_padding(config, kernel):
    """Symmetric padding. With strides it differs from TensorFlow's by a pixel, at the same cost."""
    return tuple((size - 1) // 2 for size in kernel) if config["padding"] == "same" else 0


def convolution(config, in_channels, out_channels, groups=1, bias=None):
    kernel = pair(config["kernel_size"])
    return nn.Conv2d(
        in_channels,
        out_channels,
        kernel,
        stride=pair(config["strides"]),
        padding=same_padding(config, kernel),
        dilation=pair(config.get("dilation_rate") or 1),
        groups=groups,
        bias=config["use_bias"] if bias is None else bias,
    )


def depthwise(config, shape, bias=None):
    return convolution(config, shape[1], shape[1] * config.get("depth_multiplier", 1), groups=shape[1], bias=bias)


def separable(config, shape):
    spatial = depthwise(config, shape, bias=False)
    return nn.Sequential(spatial, nn.Conv2d(spatial.out_channels, config["filters"], 1, bias=config["use_bias"]))


def batch_norm(config, shape):
    kind = nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d
    # In PyTorch momentum is the weight of the new value, in Keras that of the old one.
    return kind(shape[1], eps=config["epsilon"], momentum=1 - config["momentum"], affine=config["scale"])


def pooling(kind, config):
    kernel = pair(config["pool_size"])
    return kind(kernel, pair(config["strides"] or kernel), padding=same_padding(config, kernel))


def zero_padding(config):
    (top, bottom), (left, right) = (pair(side) for side in config["padding"])
    return nn.ZeroPad2d((left, right, top, bottom))


makers = {
    "Rescaling": lambda config, shape, inplace: Rescaling(config),
    "Conv2D": lambda config, shape, inplace: activated(convolution(config, shape[1], config["filters"]), config),
    "DepthwiseConv2D": lambda config, shape, inplace: activated(depthwise(config, shape), config),
    "SeparableConv2D": lambda config, shape, inplace: activated(separable(config, shape), config),
    "Dense": lambda config, shape, inplace: activated(
        nn.Linear(shape[-1], config["units"], bias=config["use_bias"]), config
    ),
    "BatchNormalization": lambda config, shape, inplace: batch_norm(config, shape),
    "Activation": lambda config, shape, inplace: activations[config["activation"]](inplace),
    "ReLU": lambda config, shape, inplace: nn.ReLU6(inplace) if config.get("max_value") == 6 else nn.ReLU(inplace),
    "MaxPooling2D": lambda config, shape, inplace: pooling(nn.MaxPool2d, config),
    "AveragePooling2D": lambda config, shape, inplace: pooling(nn.AvgPool2d, config),
    "GlobalAveragePooling2D": lambda config, shape, inplace: GlobalAverage(),
    "Flatten": lambda config, shape, inplace: nn.Flatten(),
    "Reshape": lambda config, shape, inplace: Reshape(config["target_shape"]),
    "ZeroPadding2D": lambda config, shape, inplace: zero_padding(config),
    "Dropout": lambda config, shape, inplace: nn.Dropout(config["rate"]),
    "Add": lambda config, shape, inplace: Sum(),
    "Concatenate": lambda config, shape, inplace: Concatenation(),
}
