// Convolutions and transposed convolutions of f32 by plain multiplications: all on old devices, and those of few channels.
#include "convolve.cuh"

using Tile4x128 = PlainTile<float, 1, 4, 4, 1>;
using Tile16x128 = PlainTile<float, 2, 2, 8, 2>;
using Tile32x64 = PlainTile<float, 4, 1, 8, 2>;
using Tile64x64 = PlainTile<float, 8, 1, 8, 2>;

CONVOLUTION(conv2d_4x128_f32, Tile4x128)
CONVOLUTION(conv2d_16x128_f32, Tile16x128)
CONVOLUTION(conv2d_32x64_f32, Tile32x64)
CONVOLUTION(conv2d_64x64_f32, Tile64x64)
