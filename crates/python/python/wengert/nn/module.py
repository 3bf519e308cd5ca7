"""Modules: things with named parameters, buffers and modules inside them."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping, NamedTuple, TypeVar

from .. import _files
from .._wengert import Core, DType, Tensor
from ..autograd import no_grad

M = TypeVar("M", bound="Module")


def Parameter(data: Tensor, requires_grad: bool = True) -> Tensor:
    """A tensor that a module trains: a leaf with its own copy of the elements."""
    return data.copy().requires_grad_(requires_grad)


class Difference(NamedTuple):
    """Names that only one side of `load_state_dict` has."""

    missing: list[str]
    unexpected: list[str]


class Module:
    """A thing with named state: a layer, or a model made of layers.

    Subclasses set parameters (leaves that require a gradient) and modules as attributes and define `forward`:

        class Net(wengert.nn.Module):
            def __init__(self):
                super().__init__()
                self.fc1 = wengert.nn.Linear(784, 100)
                self.fc2 = wengert.nn.Linear(100, 10)

            def forward(self, x):
                return self.fc2(self.fc1(x).relu())
    """

    training: bool

    def __init__(self) -> None:
        self.__dict__.update(_parameters={}, _buffers={}, _modules={}, training=True)

    def forward(self, *inputs: Any) -> Any:
        """What the module makes of its inputs."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward")

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return self.forward(*inputs, **options)

    def __setattr__(self, name: str, value: Any) -> None:
        if "_parameters" not in self.__dict__:
            raise AttributeError(f"{type(self).__name__}: call super().__init__() before setting {name}")
        held = (self._parameters, self._buffers, self._modules)
        was_buffer = name in self._buffers
        for part in held:
            part.pop(name, None)
        self.__dict__.pop(name, None)
        if isinstance(value, Module):
            self._modules[name] = value
        elif isinstance(value, Tensor) and was_buffer:
            self._buffers[name] = value
        elif isinstance(value, Tensor) and value.is_leaf and value.requires_grad:
            self._parameters[name] = value
        else:
            self.__dict__[name] = value

    def __getattr__(self, name: str) -> Any:
        for part in ("_parameters", "_buffers", "_modules"):
            held = self.__dict__.get(part, {})
            if name in held:
                return held[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name}")

    def __delattr__(self, name: str) -> None:
        for part in (self._parameters, self._buffers, self._modules, self.__dict__):
            if name in part:
                del part[name]
                return
        raise AttributeError(f"{type(self).__name__} has no attribute {name}")

    def register_buffer(self, name: str, tensor: Tensor) -> None:
        """Adds a tensor that belongs to the state and is not trained."""
        self.__dict__.pop(name, None)
        self._buffers[name] = tensor

    def children(self) -> Iterator["Module"]:
        """The modules in this one."""
        return iter(self._modules.values())

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """This module and all below it, with their paths."""
        yield prefix, self
        for name, module in self._modules.items():
            yield from module.named_modules(_join(prefix, name))

    def modules(self) -> Iterator["Module"]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def _own_parameters(self) -> Iterable[tuple[str, Tensor]]:
        return self._parameters.items()

    def _own_buffers(self) -> Iterable[tuple[str, Tensor]]:
        return self._buffers.items()

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The parameters with their names, each once even where several modules share it."""
        seen = set()
        for path, module in self.named_modules():
            for name, tensor in module._own_parameters():
                if hash(tensor) not in seen:
                    seen.add(hash(tensor))
                    yield _join(path, name), tensor

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """What belongs to the state but is not trained."""
        for path, module in self.named_modules():
            for name, tensor in module._own_buffers():
                yield _join(path, name), tensor

    def parameters(self) -> list[Tensor]:
        """The parameters, each once."""
        return [tensor for _, tensor in self.named_parameters()]

    def parameter_count(self) -> int:
        """Number of elements of all parameters."""
        return sum(tensor.numel() for tensor in self.parameters())

    def _state(self) -> dict[str, Tensor]:
        """Parameters and buffers under all their names."""
        state = {}
        for path, module in self.named_modules():
            for name, tensor in [*module._own_parameters(), *module._own_buffers()]:
                state[_join(path, name)] = tensor
        return state

    def state_dict(self) -> dict[str, Tensor]:
        """A copy of all parameters and buffers by name."""
        return {name: tensor.copy() for name, tensor in self._state().items()}

    def load_state_dict(self, state: Mapping[str, Tensor], strict: bool = True) -> Difference:
        """Fills all parameters and buffers; returns names that only one side has, none where `strict`. Nothing is changed
        unless everything fits."""
        targets = self._state()
        missing = [name for name in targets if name not in state]
        unexpected = [name for name in state if name not in targets]
        if strict and (missing or unexpected):
            raise ValueError(f"the saved state does not fit: missing {missing}, unexpected {unexpected}")
        pairs = [(name, target, state[name]) for name, target in targets.items() if name in state]
        for name, target, source in pairs:
            if (source.shape, source.dtype) != (target.shape, target.dtype):
                raise ValueError(
                    f"the saved state does not fit: {name} needs {target.dtype}{list(target.shape)}, found "
                    f"{source.dtype}{list(source.shape)}"
                )
        with no_grad():
            for _, target, source in pairs:
                target.copy_(source)
        return Difference(missing, unexpected)

    def save(self, path: _files.Path) -> None:
        """Writes `state_dict` to a `.safetensors` file."""
        _files.save(path, self._state())

    def load(self, path: _files.Path, strict: bool = True) -> Difference:
        """Fills the module from a file of `wengert.load`."""
        return self.load_state_dict(_files.load(path), strict)

    def generator_state(self) -> dict[str, Tensor]:
        """The positions of the streams of random numbers that layers own, by name: what a checkpoint needs beside the
        state, so that dropout goes on with the same masks."""
        layers = ((path, module) for path, module in self.named_modules() if isinstance(module, Layer))
        return {
            _join(path, name): tensor
            for path, layer in layers
            for name, tensor in layer._core.generator_state().items()
        }

    def load_generator_state(self, state: Mapping[str, Tensor]) -> None:
        """Puts all streams where they were."""
        for path, module in self.named_modules():
            if isinstance(module, Layer):
                names = module._core.generator_state()
                module._core.load_generator_state({name: state[_join(path, name)] for name in names})

    def train(self: M, mode: bool = True) -> M:
        """Tells all layers to behave as in training, or not."""
        for module in self.modules():
            module.__dict__["training"] = mode
            if isinstance(module, Layer):
                module._core.set_training(mode)
        return self

    def eval(self: M) -> M:
        """Tells all layers to behave as in use."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Freezes all parameters, or lets them be trained."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self) -> None:
        """Forgets the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def to(self: M, dtype: DType) -> M:
        """Converts all floats. Parameters become new tensors: make optimisers afterwards."""
        for module in self.modules():
            if isinstance(module, Layer):
                module._core.to_dtype(dtype)
            for name, tensor in list(module._parameters.items()):
                module._parameters[name] = tensor.detach().to(dtype).requires_grad_(tensor.requires_grad)
            for name, tensor in list(module._buffers.items()):
                if tensor.dtype.is_floating_point:
                    module._buffers[name] = tensor.to(dtype)
        return self

    def assign_names(self: M) -> M:
        """Tells layers and parameters their names in this model, which graphs and errors then show."""
        for path, module in self.named_modules():
            for name, tensor in [*module._parameters.items(), *module._buffers.items()]:
                if tensor.is_leaf:
                    tensor.name = _join(path, name)
            if isinstance(module, Layer):
                module._core.assign_names(path)
        return self

    def extra_repr(self) -> str:
        """What stands between the brackets of `repr`."""
        return ""

    def __repr__(self) -> str:
        lines = [f"  ({name}): " + repr(module).replace("\n", "\n  ") for name, module in self._modules.items()]
        body = "\n".join(["", *lines, ""]) if lines else self.extra_repr()
        return f"{type(self).__name__}({body})"


class Layer(Module):
    """A module that is a layer of the engine."""

    def __init__(self, core: Core, description: str = "") -> None:
        super().__init__()
        self.__dict__.update(_core=core, _description=description)

    def _own_parameters(self) -> Iterable[tuple[str, Tensor]]:
        return [*self._core.named_parameters(), *self._parameters.items()]

    def _own_buffers(self) -> Iterable[tuple[str, Tensor]]:
        return [*self._core.named_buffers(), *self._buffers.items()]

    def __getattr__(self, name: str) -> Any:
        core = self.__dict__.get("_core")
        if core is not None:
            for own, tensor in [*core.named_parameters(), *core.named_buffers()]:
                if own == name:
                    return tensor
        return super().__getattr__(name)

    def forward(self, input: Tensor) -> Any:
        """The layer's output."""
        return self._core.forward(input)

    def extra_repr(self) -> str:
        return str(self._description)


class Sequential(Module):
    """Modules one after another. A layer and an activation after it run as one op where there is one; the bits are the
    same."""

    def __init__(self, *modules: Module) -> None:
        super().__init__()
        for position, module in enumerate(modules):
            self._modules[str(position)] = module

    def forward(self, input: Any) -> Any:
        """The last module's output."""
        modules = list(self._modules.values())
        position = 0
        while position < len(modules):
            module, after = modules[position], modules[position + 1 : position + 2]
            fused = None
            if after and _is_plain(module) and _is_plain(after[0]):
                fused = module._core.forward_activated(input, after[0]._core)
            input = module(input) if fused is None else fused
            position += 1 if fused is None else 2
        return input

    def append(self, module: Module) -> "Sequential":
        """Adds a module at the end."""
        self._modules[str(len(self._modules))] = module
        return self

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, position: int) -> Module:
        return list(self._modules.values())[position]

    def __iter__(self) -> Iterator[Module]:
        return self.children()


class ModuleList(Module):
    """Modules that are named by their positions."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        for module in modules:
            self.append(module)

    def append(self, module: Module) -> "ModuleList":
        """Adds a module at the end."""
        self._modules[str(len(self._modules))] = module
        return self

    def __len__(self) -> int:
        return len(self._modules)

    def __getitem__(self, position: int) -> Module:
        return list(self._modules.values())[position]

    def __iter__(self) -> Iterator[Module]:
        return self.children()


def _is_plain(module: Module) -> bool:
    """Whether calling a module is no more than running its layer: nobody has given it another `forward`."""
    return isinstance(module, Layer) and type(module).forward is Layer.forward and type(module).__call__ is Module.__call__


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
