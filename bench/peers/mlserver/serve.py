"""MLServer with a model class of our own for onnxruntime; it has no runtime for ONNX files itself."""

import json
import os
import subprocess
import sys
import tempfile

model, port = sys.argv[1], int(sys.argv[2])
here = os.path.dirname(os.path.abspath(__file__))
with tempfile.TemporaryDirectory() as folder:
    # No pool of inference processes: for a model of a few microseconds that is MLServer's fastest setting.
    settings = {
        "host": "127.0.0.1", "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2,
        "parallel_workers": 0, "debug": False, "use_structured_logging": False,
    }
    with open(os.path.join(folder, "settings.json"), "w") as file:
        json.dump(settings, file)
    with open(os.path.join(folder, "model-settings.json"), "w") as file:
        json.dump({"name": "bench", "implementation": "onnx_model.OnnxModel", "parameters": {"uri": model}}, file)
    environment = {**os.environ, "PYTHONPATH": here}
    program = os.path.join(os.path.dirname(sys.executable), "mlserver")
    child = subprocess.Popen([program, "start", folder], env=environment)
    import signal
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    sys.exit(child.wait())
