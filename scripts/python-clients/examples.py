"""The tensors of the clients' own examples: `simple` adds and subtracts, `simple_identity` gives texts back."""

import numpy

FIRST = numpy.arange(16, dtype=numpy.int32).reshape(1, 16)
SECOND = numpy.ones((1, 16), dtype=numpy.int32)
TEXTS = numpy.array([["Grüße", "😀", "", *"abcdefghijklm"]], dtype=object)


def two_inputs(module, **form):
    """INPUT0 and INPUT1 of `simple` as the client of `module` takes them."""
    inputs = []
    for name, values in (("INPUT0", FIRST), ("INPUT1", SECOND)):
        tensor = module.InferInput(name, list(values.shape), "INT32")
        tensor.set_data_from_numpy(values, **form)
        inputs.append(tensor)
    return inputs


def text_input(module, **form):
    tensor = module.InferInput("INPUT0", list(TEXTS.shape), "BYTES")
    tensor.set_data_from_numpy(TEXTS, **form)
    return [tensor]


def sequence_input(module):
    tensor = module.InferInput("INPUT", [1, 1], "INT32")
    tensor.set_data_from_numpy(numpy.array([[5]], dtype=numpy.int32))
    return [tensor]


def score_input(module, values=((0.1, 0.7, 0.2),)):
    values = numpy.array(values, dtype=numpy.float32)
    tensor = module.InferInput("X", list(values.shape), "FP32")
    tensor.set_data_from_numpy(values)
    return [tensor]


def texts(array):
    """Texts as bytes objects or as str, decoded."""
    return [item.decode() if isinstance(item, bytes) else item for item in array.flatten()]
