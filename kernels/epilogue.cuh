// What becomes of the sums of a product: out = activation([accumulate] out + (sum + bias)).
//
// A type that takes finished sums is a result:
//
//   struct Result {
//       // Neighbours along a row; the first one's column is a multiple of their number.
//       void put(int row, int column, const Run<T>& sums) const;
//   };
//
// It is asked to put what lies outside its sizes too, and leaves that out.
#pragma once
#include "operand.cuh"

// As crates/cuda/src/gemm/ numbers them.
enum Activation : int { NO_ACTIVATION, RELU, LEAKY_RELU, TANH, SIGMOID };

// NaN stays NaN in each.
template <class T> __device__ __forceinline__ T activated(T x, int activation, T slope) {
    switch (activation) {
        case RELU: return x < T(0) ? T(0) : x;
        case LEAKY_RELU: return x > T(0) ? x : x * slope;
        case TANH: return tanh(x);
        case SIGMOID: return T(1) / (T(1) + exp(-x));
        default: return x;
    }
}

// As the launcher fills it. Strides count elements.
template <class T> struct Epilogue {
    T* out;
    // One value for each column, or for each row if `bias_of_rows`; null for none.
    const T* bias;
    int row_stride, column_stride;
    int bias_of_rows;
    int accumulate;
    int activation;
    // Whether 16 bytes can be written at once: the columns are neighbours, and all rows are aligned.
    int wide;
    double slope;
};

// A matrix in memory, as a result.
template <class T> struct MatrixResult {
    Epilogue<T> epilogue;
    int rows, columns;

    __device__ __forceinline__ void put(int row, int column, const Run<T>& sums) const {
        constexpr int N = Run<T>::LENGTH;
        if (row >= rows || column >= columns) return;
        T* const place = epilogue.out + (int64_t)row * epilogue.row_stride + (int64_t)column * epilogue.column_stride;
        const int inside = smaller(columns - column, N);
        Run<T> values = sums;
#pragma unroll
        for (int i = 0; i < N; i++) {
            if (i >= inside) break;
            if (epilogue.bias) values.element[i] += epilogue.bias[epilogue.bias_of_rows ? row : column + i];
            if (epilogue.accumulate) values.element[i] += place[(int64_t)i * epilogue.column_stride];
            values.element[i] = activated(values.element[i], epilogue.activation, T(epilogue.slope));
        }
        if (epilogue.wide && inside == N) {
            *reinterpret_cast<Run<T>*>(place) = values;
        } else {
#pragma unroll
            for (int i = 0; i < N; i++) {
                if (i < inside) place[(int64_t)i * epilogue.column_stride] = values.element[i];
            }
        }
    }
};
