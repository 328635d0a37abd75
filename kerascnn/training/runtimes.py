"""The formats that a network can be exported to: how each is written, and how its files are run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np


@dataclass(frozen=True)
class Format:
    """One format: how its files end, the packages it needs, how a network is written, and a file run on images."""

    suffix: str
    needs: tuple[str, ...]
    write: Callable[[keras.Model, Path], object]
    run: Callable[[Path, np.ndarray], list[np.ndarray]]


def arrays(outputs) -> list[np.ndarray]:
    """The outputs of a network in any structure, as a list."""
    return [keras.ops.convert_to_numpy(each) for each in keras.tree.flatten(outputs)]


def _write_onnx(network: keras.Model, path: Path) -> None:
    """For TensorFlow; Keras' own export fails for Normalization, grouped convolutions and exact GELU (3.15)."""
    import tensorflow as tf
    import tf2onnx.convert
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2 as frozen

    image = tf.TensorSpec(network.inputs[0].shape, network.inputs[0].dtype, name="image")
    inlined = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)  # which leaves no calls in the graph; Keras makes one for groups
    try:
        graph = frozen(tf.function(lambda image: network(image, training=False)).get_concrete_function(image))
    finally:
        tf.config.run_functions_eagerly(inlined)
    ends = [tensor.name for tensor in graph.inputs], [tensor.name for tensor in graph.outputs]
    names = dict(zip(sum(ends, []), ["image", *network.output_names], strict=True))
    tf2onnx.convert.from_graph_def(
        graph.graph.as_graph_def(), None, *ends,
        custom_op_handlers={"Erfc": (_erfc, [])}, tensors_to_rename=names, output_path=path,
    )  # fmt: skip


def _erfc(graph, node, name: str, _arguments) -> None:
    """Writes erfc(x), which the exact GELU has and ONNX has not, as 1 - erf(x)."""
    one = graph.make_const(f"{name}/one", np.ones(1, np.float32)).output[0]
    node.type = "Erf"
    graph.insert_new_node_on_output("Sub", node.output[0], inputs=[one, node.output[0]])


def _run_onnx(path: Path, images: np.ndarray) -> list[np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})


def _run_litert(path: Path, images: np.ndarray) -> list[np.ndarray]:
    from ai_edge_litert.interpreter import Interpreter

    answer = Interpreter(str(path)).get_signature_runner()
    (name,) = answer.get_input_details()
    outputs = answer(**{name: images})  # by the names "output_0", "output_1", ...
    return [outputs[key] for key in sorted(outputs, key=lambda key: int(key.rpartition("_")[2]))]


def _run_savedmodel(path: Path, images: np.ndarray) -> list[np.ndarray]:
    import tensorflow as tf

    loaded = tf.saved_model.load(path)  # whose variables live as long as it does
    return arrays(loaded.serve(tf.constant(images)))


def _by_keras(name: str) -> Callable[[keras.Model, Path], object]:
    return lambda network, path: network.export(path, format=name, verbose=False)


FORMATS = {
    "onnx": Format(".onnx", ("tf2onnx", "onnxruntime"), _write_onnx, _run_onnx),
    "litert": Format(".tflite", ("ai_edge_litert",), _by_keras("litert"), _run_litert),
    "savedmodel": Format("", (), _by_keras("tf_saved_model"), _run_savedmodel),
}
