// Matrix products of f32 and f64 by fused multiplications and additions.
#include "fma_tile.cuh"
#include "matmul.cuh"

// Rows, columns, depths; rows and columns of threads; stages. As crates/cuda/src/gemm/plan.rs has them too.
using Single128x128 = FmaTile<float, 128, 128, 16, 16, 16, 4>;
using Single64x64 = FmaTile<float, 64, 64, 16, 16, 16, 4>;
using Single32x32 = FmaTile<float, 32, 32, 16, 8, 16, 4>;
using Double64x64 = FmaTile<double, 64, 64, 16, 16, 16, 3>;
using Double32x32 = FmaTile<double, 32, 32, 16, 8, 16, 4>;

MATMUL_KERNELS(matmul_fma_128x128, f32, float, Single128x128)
MATMUL_KERNELS(matmul_fma_64x64, f32, float, Single64x64)
MATMUL_KERNELS(matmul_fma_32x32, f32, float, Single32x32)
MATMUL_KERNELS(matmul_fma_64x64, f64, double, Double64x64)
MATMUL_KERNELS(matmul_fma_32x32, f64, double, Double32x32)
