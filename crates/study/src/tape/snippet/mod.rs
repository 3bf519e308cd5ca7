//! The snippets of the tape view: a small language of expressions over named tensors.
//!
//! ```text
//! x = normal(4, 3, seed=1)                # a constant; `param(…)` makes what gradients are asked for
//! w = param(normal(3, 2, seed=2)); b = param(zeros(2))
//! y = tanh(x @ w + b)
//! loss = mean(y^2)                        # the tensor called loss, or the last one: one number
//! ```
//!
//! A statement is `name = expression` and ends with its line or with `;`. Operators are `+ - * / @ ^`, with `^` before
//! `-x` before `* / @` before `+ -`; `@` is the matrix product, the others go element by element and broadcast. Numbers
//! are f64. A snippet is evaluated as it is read, by the ops of the engine, within limits that keep it small.

mod functions;
mod interpreter;
mod token;

use std::fmt;
use wengert_tensor::inspect::History;

/// Bytes of a snippet.
const MOST_BYTES: usize = 16 << 10;

/// Numbers in a tensor.
pub const MOST_ELEMENTS: usize = 1 << 16;

/// Calls of functions and operators.
pub const MOST_CALLS: usize = 500;

/// Brackets and signs inside each other.
pub const MOST_DEPTH: usize = 50;

/// What is wrong with a snippet, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Position in bytes.
    at: usize,
    message: String,
}

impl Problem {
    /// Something is wrong at this position.
    fn new(at: usize, message: impl fmt::Display) -> Self {
        Self { at, message: message.to_string() }
    }

    /// The message with its line and column, and the line itself with a caret below.
    fn shown(&self, text: &str) -> String {
        let before = text.get(..self.at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let begin = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before[begin..].chars().count() + 1;
        let whole = text[begin..].lines().next().unwrap_or("");
        let caret = " ".repeat(column - 1);
        format!("line {line}, column {column}: {}\n  {whole}\n  {caret}^", self.message)
    }
}

impl From<wengert_tensor::Error> for Problem {
    /// Errors of the walk back, which is no one place of the text.
    fn from(error: wengert_tensor::Error) -> Self {
        Self::new(0, error)
    }
}

/// Runs a snippet forward and backward.
///
/// # Errors
/// A message for the page, with line, column and a caret.
pub fn record(text: &str) -> Result<History, String> {
    if text.len() > MOST_BYTES {
        return Err(format!("the snippet has {} bytes; it may have {MOST_BYTES}", text.len()));
    }
    let history =
        History::record(|| interpreter::loss(text)).map_err(|problem: Problem| problem.shown(text))?;
    match history.is_empty() {
        true => Err("the loss is a parameter itself: there is no op to step through".into()),
        false => Ok(history),
    }
}

#[cfg(test)]
mod tests;
