// Sums of any kind over each channel of [batch, channels, length] arrays, in one pass.
//
// A block takes `width` neighbouring channels: one where the positions of a channel are neighbours in memory, more where
// there are so few of them that neighbouring threads had better read neighbouring channels. Its threads share out the
// elements of each channel, and so do gridDim.y blocks; what each block finds, a second kernel joins. Who adds what depends
// on the sizes only.
#pragma once
#include "common.cuh"

constexpr unsigned CHANNEL_BLOCK = 256;

struct Dims {
    unsigned batch, channels, length, width;

    // The channel of this thread; there may be fewer.
    __device__ __forceinline__ unsigned channel() const { return blockIdx.x * width + threadIdx.x % width; }
};

// The states of the threads of each channel of the block joined, for its first `width` threads. A State has a static
// `joined` of two.
template <class State> __device__ __forceinline__ State join_block(State mine, unsigned width) {
    __shared__ State states[CHANNEL_BLOCK];
    const unsigned thread = threadIdx.x;
    states[thread] = mine;
    for (unsigned half = CHANNEL_BLOCK / 2; half >= width; half /= 2) {
        __syncthreads();
        if (thread < half) {
            mine = State::joined(mine, states[thread + half]);
            states[thread] = mine;
        }
    }
    return mine;
}

// Adds this thread's elements of its channel to `state` by take(state, place in the array, example), and joins the block's.
template <class State, class Take> __device__ __forceinline__ State fold_channel(const Dims& dims, State state, Take take) {
    const unsigned channel = dims.channel(), elements = dims.batch * dims.length;
    const unsigned walkers = CHANNEL_BLOCK / dims.width, stride = walkers * gridDim.y;
    unsigned element = blockIdx.y * walkers + threadIdx.x / dims.width;
    if (channel < dims.channels && element < elements) {
        // Kept up to date by addition, as division is slow.
        unsigned example = element / dims.length, position = element % dims.length;
        const unsigned examples = stride / dims.length, positions = stride % dims.length;
        for (; element < elements; element += stride) {
            take(state, (example * dims.channels + channel) * dims.length + position, example);
            example += examples;
            position += positions;
            if (position >= dims.length) {
                position -= dims.length;
                example++;
            }
        }
    }
    return join_block(state, dims.width);
}

// Leaves the result of a channel in `parts`, or finishes it where there is no other block for it.
template <class State, class Finish>
__device__ __forceinline__ void leave(const Dims& dims, State state, State* parts, Finish finish) {
    const unsigned channel = dims.channel();
    if (threadIdx.x >= dims.width || channel >= dims.channels) return;
    if (gridDim.y == 1) {
        finish(channel, state);
    } else {
        parts[blockIdx.y * dims.channels + channel] = state;
    }
}

// Joins the parts of each channel, as many as `dims.batch`, of length 1.
template <class State, class Finish>
__device__ __forceinline__ void join_parts(const Dims& dims, const State* parts, Finish finish) {
    const State state = fold_channel(
        dims, State::none(), [=](State& state, unsigned part, unsigned) { state = State::joined(state, parts[part]); }
    );
    const unsigned channel = dims.channel();
    if (threadIdx.x < dims.width && channel < dims.channels) finish(channel, state);
}

// Two sums.
template <class T> struct Sums {
    T first, second;

    static __device__ __forceinline__ Sums none() { return {T(0), T(0)}; }
    static __device__ __forceinline__ Sums joined(Sums a, Sums b) { return {a.first + b.first, a.second + b.second}; }
};

// How many elements there are, their mean, and the squares of their distances from it, added up: Welford's formula for one
// more, and that of Chan, Golub and LeVeque (1979) for two parts. No digits are lost where the mean is far from 0.
template <class T> struct Moments {
    T count, mean, squares;

    static __device__ __forceinline__ Moments none() { return {T(0), T(0), T(0)}; }
    __device__ __forceinline__ void add(T x) {
        const T apart = x - mean;
        count += T(1);
        mean += apart / count;
        squares += apart * (x - mean);
    }
    static __device__ __forceinline__ Moments joined(Moments a, Moments b) {
        if (b.count == T(0)) return a;
        if (a.count == T(0)) return b;
        const T count = a.count + b.count, apart = b.mean - a.mean, share = b.count / count;
        return {count, a.mean + apart * share, a.squares + b.squares + apart * apart * a.count * share};
    }
};
