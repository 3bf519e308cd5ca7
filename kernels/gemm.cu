// Matrix products of f32 on the tensor cores, to about the accuracy of f32: each number in two parts of TF32.
#include "matmul.cuh"
#include "tensor_tile.cuh"

// Rows, columns, depths; rows and columns of warps; stages; products. As crates/cuda/src/gemm/plan.rs has them too.
using Tile128x128 = TensorTile<128, 128, 16, 2, 4, 4, 3>;
using Tile64x64 = TensorTile<64, 64, 32, 2, 2, 3, 3>;
using Tile32x32 = TensorTile<32, 32, 32, 2, 2, 4, 3>;
using Tile16x64 = TensorTile<16, 64, 32, 1, 4, 4, 3>;
using Tile64x16 = TensorTile<64, 16, 32, 4, 1, 4, 3>;

MATMUL_KERNELS(matmul_128x128, f32, float, Tile128x128)
MATMUL_KERNELS(matmul_64x64, f32, float, Tile64x64)
MATMUL_KERNELS(matmul_32x32, f32, float, Tile32x32)
MATMUL_KERNELS(matmul_16x64, f32, float, Tile16x64)
MATMUL_KERNELS(matmul_64x16, f32, float, Tile64x16)
