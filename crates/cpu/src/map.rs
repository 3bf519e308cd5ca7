//! Elementwise kernels: a function of one, two or three strided operands, written row-major into a slice.
//!
//! The function comes as a loop over slices, which [`unary`], [`binary`] and [`ternary`] make of it: that loop is all that
//! is compiled for each function. Whatever is not one slice is brought into that form, a block at a time: a
//! broadcast or strided operand is copied into a buffer that stays in the nearest cache, and so is an operand whose memory
//! takes the result.

use crate::copy::Merged;
use crate::element::Element;
use crate::par;
use crate::simd::{Kernel, vectorize_for};
use crate::view::View;
use std::borrow::Cow;

/// Sets every element of the result to a function of one element; the slices have one length.
pub type Unary<'f, A, R> = dyn Fn(&[A], &mut [R]) + Sync + 'f;
/// Sets every element of the result to a function of a pair; the slices have one length.
pub type Binary<'f, A, B, R> = dyn Fn(&[A], &[B], &mut [R]) + Sync + 'f;
/// Sets every element of the result to a function of a triple; the slices have one length.
pub type Ternary<'f, A, B, C, R> = dyn Fn(&[A], &[B], &[C], &mut [R]) + Sync + 'f;

/// A function of one element: a closure, or a struct of parameters.
///
/// A loop is vectorised where its function is branch-free and inlined. The compiler inlines closures of a line or two, into
/// which numbers should be captured by `move`: one that is read through a reference, and only in one arm, stands in the way.
/// A longer function is to be a struct that implements this trait with `#[inline(always)]`, which no closure can have.
pub trait Function1<A, R>: Copy + Sync {
    /// The function's value.
    fn call(self, a: A) -> R;
}

impl<A, R, F: Fn(A) -> R + Copy + Sync> Function1<A, R> for F {
    #[inline(always)]
    fn call(self, a: A) -> R {
        self(a)
    }
}

/// A function of two elements; see [`Function1`].
pub trait Function2<A, B, R>: Copy + Sync {
    /// The function's value.
    fn call(self, a: A, b: B) -> R;
}

impl<A, B, R, F: Fn(A, B) -> R + Copy + Sync> Function2<A, B, R> for F {
    #[inline(always)]
    fn call(self, a: A, b: B) -> R {
        self(a, b)
    }
}

/// A function of three elements; see [`Function1`].
pub trait Function3<A, B, C, R>: Copy + Sync {
    /// The function's value.
    fn call(self, a: A, b: B, c: C) -> R;
}

impl<A, B, C, R, F: Fn(A, B, C) -> R + Copy + Sync> Function3<A, B, C, R> for F {
    #[inline(always)]
    fn call(self, a: A, b: B, c: C) -> R {
        self(a, b, c)
    }
}

/// The loop of a function over slices.
pub fn unary<A: Element, R: Element>(f: impl Function1<A, R>) -> impl Fn(&[A], &mut [R]) + Sync {
    move |a, out| vectorize_for::<A, _>(Loop1 { a, out, f })
}

struct Loop1<'a, A, R, F> {
    a: &'a [A],
    out: &'a mut [R],
    f: F,
}

impl<A: Copy, R, F: Function1<A, R>> Kernel for Loop1<'_, A, R, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (out, &a) in self.out.iter_mut().zip(self.a) {
            *out = self.f.call(a);
        }
    }
}

/// The loop of a function over pairs of slices.
pub fn binary<A: Element, B: Element, R: Element>(
    f: impl Function2<A, B, R>,
) -> impl Fn(&[A], &[B], &mut [R]) + Sync {
    move |a, b, out| vectorize_for::<A, _>(Loop2 { a, b, out, f })
}

struct Loop2<'a, A, B, R, F> {
    a: &'a [A],
    b: &'a [B],
    out: &'a mut [R],
    f: F,
}

impl<A: Copy, B: Copy, R, F: Function2<A, B, R>> Kernel for Loop2<'_, A, B, R, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for ((out, &a), &b) in self.out.iter_mut().zip(self.a).zip(self.b) {
            *out = self.f.call(a, b);
        }
    }
}

/// The loop of a function over triples of slices.
pub fn ternary<A: Element, B: Element, C: Element, R: Element>(
    f: impl Function3<A, B, C, R>,
) -> impl Fn(&[A], &[B], &[C], &mut [R]) + Sync {
    move |a, b, c, out| vectorize_for::<R, _>(Loop3 { a, b, c, out, f })
}

struct Loop3<'a, A, B, C, R, F> {
    a: &'a [A],
    b: &'a [B],
    c: &'a [C],
    out: &'a mut [R],
    f: F,
}

impl<A: Copy, B: Copy, C: Copy, R, F: Function3<A, B, C, R>> Kernel for Loop3<'_, A, B, C, R, F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (((out, &a), &b), &c) in self.out.iter_mut().zip(self.a).zip(self.b).zip(self.c) {
            *out = self.f.call(a, b, c);
        }
    }
}

/// `out[i] = f(a[i])`.
///
/// # Panics
/// When `out` has another length than the view.
pub fn map1<A: Element, R: Element>(a: View<A>, out: &mut [R], f: &Unary<A, R>) {
    assert_eq!(out.len(), a.len(), "map1: output and operand must have the same number of elements");
    let a = Operand::new(&a);
    let block = block_size(a.is_whole());
    par::chunks_mut(out, par::CHUNK, |start, out| {
        let mut a = a.reader(start);
        out.chunks_mut(block).for_each(|out| f(a.next(out.len()), out));
    });
}

/// `out[i] = f(a[i], b[i])`.
///
/// # Panics
/// When the shapes differ or `out` has another length.
pub fn map2<A: Element, B: Element, R: Element>(a: View<A>, b: View<B>, out: &mut [R], f: &Binary<A, B, R>) {
    assert_eq!(a.shape(), b.shape(), "map2: operands must be broadcast to one shape");
    assert_eq!(out.len(), a.len(), "map2: output and operands must have the same number of elements");
    let (a, b) = (Operand::new(&a), Operand::new(&b));
    let block = block_size(a.is_whole() && b.is_whole());
    par::chunks_mut(out, par::CHUNK, |start, out| {
        let (mut a, mut b) = (a.reader(start), b.reader(start));
        out.chunks_mut(block).for_each(|out| f(a.next(out.len()), b.next(out.len()), out));
    });
}

/// `out[i] = f(a[i], b[i], c[i])`.
///
/// # Panics
/// When the shapes differ or `out` has another length.
pub fn map3<A: Element, B: Element, C: Element, R: Element>(
    a: View<A>,
    b: View<B>,
    c: View<C>,
    out: &mut [R],
    f: &Ternary<A, B, C, R>,
) {
    assert!(
        a.shape() == b.shape() && b.shape() == c.shape(),
        "map3: operands must be broadcast to one shape"
    );
    assert_eq!(out.len(), a.len(), "map3: output and operands must have the same number of elements");
    let (a, b, c) = (Operand::new(&a), Operand::new(&b), Operand::new(&c));
    let block = block_size(a.is_whole() && b.is_whole() && c.is_whole());
    par::chunks_mut(out, par::CHUNK, |start, out| {
        let (mut a, mut b, mut c) = (a.reader(start), b.reader(start), c.reader(start));
        out.chunks_mut(block).for_each(|out| f(a.next(out.len()), b.next(out.len()), c.next(out.len()), out));
    });
}

/// `values[i] = f(values[i])`.
pub fn map1_in_place<T: Element>(values: &mut [T], f: &Unary<T, T>) {
    par::chunks_mut(values, par::CHUNK, |_, values| with_copies(values, f));
}

/// `values[i] = f(values[i], b[i])`, where `values` lies row-major in the shape of `b`.
///
/// # Panics
/// When `values` has another length than `b`.
pub fn map2_in_place<T: Element, B: Element>(values: &mut [T], b: View<B>, f: &Binary<T, B, T>) {
    assert_eq!(values.len(), b.len(), "map2_in_place: both operands must have the same number of elements");
    let b = Operand::new(&b);
    par::chunks_mut(values, par::CHUNK, |start, values| {
        let mut b = b.reader(start);
        with_copies(values, |old, values| f(old, b.next(values.len()), values));
    });
}

/// Calls `body` on blocks of `values`, each with a copy of what it holds.
fn with_copies<T: Element>(values: &mut [T], mut body: impl FnMut(&[T], &mut [T])) {
    if values.len() <= FEW {
        let mut old = [T::default(); FEW];
        old[..values.len()].copy_from_slice(values);
        return body(&old[..values.len()], values);
    }
    let mut old = Vec::new();
    for values in values.chunks_mut(BLOCK) {
        old.clear();
        old.extend_from_slice(values);
        body(&old, values);
    }
}

/// Elements that are copied without an allocation, which would take longer than the function.
const FEW: usize = 32;

/// Elements that are brought into one slice at a time: few enough for the nearest cache, enough to hide what a call
/// costs.
const BLOCK: usize = 1024;

/// Elements of one call, given whether all operands lie in one slice already.
fn block_size(whole: bool) -> usize {
    if whole { par::CHUNK } else { BLOCK }
}

/// An operand of an elementwise kernel.
enum Operand<'a, T: Copy> {
    /// Row-major in one slice.
    Whole(Cow<'a, [T]>),
    /// To be copied block by block.
    Strided(Merged<'a, T>),
}

impl<'a, T: Element> Operand<'a, T> {
    fn new(view: &View<'a, T>) -> Self {
        if let Some(slice) = view.as_slice() {
            return Operand::Whole(Cow::Borrowed(slice));
        }
        let merged = Merged::new(view);
        if merged.closer_axis().is_none() {
            return Operand::Strided(merged);
        }
        // A transposed operand is copied whole: that is fast, and row by row is not.
        let mut copy = vec![T::default(); view.len()];
        merged.copy_to(&mut copy);
        Operand::Whole(Cow::Owned(copy))
    }

    fn is_whole(&self) -> bool {
        matches!(self, Operand::Whole(_))
    }

    /// Reads from row-major position `start` on.
    fn reader(&self, start: usize) -> Reader<'_, T> {
        Reader { operand: self, position: start, block: Vec::new() }
    }
}

struct Reader<'a, T: Copy> {
    operand: &'a Operand<'a, T>,
    position: usize,
    block: Vec<T>,
}

impl<T: Element> Reader<'_, T> {
    /// The next `len` elements.
    fn next(&mut self, len: usize) -> &[T] {
        let start = self.position;
        self.position += len;
        match self.operand {
            Operand::Whole(elements) => &elements[start..start + len],
            Operand::Strided(view) => {
                self.block.resize(len, T::default());
                view.copy_range(start, &mut self.block);
                &self.block
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(len: usize) -> Vec<i64> {
        (0..len as i64).collect()
    }

    #[test]
    fn every_layout_agrees_with_indexing() {
        let (data, other) = (counted(60_000), counted(60_000));
        let layouts: [([isize; 3], usize); 6] = [
            ([1500, 50, 1], 0),
            ([1, 40, 1200], 0),
            ([0, 50, 1], 7),
            ([1500, 0, 0], 0),
            ([0, 0, 0], 3),
            ([-1500, 50, 1], 58_500),
        ];
        let shape = [40, 30, 50];
        for (a_strides, a_offset) in &layouts {
            let a = View::new(&data, &shape, a_strides, *a_offset);
            let mut out = vec![0; a.len()];
            map1(a, &mut out, &unary(|a| a * 2));
            assert!(out.iter().enumerate().all(|(i, &v)| v == a.at(i) * 2));
            map1_in_place(&mut out, &unary(|a| a + 1));
            assert!(out.iter().enumerate().all(|(i, &v)| v == a.at(i) * 2 + 1));
            for (b_strides, b_offset) in &layouts {
                let b = View::new(&other, &shape, b_strides, *b_offset);
                map2(a, b, &mut out, &binary(|a, b| a * 3 - b));
                assert!(out.iter().enumerate().all(|(i, &v)| v == a.at(i) * 3 - b.at(i)));
                map3(a, b, a, &mut out, &ternary(|a, b, c| a * 3 - b + c * 5));
                assert!(out.iter().enumerate().all(|(i, &v)| v == a.at(i) * 8 - b.at(i)));
                a.copy_to(&mut out);
                map2_in_place(&mut out, b, &binary(|a, b| a * 3 - b));
                assert!(out.iter().enumerate().all(|(i, &v)| v == a.at(i) * 3 - b.at(i)));
            }
        }
    }

    #[test]
    fn scalars_and_empty_arrays() {
        let mut out = [0.0f32];
        let times = binary(|a: f32, b: f32| a * b);
        map2(View::new(&[2.0f32], &[], &[], 0), View::new(&[3.0f32], &[], &[], 0), &mut out, &times);
        assert_eq!(out, [6.0]);
        map1_in_place(&mut out, &unary(|a: f32| a + 1.0));
        assert_eq!(out, [7.0]);
        map1(View::new(&[] as &[f32], &[3, 0], &[0, 1], 0), &mut [], &unary(|a: f32| a));
    }
}
