// Convolutions and transposed convolutions of f64.
#include "convolve.cuh"

using Tile4x128 = PlainTile<double, 1, 4, 4, 1>;
using Tile16x128 = PlainTile<double, 2, 2, 8, 2>;
using Tile32x64 = PlainTile<double, 4, 1, 8, 2>;
using Tile64x64 = PlainTile<double, 8, 1, 8, 2>;

CONVOLUTION(conv2d_4x128_f64, Tile4x128)
CONVOLUTION(conv2d_16x128_f64, Tile16x128)
CONVOLUTION(conv2d_32x64_f64, Tile32x64)
CONVOLUTION(conv2d_64x64_f64, Tile64x64)
