"""BentoML with onnxruntime: one service, one worker, the protocol's inputs as a plain list."""

import os
import sys

import numpy
import onnxruntime

import bentoml


@bentoml.service(workers=1, traffic={"timeout": 30, "max_concurrency": 256})
class OnnxService:
    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["BENCH_MODEL"], options, providers=["CPUExecutionProvider"])

    @bentoml.api(route="/v2/models/bench/infer")
    async def infer(self, inputs: list[dict]) -> dict:
        feeds = {each["name"]: numpy.asarray(each["data"], dtype=numpy.float32).reshape(each["shape"]) for each in inputs}
        values = self.session.run(None, feeds)
        return {"outputs": [{"datatype": "FP32", "shape": list(value.shape), "data": value.ravel().tolist()} for value in values]}


if __name__ == "__main__":
    model, port = sys.argv[1], sys.argv[2]
    program = os.path.join(os.path.dirname(sys.executable), "bentoml")
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    environment = {**os.environ, "BENCH_MODEL": model, "BENTOML_DO_NOT_TRACK": "true"}
    os.execve(program, [program, "serve", "serve:OnnxService", "--host", "127.0.0.1", "--port", port], environment)
