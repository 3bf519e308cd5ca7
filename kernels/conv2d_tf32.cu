// Convolutions of f32 and their gradients on the tensor cores, rounded to TF32: about three decimal digits, in a third of the time.
#include "convolve.cuh"
#include "tensor_product.cuh"
#include "weight_grad.cuh"

// Rows and columns; rows and columns of warps; products; whether neighbouring threads bring neighbouring terms.
using Patches32x64 = TensorProduct<32, 64, 2, 2, 1, false>;
using Patches64x64 = TensorProduct<64, 64, 2, 2, 1, false>;
using Patches64x128 = TensorProduct<64, 128, 2, 4, 1, false>;

CONVOLUTION(conv2d_tf32_32x64_f32, Patches32x64)
CONVOLUTION(conv2d_tf32_64x64_f32, Patches64x64)
CONVOLUTION(conv2d_tf32_64x128_f32, Patches64x128)

using Positions32x32 = TensorProduct<32, 32, 2, 2, 1, true>;
using Positions32x64 = TensorProduct<32, 64, 2, 2, 1, true>;
using Positions64x64 = TensorProduct<64, 64, 2, 2, 1, true>;

WEIGHT_GRAD(conv2d_weight_grad_tf32_32x32_f32, Positions32x32)
WEIGHT_GRAD(conv2d_weight_grad_tf32_32x64_f32, Positions32x64)
WEIGHT_GRAD(conv2d_weight_grad_tf32_64x64_f32, Positions64x64)
