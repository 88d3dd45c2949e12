"""Digits: which digit is on an 8 × 8 image of a handwritten one."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from exports import OPSET, Data, Example, Rows, Version
from vision import network

DATA = Data(
    title="Optical Recognition of Handwritten Digits (its test set), UCI Machine Learning Repository",
    url="https://doi.org/10.24432/C50P49",
    licence="CC BY 4.0",
    citation="Alpaydin, E., Kaynak, C. (1998). Optical Recognition of Handwritten Digits. UCI Machine Learning Repository.",
)
SEED = 11
SCALE = 1 / 16  # Pixels are 0 to 16.
EPOCHS = {1: 30, 2: 40}


def make() -> Example:
    source = load_digits()
    images = source.images.astype(np.float32).reshape(-1, 1, 8, 8)
    train, test, train_labels, test_labels = train_test_split(images, source.target, test_size=400, stratify=source.target, random_state=SEED)
    models = {}
    for number, build in ((1, linear), (2, convolutional)):
        rng = np.random.default_rng(SEED)
        layers = build(rng)
        network.fit(layers, train * np.float32(SCALE), train_labels, epochs=EPOCHS[number], rng=rng, jitter=number == 2)
        models[number] = network.to_onnx(layers, [1, 8, 8], SCALE, OPSET[""])
    framework = "NumPy 2.4.6"
    return Example(
        folder="vision",
        model="digits",
        description="The digit on an 8 × 8 image of a handwritten one.",
        task={"kind": "multiclass", "predictionOutput": "label", "scoreOutput": "probabilities", "classes": list(range(10)), "rowAxis": 0},
        data=DATA,
        rows=Rows("image", test, test_labels.astype(np.int64)),
        versions=[
            Version(1, models[1], "Softmax regression on the pixels.", {"stage": "baseline"}, framework, {"epochs": EPOCHS[1]}),
            Version(2, models[2], "Convolutional network: two 3 × 3 layers, one dense layer.", {"stage": "production"}, framework, {"epochs": EPOCHS[2]}),
        ],
        revisions=[2],
    )


def linear(rng):
    return [network.Flatten(), network.Dense(64, 10, rng)]


def convolutional(rng):
    return [
        network.Convolution(1, 16, rng),
        network.Relu(),
        network.Convolution(16, 32, rng),
        network.Relu(),
        network.HalveByMax(),
        network.Flatten(),
        network.Dense(512, 10, rng),
    ]
