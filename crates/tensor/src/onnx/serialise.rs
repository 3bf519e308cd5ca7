//! A graph as the bytes of an ONNX file. The numbers of the fields are those of `onnx.proto`.

use super::graph::{Attribute, Attributes, Constant, Graph, Node, Port, Size};
use super::protobuf::Message;
use super::{IR_VERSION, OPSET};
use crate::io::safetensors::write_elements;
use crate::{DType, Value};

/// The name of an open batch, both as an axis and as the vector of one number that holds it.
const BATCH: &str = "batch";

/// `ModelProto`.
pub(super) fn model(graph: &Graph) -> Vec<u8> {
    let mut model = Message::default();
    model.int(1, IR_VERSION);
    model.bytes(2, "wengert");
    model.bytes(3, env!("CARGO_PKG_VERSION"));
    model.message(7, |message| write_graph(message, graph));
    model.message(8, |opset| {
        // The default domain, ONNX's own operators.
        opset.bytes(1, "");
        opset.int(2, OPSET);
    });
    model.into_bytes()
}

/// `GraphProto`.
fn write_graph(message: &mut Message, graph: &Graph) {
    let mut shapes = Shapes::default();
    for (name, constant) in &graph.constants {
        shapes.constant(name, constant, &graph.inputs[0]);
    }
    for node in shapes.nodes.iter().chain(&graph.nodes) {
        message.message(1, |message| write_node(message, node));
    }
    message.bytes(2, "wengert");
    for (name, constant) in &graph.constants {
        if let Constant::Weight(value) | Constant::Array(value) = constant {
            message.message(5, |message| write_tensor(message, name, value));
        }
    }
    for (name, value) in &shapes.constants {
        message.message(5, |message| write_tensor(message, name, value));
    }
    for port in &graph.inputs {
        message.message(11, |message| write_port(message, port));
    }
    message.message(12, |message| write_port(message, &graph.output));
}

/// The sizes of axes that a graph needs, as constants and, where they are multiples of an open batch, as operators.
#[derive(Default)]
struct Shapes {
    nodes: Vec<Node>,
    constants: Vec<(String, Value)>,
}

impl Shapes {
    fn constant(&mut self, name: &str, constant: &Constant, input: &Port) {
        match constant {
            Constant::Weight(_) | Constant::Array(_) => {}
            Constant::Sizes { sizes, for_reshape } => self.vector(name, sizes, *for_reshape, input),
            Constant::Filled { element, sizes } => {
                let (shape, filled) = (format!("{name} shape"), format!("{name} element"));
                self.vector(&shape, sizes, false, input);
                self.constants.push((filled.clone(), element.clone()));
                self.node("Expand", vec![filled, shape], name, Vec::new());
            }
        }
    }

    /// Makes an i64 vector called `name`.
    fn vector(&mut self, name: &str, sizes: &[Size], for_reshape: bool, input: &Port) {
        let fixed: Option<Vec<i64>> = sizes
            .iter()
            .map(|size| match *size {
                Size::Fixed(size) => Some(size),
                Size::Batch(_) => None,
            })
            .collect();
        if let Some(sizes) = fixed.or_else(|| for_reshape.then(|| inferred(sizes)).flatten()) {
            self.constants.push((name.to_owned(), Value::from_slice(&sizes, sizes.len())));
            return;
        }
        let parts = sizes.iter().map(|size| self.size(*size, input)).collect();
        self.node("Concat", parts, name, vec![("axis", Attribute::Int(0))]);
    }

    /// The name of a vector of one size.
    fn size(&mut self, size: Size, input: &Port) -> String {
        let name = match size {
            Size::Fixed(size) => format!("size {size}"),
            Size::Batch(1) => BATCH.to_owned(),
            Size::Batch(factor) => format!("{BATCH} × {factor}"),
        };
        let is_known =
            self.constants.iter().map(|(name, _)| name).chain(self.nodes.iter().map(|node| &node.output));
        if is_known.into_iter().any(|known| *known == name) {
            return name;
        }
        match size {
            Size::Fixed(size) => self.constants.push((name.clone(), Value::from_slice(&[size], 1))),
            Size::Batch(1) => {
                let first = vec![("start", Attribute::Int(0)), ("end", Attribute::Int(1))];
                self.node("Shape", vec![input.name.clone()], &name, first);
            }
            Size::Batch(factor) => {
                let factors = [self.size(Size::Batch(1), input), self.size(Size::Fixed(factor), input)];
                self.node("Mul", factors.to_vec(), &name, Vec::new());
            }
        }
        name
    }

    fn node(&mut self, operator: &'static str, inputs: Vec<String>, output: &str, attributes: Attributes) {
        self.nodes.push(Node {
            operator,
            inputs,
            output: output.to_owned(),
            attributes,
            place: String::new(),
        });
    }
}

/// The sizes with −1 for one that a reshape finds by itself, where it can.
fn inferred(sizes: &[Size]) -> Option<Vec<i64>> {
    let multiples = sizes.iter().filter(|size| matches!(size, Size::Batch(_))).count();
    let can_be_found = multiples == 1 && !sizes.contains(&Size::Fixed(0));
    can_be_found.then(|| {
        sizes
            .iter()
            .map(|size| match *size {
                Size::Fixed(size) => size,
                Size::Batch(_) => -1,
            })
            .collect()
    })
}

/// `NodeProto`.
fn write_node(message: &mut Message, node: &Node) {
    node.inputs.iter().for_each(|input| message.bytes(1, input));
    message.bytes(2, &node.output);
    let layer = if node.place.is_empty() { String::new() } else { format!("{} ", node.place) };
    message.bytes(3, format!("{layer}{}", node.output));
    message.bytes(4, node.operator);
    for (name, attribute) in &node.attributes {
        message.message(5, |message| write_attribute(message, name, attribute));
    }
}

/// `AttributeProto`.
fn write_attribute(message: &mut Message, name: &str, attribute: &Attribute) {
    message.bytes(1, name);
    let kind = match attribute {
        Attribute::Float(float) => {
            message.float(2, *float);
            1
        }
        Attribute::Int(int) => {
            message.int(3, *int);
            2
        }
        Attribute::Text(text) => {
            message.bytes(4, text);
            3
        }
        Attribute::Ints(ints) => {
            ints.iter().for_each(|&int| message.int(8, int));
            7
        }
    };
    message.int(20, kind);
}

/// `TensorProto`.
fn write_tensor(message: &mut Message, name: &str, value: &Value) {
    value.shape().iter().for_each(|&size| message.int(1, size as i64));
    message.int(2, element_type(value.dtype()));
    message.bytes(8, name);
    message.bytes(9, elements(value));
}

/// `ValueInfoProto`.
fn write_port(message: &mut Message, port: &Port) {
    message.bytes(1, &port.name);
    message.message(2, |kind| {
        kind.message(1, |tensor| {
            tensor.int(1, element_type(port.spec.dtype));
            tensor.message(2, |shape| {
                for size in &port.sizes {
                    shape.message(1, |axis| match *size {
                        Size::Fixed(size) => axis.int(1, size),
                        Size::Batch(1) => axis.bytes(2, BATCH),
                        Size::Batch(factor) => axis.bytes(2, format!("{factor}*{BATCH}")),
                    });
                }
            });
        });
    });
}

/// The elements of an array, row-major and little-endian.
pub(super) fn elements(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.numel() * value.dtype().size_of());
    write_elements(value, &mut bytes).expect("writing to memory cannot fail");
    bytes
}

/// ONNX's number for an element type, `TensorProto.DataType`.
pub(crate) fn element_type(dtype: DType) -> i64 {
    match dtype {
        DType::F32 => 1,
        DType::U8 => 2,
        DType::I64 => 7,
        DType::Bool => 9,
        DType::F64 => 11,
    }
}
