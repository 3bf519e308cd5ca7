"""Layers, optimisers, files."""

import pytest

import wengert
from wengert import nn, optim


class Net(nn.Module):
    def __init__(self, seed=0):
        super().__init__()
        rng = wengert.Generator(seed)
        self.body = nn.Sequential(nn.Linear(2, 16, generator=rng), nn.ReLU(), nn.Dropout(0.2, generator=rng))
        self.head = nn.Linear(16, 1, generator=rng)
        self.gain = nn.Parameter(wengert.ones(1))
        self.register_buffer("shift", wengert.zeros(1))

    def forward(self, x):
        return self.head(self.body(x)) * self.gain + self.shift


def test_names_are_pytorchs():
    net = Net()
    assert sorted(name for name, _ in net.named_parameters()) == [
        "body.0.bias",
        "body.0.weight",
        "gain",
        "head.bias",
        "head.weight",
    ]
    assert [name for name, _ in net.named_buffers()] == ["shift"]
    assert net.parameter_count() == 2 * 16 + 16 + 16 + 1 + 1
    assert "(head): Linear(16, 1)" in repr(net)
    net.assign_names()
    loss = net.eval()(wengert.ones(3, 2)).sum()
    assert "@head.weight" in str(wengert.Graph(loss)) or "head.weight" in str(wengert.Graph(loss))


def test_modules_need_their_constructor():
    class Forgetful(nn.Module):
        def __init__(self):
            self.fc = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"super\(\).__init__"):
        Forgetful()


@pytest.mark.parametrize(
    "make",
    [
        lambda p: optim.SGD(p, 0.1, momentum=0.9),
        lambda p: optim.Adam(p, 0.02),
        lambda p: optim.AdamW(p, 0.02),
        lambda p: optim.RMSprop(p, 0.01),
        lambda p: optim.Adagrad(p, 0.1),
    ],
)
def test_training_lowers_the_loss_and_resumes_to_the_bit(make, tmp_path):
    rng = wengert.Generator(1)
    x = wengert.randn(64, 2, generator=rng)
    y = (x * x).sum(1, keepdim=True)

    def steps(net, optimizer, count):
        losses = []
        for _ in range(count):
            loss = net(x).mse_loss(y)
            optimizer.zero_grad()
            loss.backward()
            optim.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
            losses.append(loss.item())
        return losses

    net = Net()
    optimizer = make(net.parameters())
    losses = steps(net, optimizer, 30)
    assert losses[-1] < losses[0]
    net.save(tmp_path / "net.safetensors")
    wengert.save(tmp_path / "optimizer.safetensors", optimizer.state_dict())
    wengert.save(tmp_path / "random.safetensors", net.generator_state())
    wanted = steps(net, optimizer, 5)

    other = Net(seed=5)
    again = make(other.parameters())
    other.load(tmp_path / "net.safetensors")
    again.load_state_dict(wengert.load(tmp_path / "optimizer.safetensors"))
    other.load_generator_state(wengert.load(tmp_path / "random.safetensors"))
    assert steps(other, again, 5) == wanted


def test_states_that_do_not_fit_change_nothing():
    net = Net()
    before = net.state_dict()
    state = {**before, "head.bias": wengert.ones(2), "gain": wengert.ones(1) * 9.0}
    with pytest.raises(ValueError, match="head.bias needs"):
        net.load_state_dict(state)
    state = {name: tensor for name, tensor in before.items() if name != "gain"}
    with pytest.raises(ValueError, match="missing"):
        net.load_state_dict(state)
    assert net.load_state_dict(state, strict=False).missing == ["gain"]
    assert net.gain.tolist() == [1.0]


def test_a_layer_and_its_activation_run_as_one_op_with_the_same_bits():
    rng = wengert.Generator(3)
    linear, relu, x = nn.Linear(4, 3, generator=rng), nn.ReLU(), wengert.randn(2, 4, generator=rng)
    fused = nn.Sequential(linear, relu)(x)
    assert fused.tolist() == relu(linear(x)).tolist()
    assert wengert.Graph(fused.sum()).ops == ["linear_relu", "sum"]


def test_shapes_of_every_layer():
    image, signal, table = wengert.ones(2, 4, 8, 8), wengert.ones(2, 4, 8), wengert.ones(2, 4)
    for layer, given, shape in [
        (nn.Conv1d(4, 3, 3), signal, (2, 3, 6)),
        (nn.Conv2d(4, 6, 3, stride=2, padding=(1, 1), groups=2), image, (2, 6, 4, 4)),
        (nn.ConvTranspose1d(4, 3, 4, stride=2, padding=1), signal, (2, 3, 16)),
        (nn.ConvTranspose2d(4, 3, 4, stride=2, padding=1), image, (2, 3, 16, 16)),
        (nn.BatchNorm1d(4), table, (2, 4)),
        (nn.BatchNorm2d(4, momentum=None), image, (2, 4, 8, 8)),
        (nn.InstanceNorm1d(4), signal, (2, 4, 8)),
        (nn.InstanceNorm2d(4), image, (2, 4, 8, 8)),
        (nn.LayerNorm([8, 8]), image, (2, 4, 8, 8)),
        (nn.LayerNorm(8), signal, (2, 4, 8)),
        (nn.GroupNorm(2, 4), image, (2, 4, 8, 8)),
        (nn.Dropout(), table, (2, 4)),
        (nn.Embedding(5, 3, padding_idx=0), wengert.tensor([[0, 1], [4, 2]]), (2, 2, 3)),
        (nn.MaxPool2d(2), image, (2, 4, 4, 4)),
        (nn.AvgPool2d(3, stride=1, padding=1), image, (2, 4, 8, 8)),
        (nn.AdaptiveAvgPool2d(1), image, (2, 4, 1, 1)),
        (nn.Upsample(2), image, (2, 4, 16, 16)),
        (nn.Upsample(2, "bilinear", align_corners=True), image, (2, 4, 16, 16)),
        (nn.PixelShuffle(2), image, (2, 1, 16, 16)),
        (nn.PixelUnshuffle(2), image, (2, 16, 4, 4)),
        (nn.Flatten(), image, (2, 256)),
        (nn.Unflatten(1, (2, 2)), table, (2, 2, 2)),
        (nn.Softmax(1), table, (2, 4)),
        (nn.LogSoftmax(-1), table, (2, 4)),
        (nn.Hardtanh(), table, (2, 4)),
        (nn.GELU("tanh"), table, (2, 4)),
        (nn.ELU(), table, (2, 4)),
        (nn.LeakyReLU(0.2), table, (2, 4)),
    ]:
        assert layer(given).shape == shape, layer
    for kind in (nn.ReLU, nn.SELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.LogSigmoid, nn.Softplus, nn.Identity, nn.GELU):
        assert kind()(table).shape == (2, 4)
    with pytest.raises(ValueError, match="channels"):
        nn.BatchNorm2d(3)(image)
    with pytest.raises(ValueError, match="probability"):
        nn.Dropout(2.0)


def test_recurrent_layers():
    sequence = wengert.ones(5, 2, 3)
    output, hidden = nn.GRU(3, 4, num_layers=2, bidirectional=True)(sequence)
    assert output.shape == (5, 2, 8) and hidden.shape == (4, 2, 4)
    output, (hidden, cell) = nn.LSTM(3, 4)(sequence)
    assert output.shape == (5, 2, 4) and hidden.shape == cell.shape == (1, 2, 4)
    assert nn.GRUCell(3, 4)(sequence[0]).shape == (2, 4)
    hidden, cell = nn.LSTMCell(3, 4)(sequence[0], (wengert.zeros(2, 4), wengert.zeros(2, 4)))
    assert hidden.shape == cell.shape == (2, 4)
    with pytest.raises(ValueError):
        nn.GRU(3, 4)(wengert.ones(5, 2, 7))


def test_training_and_evaluation_differ():
    dropout = nn.Dropout(0.5, generator=wengert.Generator(0))
    x = wengert.ones(1000)
    assert 300 < int(dropout(x).count_nonzero()) < 700
    assert dropout.eval()(x).tolist() == x.tolist()
    norm = nn.BatchNorm1d(2)
    norm(wengert.tensor([[1.0, 2.0], [3.0, 6.0]]))
    assert norm.running_mean.tolist() == pytest.approx([0.2, 0.4]) and norm.num_batches_tracked.item() == 1


def test_schedules_averages_and_initial_values():
    weight = nn.Parameter(wengert.ones(3, 3))
    sgd = optim.SGD([weight], 1.0)
    schedule = optim.Schedule.cosine(100).warm_up(10)
    sgd.scale_learning_rate(schedule.factor(5))
    assert sgd.learning_rate == 0.5
    ema = optim.Ema([weight], 0.75)
    nn.init.constant_(weight, 5.0)
    ema.update()
    ema.swap()
    assert weight.tolist() == [[2.0] * 3] * 3
    for fill in (
        nn.init.uniform_,
        nn.init.normal_,
        nn.init.trunc_normal_,
        nn.init.xavier_uniform_,
        nn.init.xavier_normal_,
        nn.init.kaiming_uniform_,
        nn.init.kaiming_normal_,
        nn.init.orthogonal_,
    ):
        first = fill(weight, generator=wengert.Generator(1)).tolist()
        assert first == fill(weight, generator=wengert.Generator(1)).tolist() != nn.init.zeros_(weight).tolist()
    assert weight.requires_grad
    with pytest.raises(ValueError):
        nn.init.kaiming_normal_(weight, mode="fan")
    with pytest.raises(ValueError, match="twice"):
        optim.Adam([weight, weight])


def test_files(tmp_path):
    tensors = {"a": wengert.ones(2), "b": wengert.tensor([1, 2])}
    for name in ("x.npz", "x.safetensors"):
        wengert.save(tmp_path / name, tensors)
        assert {k: v.tolist() for k, v in wengert.load(tmp_path / name).items()} == {"a": [1.0, 1.0], "b": [1, 2]}
    with pytest.raises(ValueError, match="must end in"):
        wengert.save(tmp_path / "x.txt", tensors)
    with pytest.raises(OSError):
        wengert.load(tmp_path / "none.npz")
    (tmp_path / "broken.pt").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="broken.pt"):
        wengert.load(tmp_path / "broken.pt")


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda p: optim.Adam(p, -1.0), "learning rate"),
        (lambda p: optim.Adam(p, betas=(1.0, 0.9)), "beta1"),
        (lambda p: optim.AdamW(p, eps=-1.0), "eps"),
        (lambda p: optim.SGD(p, 0.1, nesterov=True), "Nesterov needs a momentum"),
        (lambda p: setattr(optim.SGD(p, 0.1), "learning_rate", -1.0), "learning rate"),
    ],
)
def test_hyperparameters_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make([nn.Parameter(wengert.ones(1))])


def test_sizes_as_pytorch_takes_them():
    assert nn.Unflatten(1, (2, -1))(wengert.ones(2, 6)).shape == (2, 2, 3)
    assert nn.Embedding(4, 2, padding_idx=-1).weight[3].tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match=r"padding_idx is -5; of 4 entries it must lie in -4\.\.4"):
        nn.Embedding(4, 2, padding_idx=-5)
    assert nn.Linear(0, 3)(wengert.ones(2, 0)).tolist() == [[0.0] * 3] * 2
