//! A table of a model's layers: what they hold, what they make and what that costs.

use crate::entries::{Entry, walk};
use crate::module::Module;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::rc::Rc;
use wengert_tensor::inspect::{OpEvent, observe};
use wengert_tensor::{Shape, no_grad};

/// One layer of a [`Summary`].
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Path in the model; empty for what runs outside all layers.
    pub name: String,
    /// Type, such as `Conv2d`.
    pub kind: &'static str,
    /// Shape of the last thing the layer made, if it ran.
    pub output: Option<Shape>,
    /// Elements of its parameters. A parameter that layers share counts for the first of them.
    pub parameters: usize,
    /// Floating-point operations of one run of the model.
    pub flops: u64,
}

/// A table of a model's layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The layers, in order of declaration; then, where there is any, the work outside them.
    pub rows: Vec<Row>,
}

/// Runs the model once, in evaluation and without recording, and lists its layers.
///
/// ```
/// use wengert_nn::{Layer, Linear, ReLU, Sequential, summary};
/// use wengert_tensor::{DType, Generator, Tensor};
///
/// let rng = Generator::new(0);
/// let model = Sequential::new().add(Linear::new(4, 3, &rng)).add(ReLU::new());
/// let table = summary(&model, || { model.forward(&Tensor::zeros([2, 4], DType::F32)); });
/// assert_eq!(table.parameters(), 15);
/// println!("{table}");
/// ```
///
/// The layers are [named](Module::assign_names); their training flags are left as they were.
pub fn summary(model: &dyn Module, run: impl FnOnce()) -> Summary {
    model.assign_names();
    let work: Rc<RefCell<Vec<Work>>> = Rc::default();
    let record = work.clone();
    let observer = move |event: &OpEvent<'_>| note(&mut record.borrow_mut(), event);
    in_evaluation(model, || no_grad(|| observe(observer, run)));

    let mut work = work.take();
    let mut counted = HashSet::new();
    let mut rows = Vec::new();
    add_row("", model, &mut work, &mut counted, &mut rows);
    walk(model.entries(), "", &mut |path, entry| {
        if let Entry::Module(module) = entry {
            add_row(path, module, &mut work, &mut counted, &mut rows);
        }
    });
    let outside = |Work { scope, output, flops }| Row {
        name: scope,
        kind: "",
        output: Some(output),
        parameters: 0,
        flops,
    };
    rows.extend(work.into_iter().map(outside));
    Summary { rows }
}

/// What ran in one scope.
struct Work {
    scope: String,
    output: Shape,
    flops: u64,
}

fn note(work: &mut Vec<Work>, event: &OpEvent<'_>) {
    let (output, flops) = (event.output.shape.clone(), event.op.flops(event.inputs, event.output));
    match work.iter_mut().find(|work| work.scope == event.scope) {
        Some(work) => (work.output, work.flops) = (output, work.flops + flops),
        None => work.push(Work { scope: event.scope.clone(), output, flops }),
    }
}

/// A row for a module that holds more than other modules: the others are shown through their parts.
fn add_row(
    path: &str,
    module: &dyn Module,
    work: &mut Vec<Work>,
    counted: &mut HashSet<usize>,
    rows: &mut Vec<Row>,
) {
    let entries = module.entries().0;
    if entries.iter().all(|(_, entry)| matches!(entry, Entry::Module(_))) {
        return;
    }
    let parameters = entries
        .iter()
        .filter_map(|(_, entry)| match entry {
            Entry::Parameter(tensor) if counted.insert(tensor.address()) => Some(tensor.numel()),
            _ => None,
        })
        .sum();
    let ran = work.iter().position(|work| work.scope == path).map(|i| work.remove(i));
    let (output, flops) = ran.map_or((None, 0), |work| (Some(work.output), work.flops));
    rows.push(Row { name: path.to_owned(), kind: module.kind(), output, parameters, flops });
}

/// Runs `body` with all training flags off, and puts each back.
fn in_evaluation(model: &dyn Module, body: impl FnOnce()) {
    let mut flags = Vec::new();
    walk(model.entries(), "", &mut |_, entry| {
        if let Entry::Training(flag) = entry {
            flags.push((flag, flag.get()));
        }
    });
    model.eval();
    body();
    for (flag, training) in flags {
        flag.set(training);
    }
}

impl Summary {
    /// Elements of all parameters.
    pub fn parameters(&self) -> usize {
        self.rows.iter().map(|row| row.parameters).sum()
    }

    /// Floating-point operations of one run of the model.
    pub fn flops(&self) -> u64 {
        self.rows.iter().map(|row| row.flops).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = |row: &Row| {
            [
                if row.name.is_empty() { "(model)".to_owned() } else { row.name.clone() },
                row.kind.to_owned(),
                row.output.as_ref().map_or_else(String::new, Shape::to_string),
                grouped(row.parameters as u64),
                grouped(row.flops),
            ]
        };
        let head = ["layer", "type", "output", "parameters", "FLOPs"].map(str::to_owned);
        let total =
            ["total", "", "", &grouped(self.parameters() as u64), &grouped(self.flops())].map(str::to_owned);
        let lines: Vec<[String; 5]> =
            std::iter::once(head).chain(self.rows.iter().map(cells)).chain([total]).collect();
        let widths: [usize; 5] =
            std::array::from_fn(|i| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0));
        let rule = "-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1));
        for (i, [name, kind, output, parameters, flops]) in lines.iter().enumerate() {
            if i == 1 || i + 1 == lines.len() {
                writeln!(f, "{rule}")?;
            }
            let [w0, w1, w2, w3, w4] = widths;
            writeln!(f, "{name:<w0$}  {kind:<w1$}  {output:<w2$}  {parameters:>w3$}  {flops:>w4$}")?;
        }
        Ok(())
    }
}

/// `1234567` as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchNorm1d, Layer, Linear, ReLU, Sequential};
    use wengert_tensor::{DType, Generator, Tensor};

    #[test]
    fn lists_layers_with_their_work_and_leaves_flags_alone() {
        let rng = Generator::new(0);
        let frozen = Sequential::new().add(BatchNorm1d::new(3));
        frozen.eval();
        let model = Sequential::new()
            .add_named("body", Sequential::new().add(Linear::new(4, 3, &rng)).add(ReLU::new()))
            .add_named("frozen", frozen);
        let running = || model.state_dict()["frozen.0.running_mean"].to_vec::<f32>();
        let before = running();
        let table = summary(&model, || {
            model.forward(&Tensor::ones([2, 4], DType::F32));
        });
        assert_eq!(before, running(), "a summary runs in evaluation");
        let names: Vec<(&str, &str)> = table.rows.iter().map(|row| (row.name.as_str(), row.kind)).collect();
        assert_eq!(names, [("body.0", "Linear"), ("body.1", "ReLU"), ("frozen.0", "BatchNorm1d")]);
        assert_eq!(table.rows[0].output, Some(Shape::from([2, 3])));
        assert_eq!(table.parameters(), 15 + 6);
        assert!(table.rows[0].flops >= 2 * 2 * 3 * 4, "{}", table.rows[0].flops);
        let text = table.to_string();
        assert!(text.lines().last().unwrap().starts_with("total"), "{text}");
        assert!(text.contains("body.0"), "{text}");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 12, 999, 1000, 1_234_567].map(grouped), ["0", "12", "999", "1,000", "1,234,567"]);
    }
}
