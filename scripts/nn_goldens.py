#!/usr/bin/env python3
"""Writes tests/goldens/nn.safetensors: what PyTorch's layers and optimisers compute.

    pip install torch==2.15.0 numpy
    python scripts/nn_goldens.py

All in f64 on the CPU. For each layer:

- `<layer>/state/<name>`: its state dictionary before,
- `<layer>/input`, `<layer>/initial<i>`: what it is fed, the latter being first states of recurrent layers,
- `<layer>/output<i>`: what it returns,
- `<layer>/cotangent`, `<layer>/gradient/<name>`, `<layer>/input_gradient`: the gradient of sum(output0 * cotangent),
- `<layer>/after/<name>`: its buffers after, where it has any,
- `<layer>/evaluated`: what it returns for the same input in evaluation.

For each optimiser `<optimiser>/start/<p>`, `<optimiser>/gradient/<step>/<p>` (none: that parameter has no gradient then),
`<optimiser>/value/<step>/<p>` and `<optimiser>/state/<p>/<name>` after the last step.
"""

import pathlib
import sys

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

import safetensors_io

TORCH_VERSION = "2.15.0"
PATH = pathlib.Path(__file__).resolve().parent.parent / "tests" / "goldens" / "nn.safetensors"
STEPS = 5


def normal(*shape):
    return torch.randn(shape, dtype=torch.float64)


def layers():
    """Name, layer, input and first states."""
    yield "linear", nn.Linear(5, 3), normal(2, 4, 5), []
    yield "linear_no_bias", nn.Linear(5, 3, bias=False), normal(4, 5), []
    yield "conv1d", nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2), normal(2, 4, 11), []
    yield "conv2d", nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=1, bias=False), normal(2, 2, 6, 5), []
    yield "conv_transpose1d", nn.ConvTranspose1d(4, 6, 3, stride=2, groups=2), normal(2, 4, 5), []
    transposed = nn.ConvTranspose2d(3, 2, 3, stride=2, padding=1, output_padding=1)
    yield "conv_transpose2d", transposed, normal(2, 3, 4, 3), []
    yield "batch_norm1d", nn.BatchNorm1d(3), normal(5, 3), []
    yield "batch_norm1d_length", nn.BatchNorm1d(3, momentum=None), normal(2, 3, 4), []
    yield "batch_norm2d", nn.BatchNorm2d(3, eps=1e-3, momentum=0.2), normal(2, 3, 4, 3), []
    yield "batch_norm2d_bare", nn.BatchNorm2d(3, affine=False, track_running_stats=False), normal(2, 3, 4, 3), []
    yield "layer_norm", nn.LayerNorm([4, 3]), normal(2, 5, 4, 3), []
    yield "group_norm", nn.GroupNorm(2, 6, eps=1e-3), normal(2, 6, 3, 2), []
    yield "instance_norm1d", nn.InstanceNorm1d(3, affine=True, track_running_stats=True), normal(2, 3, 5), []
    yield "instance_norm2d", nn.InstanceNorm2d(3), normal(2, 3, 4, 3), []
    yield "embedding", nn.Embedding(6, 4, padding_idx=2), torch.tensor([[0, 2, 5], [5, 1, 2]]), []
    mlp = nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Sequential(nn.Linear(6, 3), nn.LogSoftmax(dim=-1)))
    yield "sequential", mlp, normal(5, 4), []
    yield "spectral_norm_linear", spectral_norm(nn.Linear(5, 4)), normal(3, 5), []
    yield "spectral_norm_conv2d", spectral_norm(nn.Conv2d(2, 4, 3), n_power_iterations=2), normal(2, 2, 5, 5), []
    yield "spectral_norm_conv_transpose2d", spectral_norm(nn.ConvTranspose2d(2, 3, 2)), normal(2, 2, 3, 3), []
    yield "gru", nn.GRU(3, 4), normal(5, 2, 3), []
    gru = nn.GRU(3, 4, num_layers=2, batch_first=True, bidirectional=True)
    yield "gru_bidirectional", gru, normal(2, 5, 3), [normal(4, 2, 4)]
    yield "lstm", nn.LSTM(3, 4, num_layers=2), normal(6, 2, 3), [normal(2, 2, 4), normal(2, 2, 4)]
    yield "lstm_bidirectional", nn.LSTM(3, 2, batch_first=True, bidirectional=True, bias=False), normal(2, 3, 3), []
    yield "gru_cell", nn.GRUCell(3, 4), normal(2, 3), [normal(2, 4)]
    yield "lstm_cell", nn.LSTMCell(3, 4), normal(2, 3), [normal(2, 4), normal(2, 4)]
    for name, layer in {
        "relu": nn.ReLU(), "leaky_relu": nn.LeakyReLU(0.2), "elu": nn.ELU(0.7), "selu": nn.SELU(), "silu": nn.SiLU(),
        "gelu": nn.GELU(), "gelu_tanh": nn.GELU(approximate="tanh"), "tanh": nn.Tanh(), "sigmoid": nn.Sigmoid(),
        "softplus": nn.Softplus(), "softmax": nn.Softmax(dim=1), "log_softmax": nn.LogSoftmax(dim=1),
        "hardtanh": nn.Hardtanh(-0.5, 0.8), "identity": nn.Identity(), "flatten": nn.Flatten(),
        "unflatten": nn.Unflatten(1, (2, 2)), "max_pool2d": nn.MaxPool2d(2, stride=1, padding=1),
        "avg_pool2d": nn.AvgPool2d((2, 3), stride=2, padding=1), "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d((2, 3)),
        "upsample_nearest": nn.Upsample(scale_factor=2), "pixel_shuffle": nn.PixelShuffle(2),
        "upsample_bilinear": nn.Upsample(scale_factor=(2, 3), mode="bilinear"),
        "upsample_bilinear_aligned": nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
    }.items():  # fmt: skip
        yield name, layer, normal(2, 4, 5, 6), []
    yield "pixel_unshuffle", nn.PixelUnshuffle(2), normal(2, 1, 4, 6), []


def flat(result):
    """The tensors of a nested tuple."""
    return [result] if isinstance(result, torch.Tensor) else [tensor for part in result for tensor in flat(part)]


def run(layer, fed, initial):
    states = [] if not initial else [initial[0] if len(initial) == 1 else tuple(initial)]
    return flat(layer(fed, *states))


def layer_golden(layer, fed, initial):
    layer = layer.double()
    for name, tensor in layer.state_dict().items():
        if tensor.is_floating_point() and "running" not in name and "weight.0." not in name:
            # Nothing may hide behind ones and zeros.
            tensor.copy_(0.5 * torch.randn_like(tensor))
    golden = {f"state/{name}": tensor.clone() for name, tensor in layer.state_dict().items()}
    golden |= {"input": fed.clone()} | {f"initial{i}": tensor for i, tensor in enumerate(initial)}
    if fed.is_floating_point():
        fed.requires_grad_()
    outputs = run(layer, fed, initial)
    cotangent = normal(*outputs[0].shape)
    (outputs[0] * cotangent).sum().backward()
    golden |= {"cotangent": cotangent} | {f"output{i}": tensor for i, tensor in enumerate(outputs)}
    golden |= {f"gradient/{name}": parameter.grad for name, parameter in layer.named_parameters()}
    if fed.is_floating_point():
        golden["input_gradient"] = fed.grad
    golden |= {f"after/{name}": buffer.clone() for name, buffer in layer.named_buffers()}
    layer.eval()
    golden["evaluated"] = run(layer, fed, initial)[0]
    return golden


def optimisers():
    """Name and what makes the optimiser of two parameters."""
    optim = torch.optim
    yield "sgd", lambda p: optim.SGD(p, lr=0.1, weight_decay=0.3)
    yield "sgd_momentum", lambda p: optim.SGD(p, lr=0.1, momentum=0.8, dampening=0.3, weight_decay=0.2)
    yield "sgd_nesterov", lambda p: optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True)
    yield "adam", lambda p: optim.Adam(p, lr=0.1)
    yield "adam_amsgrad", lambda p: optim.Adam(p, lr=0.1, betas=(0.5, 0.7), weight_decay=0.2, amsgrad=True)
    yield "adamw", lambda p: optim.AdamW(p, lr=0.1, eps=1e-3)
    yield "adamw_amsgrad", lambda p: optim.AdamW(p, lr=0.1, weight_decay=0.5, amsgrad=True)
    yield "rmsprop", lambda p: optim.RMSprop(p, lr=0.1)
    yield "rmsprop_centered", lambda p: optim.RMSprop(
        p, lr=0.1, alpha=0.9, eps=1e-3, momentum=0.7, centered=True, weight_decay=0.1
    )
    yield "adagrad", lambda p: optim.Adagrad(p, lr=0.1)
    yield "adagrad_decay", lambda p: optim.Adagrad(
        p, lr=0.1, lr_decay=0.2, initial_accumulator_value=0.5, eps=1e-3, weight_decay=0.1
    )
    yield "groups", lambda p: optim.AdamW([{"params": p[:1]}, {"params": p[1:], "lr": 0.3, "weight_decay": 0.0}], lr=0.1)


def optimiser_golden(make):
    parameters = [nn.Parameter(normal(2, 3)), nn.Parameter(normal(4))]
    golden = {f"start/{p}": parameter.detach().clone() for p, parameter in enumerate(parameters)}
    optimiser = make(parameters)
    for step in range(STEPS):
        for p, parameter in enumerate(parameters):
            # The second parameter sits out one step: its step count and moments must lag behind.
            parameter.grad = None if (step, p) == (1, 1) else normal(*parameter.shape)
            if parameter.grad is not None:
                golden[f"gradient/{step}/{p}"] = parameter.grad.clone()
        optimiser.step()
        golden |= {f"value/{step}/{p}": parameter.detach().clone() for p, parameter in enumerate(parameters)}
    for p, parameter in enumerate(parameters):
        for name, tensor in optimiser.state[parameter].items():
            if isinstance(tensor, torch.Tensor) and name != "step":
                golden[f"state/{p}/{name}"] = tensor
    return golden


def main():
    if torch.__version__.split("+")[0] != TORCH_VERSION:
        sys.exit(f"torch {torch.__version__} found, {TORCH_VERSION} needed: pip install torch=={TORCH_VERSION}")
    torch.manual_seed(0)
    torch.set_num_threads(1)
    goldens = {name: layer_golden(layer, fed, initial) for name, layer, fed, initial in layers()}
    goldens |= {f"optimiser/{name}": optimiser_golden(make) for name, make in optimisers()}
    arrays = {
        f"{case}/{name}": tensor.detach().contiguous().numpy()
        for case, golden in goldens.items()
        for name, tensor in golden.items()
    }
    safetensors_io.write(PATH, arrays, {"torch": TORCH_VERSION})
    print(f"{PATH.name}: {len(goldens)} cases, {PATH.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
