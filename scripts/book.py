#!/usr/bin/env python3
"""Writes into the pages of the book what the program now prints.

    cargo test -p wengert-book --doc 2>&1 | scripts/book.py

Each failed assert_eq! of a printed text shows what was printed (left) and what the page says (right); the second is
replaced by the first wherever it stands. Run it until nothing changes, then read the difference.
"""

import json
import pathlib
import re
import sys

PAGES = pathlib.Path(__file__).parent.parent / "docs/book/src"
PAIR = re.compile(r'^  left: "(.*)"\n right: "(.*)"$', re.M)


def text(escaped):
    """A string as Rust's {:?} shows it."""
    escaped = re.sub(r"\\u\{([0-9a-f]+)\}", lambda found: chr(int(found[1], 16)), escaped)
    return json.loads(f'"{escaped}"'.replace("\\'", "'"))


pairs = [(text(left), text(right)) for left, right in PAIR.findall(sys.stdin.read())]
for page in sorted(PAGES.glob("*.md")):
    old = page.read_text()
    new = old
    for printed, written in pairs:
        new = new.replace(f"{written}\");", f"{printed}\");") if written else new
    if new != old:
        page.write_text(new)
        print(page.name)
