//! Reads a snippet and evaluates it in one go.

use super::functions::{Arguments, call};
use super::token::{Token, tokens};
use super::{MOST_CALLS, MOST_DEPTH, MOST_ELEMENTS, Problem};
use std::collections::BTreeMap;
use wengert_models::suggest::did_you_mean;
use wengert_tensor::ops::{binary::Binary, unary::Unary};
use wengert_tensor::{Tensor, apply, broadcast, scope};

/// What an expression is worth.
#[derive(Clone, Debug)]
pub enum Value {
    /// A number that is no tensor: what computes with it is a `…_scalar` op, or no op at all.
    Number(f64),
    Tensor(Tensor),
}

impl Value {
    /// The value as a tensor.
    pub fn tensor(self) -> Tensor {
        match self {
            Value::Number(number) => Tensor::scalar(number),
            Value::Tensor(tensor) => tensor,
        }
    }
}

type Evaluated<T> = Result<T, Problem>;

/// The loss of a snippet: its tensor of that name, or the last one.
pub fn loss(text: &str) -> Evaluated<Tensor> {
    let mut interpreter =
        Interpreter { tokens: tokens(text)?, at: 0, names: BTreeMap::new(), last: None, calls: 0, depth: 0 };
    interpreter.run()?;
    let chosen = ["loss".to_owned()].into_iter().chain(interpreter.last.clone());
    let found = chosen.filter_map(|name| Some((interpreter.names.get(&name)?.clone(), name))).next();
    let Some(((value, at), name)) = found else {
        return Err(Problem::new(0, "there is no statement here; one is `y = tanh(0.5)`"));
    };
    let Value::Tensor(loss) = value else {
        return Err(Problem::new(at, format!("{name} is a plain number; compute it of tensors")));
    };
    if loss.numel() != 1 {
        let shape = loss.shape();
        return Err(Problem::new(
            at,
            format!("the loss, {name}, must be one number and is {shape}; take its sum(…) or mean(…)"),
        ));
    }
    if !loss.requires_grad() {
        let message = format!(
            "nothing behind {name} needs a gradient; make a tensor by param(…), as in `w = param(normal(3))`"
        );
        return Err(Problem::new(at, message));
    }
    Ok(loss)
}

/// How far a snippet has been read, and what its names stand for.
pub struct Interpreter {
    tokens: Vec<(Token, usize)>,
    at: usize,
    /// With where each was given its value.
    names: BTreeMap<String, (Value, usize)>,
    last: Option<String>,
    calls: usize,
    depth: usize,
}

impl Interpreter {
    fn run(&mut self) -> Evaluated<()> {
        loop {
            match self.next() {
                (Token::End, _) if self.at >= self.tokens.len() => return Ok(()),
                (Token::End, _) => {}
                (Token::Name(name), at) => self.statement(name, at)?,
                (other, at) => {
                    let message = format!(
                        "a statement begins with a name, as in `y = tanh(x)`, and not with {}",
                        shown(&other)
                    );
                    return Err(Problem::new(at, message));
                }
            }
        }
    }

    fn statement(&mut self, name: String, at: usize) -> Evaluated<()> {
        match self.next() {
            (Token::Mark('='), _) => {}
            (other, place) => {
                return Err(Problem::new(
                    place,
                    format!("after {name} there must be `=`, and not {}", shown(&other)),
                ));
            }
        }
        // The ops of a statement are shown as a layer of its name.
        let _layer = scope::enter(&name);
        let value = self.expression()?;
        match self.next() {
            (Token::End, _) => {}
            (other, place) => {
                return Err(Problem::new(
                    place,
                    format!("the statement of {name} should end here, and goes on with {}", shown(&other)),
                ));
            }
        }
        if let Value::Tensor(tensor) = &value
            && tensor.is_leaf()
            && tensor.requires_grad()
            && tensor.name().is_none()
        {
            tensor.set_name(&name);
        }
        self.names.insert(name.clone(), (value, at));
        self.last = Some(name);
        Ok(())
    }

    /// `a + b - c`.
    fn expression(&mut self) -> Evaluated<Value> {
        self.nested(|this| {
            let mut left = this.term()?;
            while let (Token::Mark(mark @ ('+' | '-')), at) = this.peek() {
                this.at += 1;
                let right = this.term()?;
                left = this.operator(mark, at, left, right)?;
            }
            Ok(left)
        })
    }

    /// `a * b / c @ d`.
    fn term(&mut self) -> Evaluated<Value> {
        let mut left = self.factor()?;
        while let (Token::Mark(mark @ ('*' | '/' | '@')), at) = self.peek() {
            self.at += 1;
            let right = self.factor()?;
            left = self.operator(mark, at, left, right)?;
        }
        Ok(left)
    }

    /// `-a`, `a ^ b`.
    fn factor(&mut self) -> Evaluated<Value> {
        if let (Token::Mark('-'), at) = self.peek() {
            self.at += 1;
            let value = self.nested(Self::factor)?;
            self.count(at)?;
            return Ok(match value {
                Value::Number(number) => Value::Number(-number),
                Value::Tensor(tensor) => Value::Tensor(self.apply(at, Unary::Neg, &[&tensor])?),
            });
        }
        let base = self.atom()?;
        let (Token::Mark('^'), at) = self.peek() else { return Ok(base) };
        self.at += 1;
        let exponent = self.nested(Self::factor)?;
        self.operator('^', at, base, exponent)
    }

    fn atom(&mut self) -> Evaluated<Value> {
        match self.next() {
            (Token::Number(number), _) => Ok(Value::Number(number)),
            (Token::Mark('('), at) => {
                let value = self.expression()?;
                self.close(')', at)?;
                Ok(value)
            }
            (Token::Mark('['), at) => self.list(at),
            (Token::Name(name), at) => match self.peek() {
                (Token::Mark('('), open) => {
                    self.at += 1;
                    let arguments = self.nested(|this| this.arguments(open))?;
                    self.count(at)?;
                    call(self, &name, at, arguments)
                }
                _ => self.look_up(&name, at),
            },
            (other, at) => Err(Problem::new(
                at,
                format!("a tensor, a number or a function is wanted here, and not {}", shown(&other)),
            )),
        }
    }

    fn look_up(&self, name: &str, at: usize) -> Evaluated<Value> {
        match self.names.get(name) {
            Some((value, _)) => Ok(value.clone()),
            None => {
                let hint = did_you_mean(name, self.names.keys().map(String::as_str));
                Err(Problem::new(
                    at,
                    format!("nothing is called {name} so far{hint}; `{name} = normal(4, 3)` would make it"),
                ))
            }
        }
    }

    fn arguments(&mut self, open: usize) -> Evaluated<Arguments> {
        let mut arguments = Arguments::default();
        if let (Token::Mark(')'), _) = self.peek() {
            self.at += 1;
            return Ok(arguments);
        }
        loop {
            let named = match (self.tokens.get(self.at), self.tokens.get(self.at + 1)) {
                (Some((Token::Name(name), at)), Some((Token::Mark('='), _))) => Some((name.clone(), *at)),
                _ => None,
            };
            if named.is_some() {
                self.at += 2;
            }
            let at = self.peek().1;
            let value = self.expression()?;
            match named {
                Some((name, at)) => arguments.named.push((name, value, at)),
                None => arguments.values.push((value, at)),
            }
            match self.next() {
                (Token::Mark(','), _) => {}
                (Token::Mark(')'), _) => return Ok(arguments),
                (other, at) => return Err(unclosed(')', open, at, &other)),
            }
        }
    }

    /// `[[1, 2], [3, 4]]`: a constant.
    fn list(&mut self, open: usize) -> Evaluated<Value> {
        let mut parts = Vec::new();
        loop {
            let at = self.peek().1;
            parts.push((self.expression()?.tensor(), at));
            if parts.len() > MOST_ELEMENTS {
                return Err(Problem::new(open, format!("a list may have {MOST_ELEMENTS} entries")));
            }
            match self.next() {
                (Token::Mark(','), _) => {}
                (Token::Mark(']'), _) => break,
                (other, at) => return Err(unclosed(']', open, at, &other)),
            }
        }
        let shape = parts[0].0.shape().clone();
        let mut elements = Vec::new();
        for (part, at) in &parts {
            if part.requires_grad() {
                return Err(Problem::new(
                    *at,
                    "a list is made of numbers; param([1, 2]) asks for the gradient of a whole one",
                ));
            }
            if *part.shape() != shape {
                let message =
                    format!("this entry is {} and the first one is {shape}; all must be alike", part.shape());
                return Err(Problem::new(*at, message));
            }
            elements.extend(part.to_vec::<f64>());
            self.room(open, elements.len())?;
        }
        let shape: Vec<usize> = std::iter::once(parts.len()).chain(shape.iter().copied()).collect();
        let made = Tensor::try_from_slice(&elements, shape).map_err(|error| Problem::new(open, error))?;
        Ok(Value::Tensor(made))
    }

    fn operator(&mut self, mark: char, at: usize, left: Value, right: Value) -> Evaluated<Value> {
        self.count(at)?;
        use Value::{Number, Tensor as Whole};
        let unary = |op: Unary, tensor: &Tensor| self.apply(at, op, &[tensor]);
        Ok(Whole(match (mark, left, right) {
            ('@', left, right) => self.product(at, &left.tensor(), &right.tensor())?,
            (_, Number(a), Number(b)) => {
                return Ok(Number(match mark {
                    '+' => a + b,
                    '-' => a - b,
                    '*' => a * b,
                    '/' => a / b,
                    _ => a.powf(b),
                }));
            }
            ('+', Whole(x), Number(c)) | ('+', Number(c), Whole(x)) => unary(Unary::AddScalar(c), &x)?,
            ('*', Whole(x), Number(c)) | ('*', Number(c), Whole(x)) => unary(Unary::MulScalar(c), &x)?,
            ('-', Whole(x), Number(c)) => unary(Unary::AddScalar(-c), &x)?,
            ('-', Number(c), Whole(x)) => unary(Unary::AddScalar(c), &unary(Unary::Neg, &x)?)?,
            ('/', Whole(x), Number(c)) => unary(Unary::DivScalar(c), &x)?,
            ('/', Number(c), Whole(x)) => unary(Unary::MulScalar(c), &unary(Unary::Reciprocal, &x)?)?,
            ('^', Whole(x), Number(2.0)) => unary(Unary::Square, &x)?,
            ('^', Whole(x), Number(c)) => unary(Unary::PowScalar(c), &x)?,
            (_, left, right) => {
                let op = match mark {
                    '+' => Binary::Add,
                    '-' => Binary::Sub,
                    '*' => Binary::Mul,
                    '/' => Binary::Div,
                    _ => Binary::Pow,
                };
                self.binary(at, op, &left.tensor(), &right.tensor())?
            }
        }))
    }

    /// A function of two tensors, element by element.
    pub fn binary(&self, at: usize, op: Binary, left: &Tensor, right: &Tensor) -> Evaluated<Tensor> {
        let shape =
            broadcast("this", left.shape(), right.shape()).map_err(|error| Problem::new(at, error))?;
        self.room(at, shape.numel())?;
        self.apply(at, op, &[left, right])
    }

    /// The matrix product of tensors of at least two axes each.
    pub fn product(&self, at: usize, left: &Tensor, right: &Tensor) -> Evaluated<Tensor> {
        let (a, b) = (left.dims(), right.dims());
        let fits = a.len() >= 2 && b.len() >= 2 && a[a.len() - 1] == b[b.len() - 2];
        if !fits {
            let message = format!(
                "a matrix product takes [m, k] and [k, n], and these are {} and {}",
                left.shape(),
                right.shape()
            );
            return Err(Problem::new(at, message));
        }
        let batch = |shape: &[usize]| shape[..shape.len() - 2].into();
        let batch = broadcast("matmul", &batch(a), &batch(b)).map_err(|error| Problem::new(at, error))?;
        self.room(at, batch.numel() * a[a.len() - 2] * b[b.len() - 1])?;
        Ok(left.matmul(right))
    }

    /// Runs an op, whose errors then have a place.
    pub fn apply(&self, at: usize, op: impl wengert_tensor::Op, inputs: &[&Tensor]) -> Evaluated<Tensor> {
        apply(op, inputs).map_err(|error| Problem::new(at, error))
    }

    /// Whether a tensor of so many numbers is small enough.
    pub fn room(&self, at: usize, elements: usize) -> Evaluated<()> {
        match elements > MOST_ELEMENTS {
            true => Err(Problem::new(
                at,
                format!("this would have {elements} numbers; a tensor may have {MOST_ELEMENTS}"),
            )),
            false => Ok(()),
        }
    }

    fn count(&mut self, at: usize) -> Evaluated<()> {
        self.calls += 1;
        match self.calls > MOST_CALLS {
            true => Err(Problem::new(at, format!("a snippet may have {MOST_CALLS} operators and functions"))),
            false => Ok(()),
        }
    }

    /// Reads something that may hold more of its kind, but not without end.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Evaluated<T>) -> Evaluated<T> {
        if self.depth == MOST_DEPTH {
            let message = format!(
                "brackets and signs may stand inside each other {MOST_DEPTH} deep; give a part a name"
            );
            return Err(Problem::new(self.peek().1, message));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn close(&mut self, mark: char, open: usize) -> Evaluated<()> {
        match self.next() {
            (Token::Mark(found), _) if found == mark => Ok(()),
            (other, at) => Err(unclosed(mark, open, at, &other)),
        }
    }

    /// The word that comes; an end of a statement after the last one.
    fn peek(&self) -> (Token, usize) {
        let last = || self.tokens.last().map_or(0, |(_, at)| *at);
        self.tokens.get(self.at).cloned().unwrap_or_else(|| (Token::End, last()))
    }

    fn next(&mut self) -> (Token, usize) {
        let token = self.peek();
        self.at += 1;
        token
    }
}

fn unclosed(mark: char, open: usize, at: usize, found: &Token) -> Problem {
    match found {
        Token::End => Problem::new(open, format!("this bracket is not closed by `{mark}`")),
        _ => Problem::new(at, format!("`,` or `{mark}` is wanted here, and not {}", shown(found))),
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Name(name) => format!("`{name}`"),
        Token::Number(number) => format!("`{number}`"),
        Token::Mark(mark) => format!("`{mark}`"),
        Token::End => "the end of the statement".into(),
    }
}
