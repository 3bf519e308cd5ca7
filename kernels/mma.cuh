// One step of the tensor cores: a warp multiplies 16x8 by 8x8 numbers in TF32 and adds them up in f32 (m16n8k8; PTX ISA,
// "Matrix fragments for mma.m16n8k8"). PTX on the device, and the same numbers by plain arithmetic on the host.
#pragma once
#include "common.cuh"

// x rounded to TF32: 10 bits of mantissa, to nearest, ties away from zero. As the bits of a float whose last 13 are zero.
__device__ __forceinline__ unsigned to_tf32(float x) {
#if defined(CUDA_ON_HOST)
    const unsigned bits = __float_as_uint(x);
    const bool finite = (bits & 0x7f800000u) != 0x7f800000u;
    return finite ? (bits + 0x1000u) & 0xffffe000u : bits;
#else
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return bits;
#endif
}

// What `to_tf32` left over of x, itself in TF32: with the two products of high and low parts, a product of TF32 numbers
// comes to about the accuracy of f32.
__device__ __forceinline__ unsigned tf32_remainder(float x, unsigned rounded) { return to_tf32(x - __uint_as_float(rounded)); }

// d += a * b for the whole warp. With row = lane / 4 and column = lane % 4 a lane holds
//   a: (row, column), (row + 8, column), (row, column + 4), (row + 8, column + 4)   of 16 x 8,
//   b: (column, row), (column + 4, row)                                             of 8 x 8,
//   d: (row, 2 column), (row, 2 column + 1), (row + 8, 2 column), (row + 8, 2 column + 1)   of 16 x 8.
__device__ __forceinline__ void mma_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#if defined(CUDA_ON_HOST)
    // A row of a, and a column of b, is spread over four neighbouring lanes.
    float held[6];
    memcpy(held, a, sizeof a);
    memcpy(held + 4, b, sizeof b);
    unsigned present;
    const ::emulator::Slot* slots = ::emulator::exchange_in_warp(ALL_LANES, held, sizeof held, &present, EMULATOR_SITE);
    const int mine = block_index() % WARP, row = mine / 4, column = mine % 4;
    float rows[2][8], columns[2][8];
    for (int lane = 0; lane < 4; ++lane) {
        memcpy(held, slots[row * 4 + lane].bytes, sizeof held);
        for (int i = 0; i < 4; ++i) rows[i % 2][lane + i / 2 * 4] = held[i];
        for (int j = 0; j < 2; ++j) {
            memcpy(held, slots[(column * 2 + j) * 4 + lane].bytes, sizeof held);
            for (int i = 0; i < 2; ++i) columns[j][lane + i * 4] = held[4 + i];
        }
    }
    for (int i = 0; i < 4; ++i) {
        for (int k = 0; k < 8; ++k) d[i] += rows[i / 2][k] * columns[i % 2][k];
    }
#else
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};\n"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}
