"""A small convolutional network in NumPy: layers that know their gradient, Adam, and a writer to ONNX."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Dense:
    """[n, inputs] → [n, outputs]."""

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator):
        self.weights = (rng.standard_normal((inputs, outputs)) * np.sqrt(2 / inputs)).astype(np.float32)
        self.bias = np.zeros(outputs, np.float32)

    def forward(self, x):
        self.x = x
        return x @ self.weights + self.bias

    def backward(self, gradient):
        self.gradients = [self.x.T @ gradient, gradient.sum(0)]
        return gradient @ self.weights.T

    def nodes(self, name, given):
        return [("Gemm", [given, f"{name}.weights", f"{name}.bias"], {})], [(f"{name}.weights", self.weights), (f"{name}.bias", self.bias)]


class Convolution:
    """3 × 3, padded by one: [n, inputs, h, w] → [n, outputs, h, w]."""

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator):
        self.weights = (rng.standard_normal((outputs, inputs, 3, 3)) * np.sqrt(2 / (9 * inputs))).astype(np.float32)
        self.bias = np.zeros(outputs, np.float32)

    def forward(self, x):
        padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        self.windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))  # [n, c, h, w, 3, 3]
        return np.einsum("nchwij,ocij->nohw", self.windows, self.weights, optimize=True) + self.bias[:, None, None]

    def backward(self, gradient):
        self.gradients = [np.einsum("nchwij,nohw->ocij", self.windows, gradient, optimize=True), gradient.sum((0, 2, 3))]
        # The gradient of a convolution is the convolution with the kernel turned around.
        padded = np.pad(gradient, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        return np.einsum("nohwij,ocij->nchw", windows, self.weights[:, :, ::-1, ::-1], optimize=True)

    def nodes(self, name, given):
        attributes = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
        return [("Conv", [given, f"{name}.weights", f"{name}.bias"], attributes)], [(f"{name}.weights", self.weights), (f"{name}.bias", self.bias)]


class Relu:
    weights = None

    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, gradient):
        return gradient * self.mask

    def nodes(self, name, given):
        return [("Relu", [given], {})], []


class HalveByMax:
    """2 × 2 maximum: [n, c, h, w] → [n, c, h / 2, w / 2]."""

    weights = None

    def forward(self, x):
        n, c, h, w = x.shape
        blocks = x.reshape(n, c, h // 2, 2, w // 2, 2)
        best = blocks.max((3, 5), keepdims=True)
        first = blocks == best
        # Ties share the gradient, so that it is neither lost nor doubled.
        self.share = (first / first.sum((3, 5), keepdims=True)).astype(np.float32)
        return best.reshape(n, c, h // 2, w // 2)

    def backward(self, gradient):
        n, c, h, w = gradient.shape
        return (self.share * gradient[:, :, :, None, :, None]).reshape(n, c, h * 2, w * 2)

    def nodes(self, name, given):
        return [("MaxPool", [given], {"kernel_shape": [2, 2], "strides": [2, 2]})], []


class Flatten:
    weights = None

    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, gradient):
        return gradient.reshape(self.shape)

    def nodes(self, name, given):
        return [("Flatten", [given], {"axis": 1})], []


def fit(layers, images, labels, *, epochs, rng, learning_rate=2e-3, weight_decay=1e-4, batch=64, jitter=True):
    """Cross-entropy with Adam (Kingma & Ba 2015); the rate falls along a cosine; jitter shifts each image by up to one pixel."""
    trained = [layer for layer in layers if layer.weights is not None]
    moments = [[np.zeros_like(p), np.zeros_like(p)] for layer in trained for p in (layer.weights, layer.bias)]
    steps, step = epochs * -(-len(images) // batch), 0
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(order), batch):
            picked = order[start : start + batch]
            x = shifted(images[picked], rng) if jitter else images[picked]
            scores = forward(layers, x)
            gradient = softmax(scores)
            gradient[np.arange(len(picked)), labels[picked]] -= 1
            gradient /= len(picked)
            for layer in reversed(layers):
                gradient = layer.backward(gradient)
            step += 1
            rate = learning_rate * (1 + np.cos(np.pi * step / steps)) / 2
            adam(trained, moments, rate, weight_decay, step)


def adam(trained, moments, rate, weight_decay, step):
    parameters = [(p, g) for layer in trained for p, g in zip((layer.weights, layer.bias), layer.gradients, strict=True)]
    for (parameter, gradient), moment in zip(parameters, moments, strict=True):
        moment[0] = 0.9 * moment[0] + 0.1 * gradient
        moment[1] = 0.999 * moment[1] + 0.001 * gradient**2
        direction = (moment[0] / (1 - 0.9**step)) / (np.sqrt(moment[1] / (1 - 0.999**step)) + 1e-8)
        parameter -= (rate * (direction + weight_decay * parameter)).astype(np.float32)


def shifted(images, rng):
    """Each image moved by -1, 0 or 1 pixel in both directions; what comes in is background."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    moves = rng.integers(0, 3, (len(images), 2))
    height, width = images.shape[2:]
    return np.stack([image[:, y : y + height, x : x + width] for image, (y, x) in zip(padded, moves, strict=True)])


def forward(layers, x):
    for layer in layers:
        x = layer.forward(x)
    return x


def softmax(scores):
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def to_onnx(layers, shape, scale, opset) -> onnx.ModelProto:
    """image [rows, *shape] → label INT64 [rows], probabilities FP32 [rows, classes]; scale multiplies the raw pixels."""
    constants = [numpy_helper.from_array(np.float32(scale), "scale")]
    nodes = [helper.make_node("Mul", ["image", "scale"], ["scaled"], name="scaled")]
    given = "scaled"
    for index, layer in enumerate(layers):
        name = f"{type(layer).__name__.lower()}{index}"
        for operator, inputs, attributes in layer.nodes(name, given)[0]:
            nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        constants += [numpy_helper.from_array(values, key) for key, values in layer.nodes(name, given)[1]]
        given = name
    nodes.append(helper.make_node("Softmax", [given], ["probabilities"], axis=1, name="probabilities"))
    nodes.append(helper.make_node("ArgMax", ["probabilities"], ["label"], axis=1, keepdims=0, name="label"))
    classes = layers[-1].bias.shape[0]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, *shape])],
        [helper.make_tensor_value_info("label", TensorProto.INT64, [None]), helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, classes])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
