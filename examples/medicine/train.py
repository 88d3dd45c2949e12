"""Diagnosis: is a breast mass benign or malignant, from 30 measurements of cell nuclei in a digitised image."""

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from exports import OPSET, Data, Example, Rows, Version

CLASSES = ["benign", "malignant"]
DATA = Data(
    title="Breast Cancer Wisconsin (Diagnostic), UCI Machine Learning Repository",
    url="https://doi.org/10.24432/C5DW2B",
    licence="CC BY 4.0",
    citation="Wolberg, W., Mangasarian, O., Street, N., Street, W. (1993). Breast Cancer Wisconsin (Diagnostic). UCI Machine Learning Repository.",
)
# What a first attempt might have had at hand: texture and shape of the nuclei, nothing about their size.
FEW = ["mean texture", "mean smoothness", "mean compactness", "mean symmetry", "mean fractal dimension", "texture error"]
SEED = 20


def make() -> Example:
    source = load_breast_cancer()
    names = [CLASSES[1 - target] for target in source.target]  # In the source 0 is malignant.
    train, test, train_labels, test_labels = train_test_split(
        source.data.astype(np.float32), np.array(names), test_size=0.4, stratify=names, random_state=SEED
    )
    weak = fit(weak_pipeline(list(source.feature_names)), train, train_labels)
    better = fit(better_pipeline(), train, train_labels)
    swapped = fit(better_pipeline(), train, np.where(train_labels == "benign", "malignant", "benign"))
    framework = "scikit-learn 1.9.1"
    return Example(
        folder="medicine",
        model="diagnosis",
        description="Benign or malignant, from 30 measurements of the cell nuclei of a breast mass.",
        task={
            "kind": "binary",
            "predictionOutput": "label",
            "scoreOutput": "probabilities",
            "classes": CLASSES,
            "rowAxis": 0,
            "positiveClass": "malignant",
        },
        data=DATA,
        rows=Rows("features", test, test_labels),
        versions=[
            Version(1, export(weak), "Logistic regression on six texture and shape features.", {"stage": "baseline"}, framework, {"features": 6, "C": 0.02}),
            Version(2, export(better), "Logistic regression on all 30 scaled features.", {"stage": "production"}, framework, {"features": 30, "C": 0.5}),
            Version(
                3,
                export(swapped),
                "Version 2 with its labels swapped: the training script took 0 for benign, in the source it is malignant.",
                {"stage": "broken", "fault": "swapped-labels"},
                framework,
                {"features": 30, "C": 0.5},
            ),
        ],
        revisions=[1, 2],
    )


def weak_pipeline(names: list):
    columns = [names.index(name) for name in FEW]
    return make_pipeline(ColumnTransformer([("few", StandardScaler(), columns)]), LogisticRegression(C=0.02, max_iter=1000))


def better_pipeline():
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=1000))


def fit(pipeline, values: np.ndarray, labels: np.ndarray):
    return clone(pipeline).fit(values, labels)


def export(pipeline):
    """ONNX with the outputs "label" (strings) and "probabilities" (one column per class, in the order of CLASSES)."""
    return to_onnx(
        pipeline,
        initial_types=[("features", FloatTensorType([None, 30]))],
        options={"zipmap": False},
        target_opset=OPSET,
    )
