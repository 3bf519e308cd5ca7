//! How a product is turned and cut. What is added up in which order follows from its shape and strides alone; how many threads
//! there are only changes which of them computes a row.

use super::dot::EDGE as DOT_EDGE;
use super::kernel::Kernel;
use std::ops::Range;

/// The way a product `out = left · right` is computed: the columns of `right` become panels, the rows of `left` are read
/// in place or become strips.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Whether left and right are the given operands b and a, turned: Cᵀ = Bᵀ·Aᵀ.
    pub turned: bool,
    pub method: Method,
    pub rows: usize,
    pub depth: usize,
    pub columns: usize,
    /// Rows of a register tile.
    tile_rows: usize,
    /// Elements of a vector.
    lanes: usize,
    /// Panels that `right` is cut into.
    panels: usize,
    /// Groups of panels that are packed together.
    pub groups: usize,
    /// Parts of the depth, each added to the sum of those before.
    pub depth_parts: usize,
    /// Parts of the rows, for as many tasks.
    pub row_parts: usize,
    /// Rows that are multiplied by all panels of a group before the next ones are.
    pub row_step: usize,
    /// Whether a panel is fetched while the one before it is multiplied.
    pub fetch_ahead: bool,
    /// Whether rows of left, which lie down its columns, are copied before they are multiplied.
    pub strips: bool,
}

/// What stands in the inner loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Tiles by panels that were packed.
    Packed,
    /// Tiles by panels that are read in place.
    InPlace,
    /// Inner products along k.
    Dot,
}

/// Bytes of left rows that stay in the second-level cache while panel after panel is packed and multiplied by them.
const RESIDENT_BYTES: usize = 512 << 10;
/// Bytes of packed panels that are kept there where the rows are more, so that those are not read again for each panel.
const GROUP_BYTES: usize = 576 << 10;
/// Bytes of rows that are multiplied by all panels of such a group before the next ones are.
const STEP_BYTES: usize = 128 << 10;
/// Bytes of a right operand that is likely to be in the second-level cache already.
const NEAR_BYTES: usize = 256 << 10;
/// Longest part of the depth.
const LONGEST_DEPTH: usize = 1024;
/// Depth beyond which the rows of a left that lies down its columns become strips: of what a tile reads there, half a cache
/// line for each k, the other half is out of the first-level cache before the tile below comes for it.
const MOST_IN_PLACE: usize = 512;
/// The same where those rows crowd each other out of the first-level cache, with AVX2.
const MOST_CROWDED: usize = 64;
/// Distances of rows in whole multiples of this crowd: the lines of one column share a few sets of the first-level cache.
const CROWDING_BYTES: usize = 1024;
/// Longest part of the depth of strips.
const STRIPS_DEPTH: usize = 384;
/// A distance of rows at which the lines above each other share one set of the first-level cache.
const ONE_SET_BYTES: usize = 4096;
/// Multiply-adds that are worth a task of their own: a few microseconds.
const TASK_WORK: usize = 1 << 18;
/// Tasks wanted of one product, so that many cores have something to do.
const MOST_TASKS: usize = 32;
/// Tasks for a few cores, for which panels are packed fewer at a time than would be best for one.
const ENOUGH_TASKS: usize = 4;
/// Fewest rows of a task that packs panels anew for each part of the depth.
const TALL: usize = 96;

impl Plan {
    /// `a` and `b` are the row and column strides of the operands, `threads` those that share the work.
    pub fn new(kernel: &Kernel, threads: usize, [m, k, n]: [usize; 3], a: [isize; 2], b: [isize; 2]) -> Self {
        let turn = |[row, column]: [isize; 2]| [column, row];
        let (cost, method) = Method::choose(kernel, [m, k, n], a, b);
        let (turned_cost, turned_method) = Method::choose(kernel, [n, k, m], turn(b), turn(a));
        let turned = cost > turned_cost + TURNED_STORE * (m * n) as f64;
        let (method, [rows, columns], [left, right]) =
            if turned { (turned_method, [n, m], [turn(b), turn(a)]) } else { (method, [m, n], [a, b]) };

        let panels = columns.div_ceil(kernel.columns);
        let strips = method == Method::Packed && in_strips(kernel, k, left);
        let depth_parts = if method == Method::Dot { 1 } else { depth_parts(k, strips) };
        let depth = k.div_ceil(depth_parts);
        let tasks = (m * k * n / TASK_WORK).clamp(1, MOST_TASKS);
        let most_row_parts = rows.div_ceil(if depth_parts > 1 { TALL } else { kernel.rows });
        // Of strips a thread keeps those of one part of the depth.
        let resident = rows * depth * size_of::<f32>() <= RESIDENT_BYTES && !(strips && depth_parts > 1);
        let groups = match method {
            Method::Dot => 1,
            Method::InPlace => panels,
            _ if resident && !one_set(right) => panels,
            _ => {
                let near = (columns * depth * size_of::<f32>()).div_ceil(GROUP_BYTES);
                near.max(tasks.min(ENOUGH_TASKS).div_ceil(most_row_parts)).min(panels)
            }
        };
        // With a panel at a time, strips of all rows are made once for all panels. Where the depth has parts, every task packs
        // the panels of each anew: no more tasks than threads.
        let most_row_parts = match (strips && groups == panels, depth_parts > 1) {
            (true, _) => 1,
            (false, true) => most_row_parts.min(threads.div_ceil(groups)),
            (false, false) => most_row_parts,
        };
        let row_parts = tasks.div_ceil(groups).min(most_row_parts);
        let row_step = if groups == panels {
            rows
        } else {
            (STEP_BYTES / size_of::<f32>() / depth.max(1)).next_multiple_of(kernel.rows)
        };
        // Where groups have several panels, rows are many, and waiting for panels takes little of the time.
        let fetch_ahead = groups == panels && k * columns * size_of::<f32>() > NEAR_BYTES;
        let (tile_rows, lanes) = (kernel.rows, kernel.lanes);
        Self {
            turned,
            method,
            rows,
            depth: k,
            columns,
            tile_rows,
            lanes,
            panels,
            groups,
            depth_parts,
            row_parts,
            row_step,
            fetch_ahead,
            strips,
        }
    }

    /// Number of tasks of one product; each takes a group of panels and a part of the rows.
    pub fn tasks(&self) -> usize {
        self.groups * self.row_parts
    }

    /// Part `index` of the depth.
    pub fn depth_part(&self, index: usize) -> Range<usize> {
        cut(self.depth, self.depth_parts, index)
    }

    /// Part `index` of the rows, of whole tiles except for the last.
    pub fn row_part(&self, index: usize) -> Range<usize> {
        let tiles = cut(self.rows.div_ceil(self.tile_rows), self.row_parts, index);
        tiles.start * self.tile_rows..(tiles.end * self.tile_rows).min(self.rows)
    }

    /// The panels of a group.
    pub fn group(&self, index: usize) -> Range<usize> {
        cut(self.panels, self.groups, index)
    }

    /// The columns of a panel: whole vectors, about as many as in the other panels.
    pub fn panel(&self, index: usize) -> Range<usize> {
        let vectors = cut(self.columns.div_ceil(self.lanes), self.panels, index);
        vectors.start * self.lanes..(vectors.end * self.lanes).min(self.columns)
    }
}

/// Whether the rows of left, which has these row and column strides, become strips for a product of this depth.
fn in_strips(kernel: &Kernel, depth: usize, [row, column]: [isize; 2]) -> bool {
    let crowded = (column.unsigned_abs() * size_of::<f32>()).is_multiple_of(CROWDING_BYTES);
    // With AVX-512 a step of k takes twice as long, in which the second-level cache keeps up.
    let most = if crowded && kernel.lanes == 8 { MOST_CROWDED } else { MOST_IN_PLACE };
    row == 1 && column != 1 && depth > most
}

/// Whether the rows of right, which has these strides, crowd each other out of the cache: a panel of them is waited for when
/// it is packed, so that panels are packed together, whole rows or long parts of them.
fn one_set([row, column]: [isize; 2]) -> bool {
    column == 1 && (row.unsigned_abs() * size_of::<f32>()).is_multiple_of(ONE_SET_BYTES)
}

/// Parts of the depth, of about the same length.
fn depth_parts(depth: usize, strips: bool) -> usize {
    depth.div_ceil(if strips { STRIPS_DEPTH } else { LONGEST_DEPTH }).max(1)
}

/// Part `index` of `0..size` cut into `parts` that differ by at most one.
pub(super) fn cut(size: usize, parts: usize, index: usize) -> Range<usize> {
    size * index / parts..size * (index + 1) / parts
}

// Costs in cycles of an element, measured on a core with two multiply-add units.
const COPY: f64 = 0.12;
const TURN: f64 = 0.2;
const GATHER: f64 = 1.5;
const TURNED_STORE: f64 = 0.2;
/// Inner products: adding up the lanes of a sum.
const LANES_SUM: f64 = 1.5;
/// Left rows that are too many for the second-level cache: reading them again for each panel but the first.
const AGAIN: f64 = 0.15;
/// Left rows that become strips.
const STRIP: f64 = 0.2;
/// Inner products: how much longer they take than the multiply-adds alone.
const DOT_SLACK: f64 = 1.15;
/// Multiply-adds that the units have under way at a time, and a little more.
const CHAINS: usize = 12;

impl Method {
    /// The cheapest method and its cost, for left [rows, depth] and right [depth, columns] with these row and column
    /// strides.
    fn choose(
        kernel: &Kernel,
        [rows, depth, columns]: [usize; 3],
        left: [isize; 2],
        right: [isize; 2],
    ) -> (f64, Method) {
        let vectors = columns.div_ceil(kernel.lanes);
        let chains = rows.clamp(1, kernel.rows) * vectors.clamp(1, kernel.columns / kernel.lanes);
        let slack = (CHAINS as f64 / chains as f64).max(1.0);
        let panels = vectors.div_ceil(kernel.columns / kernel.lanes);
        let strips = in_strips(kernel, depth, left);
        let part = depth.div_ceil(depth_parts(depth, strips));
        let stay = rows * part * size_of::<f32>() <= RESIDENT_BYTES;
        let again = if stay { 0.0 } else { AGAIN * (panels - 1) as f64 };
        let strip = if strips { STRIP } else { 0.0 };
        let tiles = (rows * vectors * depth) as f64 / 2.0 * slack + (again + strip) * (rows * depth) as f64;
        let elements = (depth * columns) as f64;
        let packed = match right {
            [row, 1] if row >= 0 && rows <= 3 * kernel.rows => (tiles, Method::InPlace),
            [_, 1] => (tiles + COPY * elements, Method::Packed),
            [1, _] => (tiles + TURN * elements, Method::Packed),
            _ => (tiles + GATHER * elements, Method::Packed),
        };
        let turning = match right {
            [1, _] => 0.0,
            [_, 1] => TURN * elements,
            _ => GATHER * elements,
        };
        let sums = (rows.next_multiple_of(DOT_EDGE) * columns.next_multiple_of(DOT_EDGE)) as f64;
        let steps = depth.div_ceil(kernel.lanes) as f64 / 2.0;
        let dot = turning + sums * (steps * DOT_SLACK + LANES_SUM);
        if kernel.has_dot() && left[1] == 1 && dot < packed.0 { (dot, Method::Dot) } else { packed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weight gradients over the steps of a recurrent layer, and others with more to add up than to write.
    #[test]
    fn deep_products_are_cut_for_several_threads_and_not_for_one() {
        crate::simd::at_each_level(|level| {
            let kernel = Kernel::current();
            for [m, k, n] in
                [[384, 3584, 128], [384, 3584, 28], [28, 3584, 384], [128, 3584, 512], [96, 9000, 96]]
            {
                let [a, b] = [[1, m as isize], [n as isize, 1]];
                let plan = |threads| Plan::new(&kernel, threads, [m, k, n], a, b);
                assert!(plan(2).tasks() >= 2, "{level:?} {m}x{k}x{n}: {:?}", plan(2));
                assert_eq!(plan(1).row_parts, 1, "{level:?} {m}x{k}x{n}: {:?}", plan(1));
            }
        });
    }
}
