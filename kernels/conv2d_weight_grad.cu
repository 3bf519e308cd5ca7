// Gradients of convolutions in their weights by plain multiplications: all of f64 and on old devices, and those of few
// channels.
#include "weight_grad.cuh"

using Single4x32 = PlainTile<float, 4, 1, 1, 1>;
using Single32x32 = PlainTile<float, 4, 1, 8, 1>;
using Single32x64 = PlainTile<float, 4, 1, 8, 2>;
using Single64x64 = PlainTile<float, 8, 1, 8, 2>;

WEIGHT_GRAD(conv2d_weight_grad_4x32_f32, Single4x32)
WEIGHT_GRAD(conv2d_weight_grad_32x32_f32, Single32x32)
WEIGHT_GRAD(conv2d_weight_grad_32x64_f32, Single32x64)
WEIGHT_GRAD(conv2d_weight_grad_64x64_f32, Single64x64)

using Double4x32 = PlainTile<double, 4, 1, 1, 1>;
using Double32x32 = PlainTile<double, 4, 1, 8, 1>;
using Double32x64 = PlainTile<double, 4, 1, 8, 2>;
using Double64x64 = PlainTile<double, 8, 1, 8, 2>;

WEIGHT_GRAD(conv2d_weight_grad_4x32_f64, Double4x32)
WEIGHT_GRAD(conv2d_weight_grad_32x32_f64, Double32x32)
WEIGHT_GRAD(conv2d_weight_grad_32x64_f64, Double32x64)
WEIGHT_GRAD(conv2d_weight_grad_64x64_f64, Double64x64)
