//! Einstein summation: sums of products named by one letter an axis.
//!
//! Operands are contracted from left to right, each pair as one batched matrix product, so the gradient is that of the
//! permutes, reshapes and products it is made of.

use crate::shape::MAX_RANK;
use crate::{Error, Result, Tensor, apply::must};

/// None of its own: see the permutes, reshapes and products it runs.
pub(crate) const OPS: &[&str] = &[];

const NAME: &str = "einsum";

/// The name of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Label {
    /// An axis that an ellipsis stands for, counted from the last one, which is 0.
    Ellipsis(std::cmp::Reverse<usize>),
    /// A letter.
    Letter(char),
}

/// An operand with a name for each axis.
#[derive(Clone)]
struct Term {
    tensor: Tensor,
    labels: Vec<Label>,
}

/// Evaluates `equation`, such as `"bij,bjk->bik"`, on `operands`.
///
/// Letters name axes. An axis that is missing behind the arrow is summed over; a letter twice in one operand takes the
/// diagonal; `...` stands for any axes, which broadcast. Without an arrow the output has the letters that occur once,
/// in alphabetical order. Spaces do not count. Axes of size 1 stretch, as in PyTorch.
///
/// # Errors
/// When the equation cannot be read, does not fit the operands, or uses more axes than a tensor may have.
pub fn einsum(equation: &str, operands: &[&Tensor]) -> Result<Tensor> {
    let fail = |detail: String| Err(Error::argument(NAME, format!("{equation:?}: {detail}")));
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (equation, None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != operands.len() {
        return fail(format!("names {} operands, got {}", terms.len(), operands.len()));
    }
    if let Some(other) = operands.iter().find(|operand| operand.dtype() != operands[0].dtype()) {
        let detail = format!("operand 0 is {} and another one {}", operands[0].dtype(), other.dtype());
        return Err(Error::dtype(NAME, detail));
    }
    for_number!(operands[0].dtype(), NAME, _T => Ok(()))?;

    let mut parsed = Vec::new();
    for (text, operand) in terms.iter().zip(operands) {
        match parse(text, Some(operand.rank())) {
            Ok(labels) => parsed.push(Term { tensor: (*operand).clone(), labels }),
            Err(detail) => return fail(format!("{detail} in {text:?} for shape {}", operand.shape())),
        }
    }
    let all: Vec<Label> = parsed.iter().flat_map(|term| term.labels.iter().copied()).collect();
    let output = match right {
        None => implicit_output(&all),
        Some(text) => {
            let ellipsis = all.iter().filter_map(|label| match label {
                Label::Ellipsis(place) => Some(place.0 + 1),
                Label::Letter(_) => None,
            });
            match parse_output(text, ellipsis.max().unwrap_or(0)) {
                Ok(labels) => labels,
                Err(detail) => return fail(format!("{detail} in the output {text:?}")),
            }
        }
    };
    if let Some(unknown) = output.iter().find(|label| !all.contains(label)) {
        return fail(format!("the output has {unknown:?}, which no operand has"));
    }
    if (1..output.len()).any(|i| output[..i].contains(&output[i])) {
        return fail("the output names an axis twice".into());
    }
    if distinct(&all).len() > MAX_RANK {
        return fail(format!("{} axes, at most {MAX_RANK} are supported", distinct(&all).len()));
    }

    let parsed = parsed.into_iter().map(take_diagonals).collect::<Result<Vec<_>>>()?;
    let mut terms = drop_stretched(parsed)?.into_iter();
    let mut result = terms.next().expect("an equation names at least one operand");
    while let Some(next) = terms.next() {
        let needed = |label: &Label| {
            output.contains(label) || terms.as_slice().iter().any(|term| term.labels.contains(label))
        };
        result = contract(result, next, needed);
    }
    let result = sum_out(result, |label| output.contains(label));
    Ok(arrange(&result, &output))
}

impl Tensor {
    /// Einstein summation, such as `Tensor::einsum("bij,bjk->bik", &[&a, &b])`: see [`einsum`].
    ///
    /// # Panics
    /// When the equation cannot be read or does not fit the operands.
    #[track_caller]
    pub fn einsum(equation: &str, operands: &[&Tensor]) -> Tensor {
        must(einsum(equation, operands))
    }
}

/// Labels of a term; the ellipsis takes as many axes as `rank` leaves it.
fn parse(text: &str, rank: Option<usize>) -> std::result::Result<Vec<Label>, String> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (before, after) = match text.split_once("...") {
        Some((before, after)) => (before, Some(after)),
        None => (text.as_str(), None),
    };
    let letters = before.chars().chain(after.unwrap_or("").chars());
    if let Some(bad) = letters.clone().find(|c| !c.is_ascii_alphabetic()) {
        return Err(format!("{bad:?} is not a letter"));
    }
    let named = letters.count();
    let rank = rank.unwrap_or(named);
    if named > rank || (after.is_none() && named < rank) {
        return Err(format!("{named} letters for {rank} axes"));
    }
    let ellipsis = (0..rank - named).rev().map(|place| Label::Ellipsis(std::cmp::Reverse(place)));
    let after = after.unwrap_or("").chars().map(Label::Letter);
    Ok(before.chars().map(Label::Letter).chain(ellipsis).chain(after).collect())
}

/// Labels of the output, whose ellipsis stands for all `ellipsis` axes of the operands' ellipses.
fn parse_output(text: &str, ellipsis: usize) -> std::result::Result<Vec<Label>, String> {
    let letters = text.chars().filter(|c| c.is_ascii_alphabetic()).count();
    parse(text, text.contains("...").then_some(letters + ellipsis))
}

/// What an equation without an arrow means: axes of ellipses, then the letters that occur once.
fn implicit_output(all: &[Label]) -> Vec<Label> {
    let once = |label: &Label| all.iter().filter(|other| *other == label).count() == 1;
    distinct(all).into_iter().filter(|label| matches!(label, Label::Ellipsis(_)) || once(label)).collect()
}

/// Each label once, in order.
fn distinct(labels: &[Label]) -> Vec<Label> {
    let mut labels = labels.to_vec();
    labels.sort_unstable();
    labels.dedup();
    labels
}

/// Makes each label of a term name one axis.
fn take_diagonals(mut term: Term) -> Result<Term> {
    while let Some((first, second)) = repeated(&term.labels) {
        let (rows, columns) = (term.tensor.dims()[first], term.tensor.dims()[second]);
        if rows != columns {
            let detail =
                format!("a letter names axes of sizes {rows} and {columns} of {}", term.tensor.shape());
            return Err(Error::shape(NAME, detail));
        }
        term.tensor = term.tensor.diagonal(first as isize, second as isize);
        let label = term.labels.remove(second);
        term.labels.remove(first);
        term.labels.push(label);
    }
    Ok(term)
}

fn repeated(labels: &[Label]) -> Option<(usize, usize)> {
    (1..labels.len()).find_map(|second| {
        labels[..second].iter().position(|label| *label == labels[second]).map(|first| (first, second))
    })
}

/// Checks that a label has one size everywhere, and removes it from terms where it has size 1 and elsewhere not.
fn drop_stretched(mut terms: Vec<Term>) -> Result<Vec<Term>> {
    let all: Vec<Label> = terms.iter().flat_map(|term| term.labels.iter().copied()).collect();
    for label in distinct(&all) {
        let sizes = terms.iter().filter_map(|term| size_of(term, label));
        let size = sizes.clone().find(|&size| size != 1).unwrap_or(1);
        if let Some(other) = sizes.clone().find(|&other| other != 1 && other != size) {
            return Err(Error::shape(
                NAME,
                format!("{label:?} has sizes {size} and {other}; they must be equal or 1"),
            ));
        }
        if size == 1 {
            continue;
        }
        for term in &mut terms {
            if size_of(term, label) == Some(1) {
                let axis = position(term, label);
                term.tensor = term.tensor.squeeze(axis as isize);
                term.labels.remove(axis);
            }
        }
    }
    Ok(terms)
}

fn size_of(term: &Term, label: Label) -> Option<usize> {
    term.labels.iter().position(|other| *other == label).map(|axis| term.tensor.dims()[axis])
}

fn position(term: &Term, label: Label) -> usize {
    term.labels.iter().position(|other| *other == label).expect("the term has this label")
}

/// Sums over the axes that are not to be kept.
fn sum_out(term: Term, keep: impl Fn(&Label) -> bool) -> Term {
    let gone: Vec<isize> =
        (0..).zip(&term.labels).filter(|(_, label)| !keep(label)).map(|(axis, _)| axis).collect();
    if gone.is_empty() {
        return term;
    }
    let labels = term.labels.iter().copied().filter(|label| keep(label)).collect();
    Term { tensor: term.tensor.sum(&gone, false), labels }
}

/// A term with its axes in the order of `labels`, which name all of them.
fn arrange(term: &Term, labels: &[Label]) -> Tensor {
    let order: Vec<isize> = labels.iter().map(|&label| position(term, label) as isize).collect();
    if order.iter().copied().eq(0..order.len() as isize) {
        term.tensor.clone()
    } else {
        term.tensor.permute(&order)
    }
}

/// The product of two terms, summed over the axes that nobody `needed` afterwards.
fn contract(left: Term, right: Term, needed: impl Fn(&Label) -> bool) -> Term {
    let left = sum_out(left, |label| needed(label) || right.labels.contains(label));
    let right = sum_out(right, |label| needed(label) || left.labels.contains(label));
    let shared: Vec<Label> =
        left.labels.iter().copied().filter(|label| right.labels.contains(label)).collect();
    let (batch, inner): (Vec<Label>, Vec<Label>) = shared.iter().partition(|label| needed(label));
    let rest = |term: &Term| term.labels.iter().copied().filter(|l| !shared.contains(l)).collect::<Vec<_>>();
    let (rows, columns) = (rest(&left), rest(&right));

    let sizes = |term: &Term, labels: &[Label]| -> Vec<usize> {
        labels.iter().map(|&label| term.tensor.dims()[position(term, label)]).collect()
    };
    let labels = [&batch[..], &rows, &columns].concat();
    let shape = [sizes(&left, &batch), sizes(&left, &rows), sizes(&right, &columns)].concat();
    let volume = |term: &Term, labels: &[Label]| sizes(term, labels).iter().product::<usize>();
    let (b, m, n, k) =
        (volume(&left, &batch), volume(&left, &rows), volume(&right, &columns), volume(&left, &inner));
    let left = arrange(&left, &[&batch[..], &rows, &inner].concat());
    let right = arrange(&right, &[&batch[..], &inner, &columns].concat());
    let product = if inner.is_empty() {
        left.reshape([b, m, 1]).mul(&right.reshape([b, 1, n]))
    } else if batch.is_empty() {
        left.reshape([m, k]).matmul(&right.reshape([k, n]))
    } else {
        left.reshape([b, m, k]).matmul(&right.reshape([b, k, n]))
    };
    Term { tensor: product.reshape(shape), labels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        let (a, b) = (Tensor::from_slice(&[1.0; 6], [2, 3]), Tensor::from_slice(&[1.0; 4], [2, 2]));
        let fails = |equation: &str, operands: &[&Tensor], expected: &str| {
            let error = einsum(equation, operands).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        fails("ij,jk->ik", &[&a], "names 2 operands, got 1");
        fails("ij,jk->ik", &[&a, &b], "sizes 3 and 2; they must be equal or 1");
        fails("ijk", &[&a], "3 letters for 2 axes");
        fails("i", &[&a], "1 letters for 2 axes");
        fails("i1", &[&a], "'1' is not a letter");
        fails("ij->k", &[&a], "which no operand has");
        fails("ij->ii", &[&a], "names an axis twice");
        fails("ii", &[&a], "sizes 2 and 3");
        fails("i...j...", &[&a], "'.' is not a letter");
        fails("", &[], "names 1 operands, got 0");
        fails(
            "ij,ij",
            &[&a, &Tensor::from_slice(&[1i64; 6], [2, 3])],
            "operand 0 is f64 and another one i64",
        );
        fails(
            "abcdefg,hijklmn",
            &[&Tensor::from_slice(&[1.0], [1; 7]), &Tensor::from_slice(&[1.0], [1; 7])],
            "14 axes",
        );
    }
}
