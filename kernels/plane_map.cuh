// Linear maps along one axis: how averages and resampling make each output of a few inputs.
//
// A map tells which inputs an output is made of, which outputs an input goes to, and the weight of an input in an output,
// 0 where it has none. So the same struct serves the map and its adjoint, and there are no tables to upload.
#pragma once
#include "window.cuh"

// The mean of a window. Where padding counts, `padded` is the size of the axis with padding on both sides, and beyond that
// nothing counts; otherwise it is 0.
struct WindowAverage {
    Window window;
    int padded, unused;

    __device__ __forceinline__ int inputs() const { return window.input; }
    __device__ __forceinline__ int outputs() const { return window.output; }
    __device__ __forceinline__ Span inputs_of(int output) const { return window.sources(output); }
    __device__ __forceinline__ Span outputs_of(int input) const { return window.positions_over(input); }

    template <class T> __device__ __forceinline__ T weight(int output, int input) const {
        if (!window.reads(output, input)) return T(0);
        const int count = padded > 0
            ? least(ceiling_quotient(padded - output * window.stride, window.dilation), window.kernel)
            : window.taps_inside(output).count();
        return T(1) / T(count);
    }
};

// Ranges that cover the axis evenly: output o is the mean of the inputs from floor(o n / m) up to ceil((o + 1) n / m), for
// n inputs and m outputs.
struct AdaptiveAverage {
    int input_count, output_count;

    __device__ __forceinline__ int inputs() const { return input_count; }
    __device__ __forceinline__ int outputs() const { return output_count; }
    __device__ __forceinline__ Span inputs_of(int output) const {
        return {cut_below(output, input_count, output_count), cut_above(output + 1, input_count, output_count), 1};
    }
    // The same with inputs and outputs exchanged, as two ranges meet whichever of them is asked.
    __device__ __forceinline__ Span outputs_of(int input) const {
        return {cut_below(input, output_count, input_count), cut_above(input + 1, output_count, input_count), 1};
    }
    template <class T> __device__ __forceinline__ T weight(int output, int) const {
        return T(1) / T(inputs_of(output).count());
    }

private:
    __device__ static __forceinline__ int cut_below(int position, int from, int to) {
        return (int)((int64_t)position * from / to);
    }
    __device__ static __forceinline__ int cut_above(int position, int from, int to) {
        return (int)(((int64_t)position * from + to - 1) / to);
    }
};

// The first output for which a source that never falls is `input` or more, or the number of outputs.
template <class Source> __device__ __forceinline__ int first_output(int outputs, int input, Source source) {
    int low = 0, high = outputs;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (source(middle) < input) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// Output o is input floor(o * step).
struct Nearest {
    int input_count, output_count;
    double step;

    __device__ __forceinline__ int inputs() const { return input_count; }
    __device__ __forceinline__ int outputs() const { return output_count; }
    __device__ __forceinline__ int source(int output) const { return least((int)(output * step), input_count - 1); }
    __device__ __forceinline__ Span inputs_of(int output) const {
        const int at = source(output);
        return {at, at + 1, 1};
    }
    __device__ __forceinline__ Span outputs_of(int input) const {
        const auto source = [this](int output) { return this->source(output); };
        return {first_output(output_count, input, source), first_output(output_count, input + 1, source), 1};
    }
    template <class T> __device__ __forceinline__ T weight(int, int) const { return T(1); }
};

// Output o lies at input position max((o + 1/2) * step - 1/2, 0), or at o * step where the corners are aligned, and is
// interpolated linearly between the inputs on both sides.
struct Linear {
    int input_count, output_count;
    double step;
    int align_corners, unused;

    __device__ __forceinline__ int inputs() const { return input_count; }
    __device__ __forceinline__ int outputs() const { return output_count; }

    __device__ __forceinline__ double at(int output) const {
        return align_corners ? output * step : fmax((output + 0.5) * step - 0.5, 0.0);
    }
    __device__ __forceinline__ int low(int output) const { return least((int)at(output), input_count - 1); }

    __device__ __forceinline__ Span inputs_of(int output) const {
        const int first = low(output);
        return {first, least(first + 2, input_count), 1};
    }
    __device__ __forceinline__ Span outputs_of(int input) const {
        const auto low = [this](int output) { return this->low(output); };
        return {first_output(output_count, input - 1, low), first_output(output_count, input + 1, low), 1};
    }
    template <class T> __device__ __forceinline__ T weight(int output, int input) const {
        const int first = low(output);
        const double high_weight = first + 1 < input_count ? at(output) - first : 0.0;
        return T(input == first ? 1.0 - high_weight : high_weight);
    }
};

// A map with inputs and outputs exchanged: the one that carries gradients back.
template <class Map> struct Transposed {
    Map map;

    __device__ __forceinline__ int inputs() const { return map.outputs(); }
    __device__ __forceinline__ int outputs() const { return map.inputs(); }
    __device__ __forceinline__ Span inputs_of(int output) const { return map.outputs_of(output); }
    template <class T> __device__ __forceinline__ T weight(int output, int input) const {
        return map.template weight<T>(input, output);
    }
};
