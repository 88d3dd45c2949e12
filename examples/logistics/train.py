"""Demand: how many bikes are rented in one hour, from the calendar and the weather."""

from pathlib import Path

import numpy as np
import onnx
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.linear_model import LinearRegression

from exports import OPSET, Data, Example, Rows, Version

FEATURES = ["season", "month", "hour", "holiday", "weekday", "workingday", "weather", "temp", "atemp", "humidity", "windspeed"]
DATA = Data(
    title="Bike Sharing (hours of 2011), UCI Machine Learning Repository",
    url="https://doi.org/10.24432/C5W894",
    licence="CC BY 4.0",
    citation="Fanaee-T, H. (2013). Bike Sharing. UCI Machine Learning Repository. From: Fanaee-T, H., Gama, J. (2014). Event labeling combining "
    "ensemble detectors and background knowledge. Progress in Artificial Intelligence 2, 113-127.",
)
SEED = 7
HELD_OUT_DAYS = 36
TREES = {"n_estimators": 200, "learning_rate": 0.1, "max_depth": 5, "min_samples_leaf": 10, "subsample": 0.7}


def make() -> Example:
    train, train_counts, test, test_counts = split()
    linear = LinearRegression().fit(train, train_counts)
    trees = GradientBoostingRegressor(**TREES, random_state=SEED).fit(train, train_counts)
    framework = "scikit-learn 1.9.1"
    return Example(
        folder="logistics",
        model="bike-demand",
        description="Bikes rented in one hour, from the calendar and the weather.",
        task={"kind": "regression", "predictionOutput": "prediction", "rowAxis": 0},
        data=DATA,
        rows=Rows("features", test, test_counts.astype(np.int64)),
        versions=[
            Version(1, export(linear), "Linear regression on the eleven raw features.", {"stage": "baseline"}, framework),
            Version(2, export(trees), f"Gradient boosting, {TREES['n_estimators']} trees.", {"stage": "production"}, framework, TREES),
        ],
        revisions=[1, 2],
    )


def split():
    """Whole days are held out: neighbouring hours are so alike that a split by hours would tell the model the answers."""
    table = np.genfromtxt(Path(__file__).parent / "hours.csv", delimiter=",", names=True)
    values = np.column_stack([table[name] for name in FEATURES]).astype(np.float32)
    days = np.random.default_rng(SEED).choice(np.unique(table["day"]), HELD_OUT_DAYS, replace=False)
    held_out = np.isin(table["day"], days)
    return values[~held_out], table["bikers"][~held_out], values[held_out], table["bikers"][held_out]


def export(regressor) -> onnx.ModelProto:
    """ONNX with the output "prediction" of shape [rows, 1], never below zero: a count cannot be."""
    model = to_onnx(regressor, initial_types=[("features", FloatTensorType([None, len(FEATURES)]))], target_opset=OPSET)
    raw = model.graph.output[0].name
    model.graph.node.append(onnx.helper.make_node("Relu", [raw], ["prediction"], name="not-below-zero"))
    del model.graph.output[:]
    model.graph.output.append(onnx.helper.make_tensor_value_info("prediction", onnx.TensorProto.FLOAT, [None, 1]))
    return model
