// Convolutions of f32 and their gradients on the tensor cores, to about the accuracy of f32: each number in two parts of TF32.
#include "convolve.cuh"
#include "tensor_product.cuh"
#include "weight_grad.cuh"

// Rows and columns; rows and columns of warps; products; whether neighbouring threads bring neighbouring terms.
using Patches32x64 = TensorProduct<32, 64, 2, 2, 3, false>;
using Patches64x64 = TensorProduct<64, 64, 2, 2, 3, false>;
using Patches64x128 = TensorProduct<64, 128, 2, 4, 3, false>;

CONVOLUTION(conv2d_tensor_32x64_f32, Patches32x64)
CONVOLUTION(conv2d_tensor_64x64_f32, Patches64x64)
CONVOLUTION(conv2d_tensor_64x128_f32, Patches64x128)

using Positions32x32 = TensorProduct<32, 32, 2, 2, 3, true>;
using Positions32x64 = TensorProduct<32, 64, 2, 2, 3, true>;
using Positions64x64 = TensorProduct<64, 64, 2, 2, 3, true>;

WEIGHT_GRAD(conv2d_weight_grad_tensor_32x32_f32, Positions32x32)
WEIGHT_GRAD(conv2d_weight_grad_tensor_32x64_f32, Positions32x64)
WEIGHT_GRAD(conv2d_weight_grad_tensor_64x64_f32, Positions64x64)
