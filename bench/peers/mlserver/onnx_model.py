"""An MLServer model that runs an ONNX file."""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxModel(MLModel):
    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.settings.parameters.uri, options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        feeds = {each.name: NumpyCodec.decode_input(each).astype("float32", copy=False) for each in payload.inputs}
        values = self.session.run(self.names, feeds)
        outputs = [NumpyCodec.encode_output(name, value) for name, value in zip(self.names, values)]
        return InferenceResponse(model_name=self.name, outputs=outputs)
