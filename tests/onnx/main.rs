//! ONNX node cases.
