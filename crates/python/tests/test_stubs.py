"""What stands in the stubs is what there is, and the other way round."""

import ast
from pathlib import Path

import wengert
from wengert import _wengert

STUB = ast.parse((Path(wengert.__file__).parent / "_wengert.pyi").read_text())


def public(names):
    return {name for name in names if not name.startswith("_")}


def test_every_name_of_the_native_module_is_in_its_stub_and_no_other():
    defined = {node.name: node for node in STUB.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
    assert set(defined) == public(dir(_wengert))
    for name, node in defined.items():
        if isinstance(node, ast.ClassDef):
            members = {member.name for member in node.body if isinstance(member, ast.FunctionDef)}
            assert public(members) == public(vars(getattr(_wengert, name))), name


def test_the_package_is_typed_and_documented():
    assert (Path(wengert.__file__).parent / "py.typed").exists()
    for module in (wengert, wengert.autograd, wengert.nn, wengert.nn.functional, wengert.nn.init, wengert.optim):
        for name in public(dir(module)):
            thing = getattr(module, name)
            if callable(thing) and getattr(thing, "__module__", "").startswith("wengert"):
                assert thing.__doc__, f"{module.__name__}.{name}"
