"""LitServe with onnxruntime, by its own quick start: decode, predict, encode."""

import sys

import litserve
import numpy
import onnxruntime


class OnnxApi(litserve.LitAPI):
    def setup(self, device):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])

    def decode_request(self, request):
        return {each["name"]: numpy.asarray(each["data"], dtype=numpy.float32).reshape(each["shape"]) for each in request["inputs"]}

    def predict(self, feeds):
        return self.session.run(None, feeds)

    def encode_response(self, values):
        return {"outputs": [{"datatype": "FP32", "shape": list(value.shape), "data": value.ravel().tolist()} for value in values]}


if __name__ == "__main__":
    server = litserve.LitServer(OnnxApi(api_path="/v2/models/bench/infer"), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", generate_client_file=False)
