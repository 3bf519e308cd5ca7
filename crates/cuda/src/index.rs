//! Elements and slices picked by indices, one-hot codes and triangles: `index.cu`.
//!
//! Kernels do not follow an index that is out of range: it picks zero. [`check`](crate::check) finds such ones.

use crate::launch::{Grid, arguments};
use crate::strides::Strides;
use crate::{Error, Kind, Memory, Result, View};

fn refuse(op: &str, operands: &[&View<'_>], out: &Memory) -> Error {
    let sizes: Vec<_> = operands.iter().map(|operand| (operand.kind(), operand.sizes())).collect();
    Error::Argument(format!("{op}: {sizes:?} into {} bytes", out.bytes()))
}

/// Whether `out` has room for `count` elements of this type, and kernels can count them.
fn has_room(out: &Memory, count: usize, kind: Kind) -> bool {
    count <= i32::MAX as usize && count * kind.size() <= out.bytes()
}

/// `out[i, j, k] = source[i, index[i, j, k], k]` for axis 1 of three, and likewise for any rank and axis. `out` is
/// row-major in the shape of `index`, i64, whose other axes may be shorter than those of `source`.
///
/// # Errors
/// When ranks or sizes do not fit, `index` is not i64, or `out` is too small.
pub fn gather(source: View<'_>, index: View<'_>, axis: usize, out: &Memory) -> Result<()> {
    let count = index.count();
    let within = source.sizes().len() == index.sizes().len()
        && axis < index.sizes().len()
        && (0..index.sizes().len()).all(|i| i == axis || index.sizes()[i] <= source.sizes()[i]);
    if !within || index.kind() != Kind::I64 || !has_room(out, count, source.kind()) {
        return Err(refuse("gather", &[&source, &index], out));
    }
    if count == 0 {
        return Ok(());
    }
    let mut across = source.strides().to_vec();
    across[axis] = 0;
    let places = Strides::merged(index.sizes(), &[index.strides(), &across])?;
    let device = out.device();
    let (stride, size) = (source.strides()[axis] as i64, source.sizes()[axis] as i64);
    let name = format!("gather_{}", source.kind().suffix());
    let arguments =
        arguments![source.pointer(), index.pointer(), out.pointer(), count as u32, places, stride, size];
    // SAFETY: both views lie in their memory; the index reaches nowhere outside the source along the other axes, and the
    // kernel keeps to `size` along this one. `out` has room for `count` elements. Any grid will do.
    unsafe { device.launch("index.cu", &name, Grid::cover(device, count, 1), arguments) }
}

/// `out[i, j, k] = source[i, index[j], k]`, where `source` is a contiguous [outer, size, inner], and `index` a contiguous
/// vector of i64.
///
/// # Errors
/// When an operand is not contiguous, sizes do not fit, or `out` is too small.
pub fn index_select(
    source: View<'_>,
    [outer, size, inner]: [usize; 3],
    index: View<'_>,
    out: &Memory,
) -> Result<()> {
    let length = index.count();
    let count = outer * length * inner;
    if source.count() != outer * size * inner || !has_room(out, count, source.kind()) {
        return Err(refuse("index_select", &[&source, &index], out));
    }
    if count == 0 {
        return Ok(());
    }
    let device = out.device();
    let name = format!("index_select_{}", source.kind().suffix());
    let (source, index) = (source.dense()?, index.dense_of(Kind::I64)?);
    let [size, length, inner] = [size, length, inner].map(|size| size as u32);
    let arguments = arguments![source, index, out.pointer(), count as u32, size, length, inner];
    // SAFETY: `source` has the elements said, `index` has `length`, and `out` room for `count`; the kernel follows indices
    // below `size` only. Any grid will do.
    unsafe { device.launch("index.cu", &name, Grid::cover(device, count, 4), arguments) }
}

/// `out[i, index[i]] = 1` and 0 elsewhere, i64; out is [index.count(), classes].
///
/// # Errors
/// When `index` is not contiguous i64, or `out` is too small.
pub fn one_hot(index: View<'_>, classes: usize, out: &Memory) -> Result<()> {
    let count = index.count() * classes;
    if !has_room(out, count, Kind::I64) {
        return Err(refuse("one_hot", &[&index], out));
    }
    if count == 0 {
        return Ok(());
    }
    let device = out.device();
    let arguments = arguments![index.dense_of(Kind::I64)?, out.pointer(), count as u32, classes as u32];
    // SAFETY: `index` has count / classes elements and `out` room for `count`. Any grid will do.
    unsafe { device.launch("index.cu", "one_hot_i64", Grid::cover(device, count, 1), arguments) }
}

/// `out[b, c, …] = levels[c, pictures[rows[b], c, …]]` for pictures u8 `[N, C, …]`, rows i64 `[B]` and levels f32 `[C, 256]`.
///
/// # Errors
/// When operands are not contiguous or have other types or sizes, or `out` is too small.
pub fn pixels(pictures: View<'_>, rows: View<'_>, levels: View<'_>, out: &Memory) -> Result<()> {
    let [table, channels, ref sizes @ ..] = *pictures.sizes() else {
        return Err(refuse("index_pixels", &[&pictures], out));
    };
    let plane: usize = sizes.iter().product();
    let count = rows.count() * channels * plane;
    if levels.count() != channels * 256 || !has_room(out, count, Kind::F32) {
        return Err(refuse("index_pixels", &[&pictures, &rows, &levels], out));
    }
    if count == 0 {
        return Ok(());
    }
    let device = out.device();
    let mut arguments = arguments![
        pictures.dense_of(Kind::U8)?,
        rows.dense_of(Kind::I64)?,
        levels.dense_of(Kind::F32)?,
        out.pointer()
    ];
    [count, table, channels, plane].into_iter().for_each(|size| arguments.add(size as u32));
    // SAFETY: the operands are contiguous, of the kernel's types and of the sizes it is told, and `out` has room for `count`
    // elements; a row that is not in the table is not followed. Any grid will do.
    unsafe { device.launch("index.cu", "index_pixels_u8", Grid::cover(device, count, 4), arguments) }
}

/// Matrices [rows, columns] in the last two axes of a contiguous `input`: elements where `column - row ≤ diagonal`, or
/// ≥ where `upper`, and zero elsewhere.
///
/// # Errors
/// When `input` has no matrices or is not contiguous, or `out` is too small.
pub fn triangle(input: View<'_>, upper: bool, diagonal: i64, out: &Memory) -> Result<()> {
    let (count, kind) = (input.count(), input.kind());
    let [.., rows, columns] = *input.sizes() else {
        return Err(refuse("triangle", &[&input], out));
    };
    if !has_room(out, count, kind) {
        return Err(refuse("triangle", &[&input], out));
    }
    if count == 0 {
        return Ok(());
    }
    let device = out.device();
    let arguments = arguments![
        input.dense()?,
        out.pointer(),
        count as u32,
        rows as u32,
        columns as u32,
        diagonal,
        u8::from(upper)
    ];
    let name = format!("triangle_{}", kind.suffix());
    // SAFETY: `input` is contiguous and `out` has room for as many elements. Any grid will do.
    unsafe { device.launch("index.cu", &name, Grid::cover(device, count, 1), arguments) }
}
