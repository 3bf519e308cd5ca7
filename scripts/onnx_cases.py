#!/usr/bin/env python3
"""Dumps the ONNX backend node cases of the operators that wengert covers, for `cargo test --test onnx`.

    pip install onnx==1.23.2 numpy
    python scripts/onnx_cases.py [FOLDER]        # default: target/onnx-cases

The `onnx` package makes its node cases in memory, so nothing is downloaded. Written are

- `cases.safetensors`: the arrays, named `<case>/input/<i>`, `<case>/output/<i>` and `<case>/attribute/<name>`,
- `cases.json`: a list of cases with `name`, `op`, `opset`, `attributes`, `inputs` and `outputs`; the last two hold the
  ONNX element type of each position, `null` where an optional one is left out.

Arrays of types that safetensors cannot hold (strings, sequences, 4- and 8-bit floats, bfloat16) are left out; the index
still names the case and its types, so that every case is either run or listed in tests/onnx/skipped.txt.
"""

import json
import pathlib
import sys
import warnings

import numpy as np
import onnx
from onnx.backend.test.case.node import collect_testcases

import safetensors_io

ONNX_VERSION = "1.23.2"

OPERATORS = """
    Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast Ceil Celu Clip Col2Im Concat ConstantOfShape Conv
    ConvTranspose Cos Cosh CumSum DepthToSpace Div Dropout Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU
    Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization
    HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN LSTM LayerNormalization LeakyRelu Less
    LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul Max MaxPool Mean MeanVarianceNormalization Min Mish Mod Mul
    Neg NegativeLogLikelihoodLoss Not OneHot Or PRelu Pad Pow RMSNormalization Range Reciprocal ReduceL1 ReduceL2
    ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize
    Round Scatter ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax
    SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tan Tanh ThresholdedRelu Tile
    TopK Transpose Trilu Unsqueeze Upsample Where Xor
""".split()


def attribute(case, name, value, tensors):
    """The attribute as JSON; an array goes to `tensors`."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, onnx.TensorProto):
        tensors[f"{case}/attribute/{name}"] = onnx.numpy_helper.to_array(value)
        return {"tensor": onnx.TensorProto.DataType.Name(value.data_type)}
    if isinstance(value, (list, tuple)):
        return [attribute(case, name, item, tensors) for item in value]
    return value


def element_type(info):
    """The ONNX element type of a graph input or output, such as FLOAT; SEQUENCE and the like otherwise."""
    kind = info.type.WhichOneof("value")
    if kind != "tensor_type":
        return kind.removesuffix("_type").upper()
    return onnx.TensorProto.DataType.Name(info.type.tensor_type.elem_type)


def describe(case, tensors):
    """The index entry of a case; its arrays go to `tensors`."""
    graph = case.model.graph
    (node,) = graph.node
    entry = {
        "name": case.name,
        "op": node.op_type,
        "opset": next(entry.version for entry in case.model.opset_import if entry.domain in ("", "ai.onnx")),
        "attributes": {
            item.name: attribute(case.name, item.name, onnx.helper.get_attribute_value(item), tensors)
            for item in node.attribute
        },
    }
    ((inputs, outputs),) = case.data_sets
    for kind, names, infos, arrays in [
        ("input", node.input, graph.input, inputs),
        ("output", node.output, graph.output, outputs),
    ]:
        types = {info.name: element_type(info) for info in infos}
        values = dict(zip([info.name for info in infos], arrays, strict=True))
        entry[kind + "s"] = [types.get(name) for name in names]
        for position, name in enumerate(names):
            array = values.get(name)
            if isinstance(array, onnx.TensorProto):
                array = onnx.numpy_helper.to_array(array)
            if isinstance(array, (np.ndarray, np.generic)) and array.dtype in safetensors_io.NAMES:
                tensors[f"{case.name}/{kind}/{position}"] = array
    return entry


def main():
    if onnx.__version__ != ONNX_VERSION:
        sys.exit(f"onnx {onnx.__version__} found, {ONNX_VERSION} needed: pip install onnx=={ONNX_VERSION}")
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/onnx-cases")
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore", RuntimeWarning)  # numpy's: the cases divide by zero and overflow on purpose
    tensors, index = {}, []
    for case in collect_testcases():
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].domain in ("", "ai.onnx") and nodes[0].op_type in OPERATORS:
            index.append(describe(case, tensors))
    index.sort(key=lambda entry: entry["name"])
    safetensors_io.write(folder / "cases.safetensors", tensors)
    with open(folder / "cases.json", "w") as file:
        json.dump(index, file, indent=1)
    print(f"{len(index)} single-node cases of {len(OPERATORS)} operators written to {folder}")


if __name__ == "__main__":
    main()
