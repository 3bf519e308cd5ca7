#!/usr/bin/env python3
"""What a stalled page costs training: runs with one and runs without take turns, and the medians are compared.

    cargo build --release && scripts/study_cost.py target/release/wengert [PAIRS]

A stalled page asks for the live data and never reads. Speeds are those of training alone, in images a second, as the
records of the epochs have them; the first epoch of each run warms up.
"""

import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile

EPOCHS = 4


def speeds(program, folder, stalled):
    command = [program, "train", "vae", "--epochs", str(EPOCHS), "--json", "--force", "--out", folder]
    if stalled:
        command += ["--study", "--no-open", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    page, found = None, []
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "page":
            page = stall(event["address"])
        if event["event"] == "epoch":
            found.append(event["images_per_second"])
    if process.wait() != 0 or (stalled and page is None):
        sys.exit(f"{' '.join(command)} failed")
    if page:
        page.close()
    return found[1:]


def stall(address):
    host, port = address.removeprefix("http://").rstrip("/").split(":")
    page = socket.socket()
    page.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    page.connect((host, int(port)))
    page.sendall(f"GET /api/training/live HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    return page


def main():
    program, pairs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8
    folder = tempfile.mkdtemp()
    plain, stalled = [], []
    for pair in range(pairs):
        # Which one goes first changes, so that what drifts does so for both.
        for with_page in (False, True) if pair % 2 == 0 else (True, False):
            (stalled if with_page else plain).extend(speeds(program, f"{folder}/run", with_page))
    shutil.rmtree(folder)
    without, beside = statistics.median(plain), statistics.median(stalled)
    print(f"without a page {without:,.0f} images/s, with a stalled one {beside:,.0f} (medians of {len(plain)} epochs each)")
    print(f"a stalled page costs {100 * (without / beside - 1):.2f} %")


if __name__ == "__main__":
    main()
