//! How the positions of a convolution are cut into blocks.

use std::ops::Range;

/// Some positions of a plane of results, in some images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub images: Range<usize>,
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

/// All positions `[images, rows, columns]`, cut into blocks of the same size, the last ones perhaps smaller. A block is
/// consecutive in memory: several images, or rows of one image, or a part of one row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks {
    block: [usize; 3],
    all: [usize; 3],
}

impl Blocks {
    /// Blocks of at most about `positions` positions, as even as can be.
    pub fn new(all: [usize; 3], positions: usize) -> Self {
        let [images, rows, columns] = all.map(|size| size.max(1));
        let even = |size: usize, most: usize| size.div_ceil(size.div_ceil(most.max(1)));
        let block = if columns >= positions {
            [1, 1, even(columns, positions)]
        } else if rows * columns >= positions {
            [1, even(rows, positions / columns), columns]
        } else {
            [even(images, positions / (rows * columns)), rows, columns]
        };
        Self { block, all }
    }

    /// Number of blocks.
    pub fn len(&self) -> usize {
        self.counts().iter().product()
    }

    /// Positions of the largest block.
    pub fn positions(&self) -> usize {
        self.block.iter().product()
    }

    pub fn block(&self, index: usize) -> Block {
        let [_, rows, columns] = self.counts();
        let cut = |axis: usize, i: usize| {
            let start = i * self.block[axis];
            start..(start + self.block[axis]).min(self.all[axis])
        };
        Block {
            images: cut(0, index / (rows * columns)),
            rows: cut(1, index / columns % rows),
            columns: cut(2, index % columns),
        }
    }

    fn counts(&self) -> [usize; 3] {
        std::array::from_fn(|axis| self.all[axis].div_ceil(self.block[axis]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_every_position_once() {
        for (all, positions) in [
            ([5, 4, 3], 1),
            ([5, 4, 3], 2),
            ([5, 4, 3], 7),
            ([5, 4, 3], 30),
            ([5, 4, 3], 1000),
            ([1, 1, 100], 48),
            ([0, 3, 3], 9),
            ([2, 0, 3], 9),
        ] {
            let blocks = Blocks::new(all, positions);
            let mut visited = vec![0; all.iter().product()];
            for block in (0..blocks.len()).map(|index| blocks.block(index)) {
                assert!(block.images.len() * block.rows.len() * block.columns.len() <= blocks.positions());
                for image in block.images {
                    for row in block.rows.clone() {
                        let row = (image * all[1] + row) * all[2];
                        block.columns.clone().for_each(|column| visited[row + column] += 1);
                    }
                }
            }
            assert!(visited.iter().all(|&visits| visits == 1), "{all:?} {positions}");
        }
    }
}
