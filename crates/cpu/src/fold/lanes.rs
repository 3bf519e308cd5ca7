//! The running values of a block.

/// Running values that are combined side by side: enough vectors of them to hide how long an addition takes.
pub(super) const LANES: usize = 64;

/// `K` results, each in its lanes.
pub(crate) struct Lanes<A, const K: usize>([[A; LANES]; K]);

impl<A: Copy, const K: usize> Lanes<A, K> {
    #[inline(always)]
    pub(crate) fn new(neutral: [A; K]) -> Self {
        Self(neutral.map(|neutral| [neutral; LANES]))
    }

    /// Combines `map(i, first[i], second[i])` into lane i modulo [`LANES`] of each result.
    #[inline(always)]
    pub(crate) fn extend<T: Copy, U: Copy>(
        &mut self,
        first: &[T],
        second: &[U],
        map: impl Fn(usize, T, U) -> [A; K],
        combine: impl Fn(A, A) -> A,
    ) {
        let (first_rows, first_rest) = first.as_chunks::<LANES>();
        let (second_rows, second_rest) = second.as_chunks::<LANES>();
        for (row, (a, b)) in first_rows.iter().zip(second_rows).enumerate() {
            for lane in 0..LANES {
                let values = map(row * LANES + lane, a[lane], b[lane]);
                for (lanes, &value) in self.0.iter_mut().zip(&values) {
                    lanes[lane] = combine(lanes[lane], value);
                }
            }
        }
        let start = first_rows.len() * LANES;
        for lane in 0..first_rest.len().min(second_rest.len()).min(LANES) {
            let values = map(start + lane, first_rest[lane], second_rest[lane]);
            for (lanes, &value) in self.0.iter_mut().zip(&values) {
                lanes[lane] = combine(lanes[lane], value);
            }
        }
    }

    /// The results. Lanes that no element has reached are neutral and do not show.
    #[inline(always)]
    pub(crate) fn finish(self, combine: impl Fn(A, A) -> A + Copy) -> [A; K] {
        self.0.map(|mut lanes| {
            combine_rows(&mut lanes, 1, combine);
            lanes[0]
        })
    }
}

/// Combines `map` of each pair of elements of two rows, in the lanes of one block however long they are.
#[inline(always)]
pub(crate) fn fold_slices<T: Copy, U: Copy, A: Copy>(
    first: &[T],
    second: &[U],
    neutral: A,
    map: impl Fn(T, U) -> A,
    combine: impl Fn(A, A) -> A + Copy,
) -> A {
    let mut lanes = Lanes::new([neutral]);
    lanes.extend(first, second, |_, a, b| [map(a, b)], combine);
    let [result] = lanes.finish(combine);
    result
}

/// Combines rows of `width` values by a binary tree into the first row.
#[inline(always)]
pub(crate) fn combine_rows<A: Copy>(rows: &mut [A], width: usize, combine: impl Fn(A, A) -> A) {
    let mut count = rows.len() / width;
    while count > 1 {
        // Halves of a power of two, the second perhaps short: the tree of few lanes is that of many with neutral ones.
        let half = count.next_power_of_two() / 2;
        let (left, right) = rows[..count * width].split_at_mut(half * width);
        for (a, &b) in left.iter_mut().zip(&*right) {
            *a = combine(*a, b);
        }
        count = half;
    }
}
