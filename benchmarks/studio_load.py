"""The studio under load: 100 open event streams and 20 requests per second while a job runs.

Command: python benchmarks/studio_load.py [--seconds 60] [--streams 100] [--rate 20] [--out FILE.json]

Starts a studio of its own over an empty workspace with one short training, then asks for what pages ask for: the runs,
a run, its curves, the jobs. Prints the times of the answers, the errors, and the server's memory before and after.
"""

import argparse
import asyncio
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

TARGET_S = 0.2


def memory_mib(process: int) -> float:
    """Resident set."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024


async def listen(client: httpx.AsyncClient, heard: list[int], number: int) -> None:
    async with client.stream("GET", "/api/events", timeout=None) as answer:
        async for line in answer.aiter_lines():
            heard[number] += line.startswith("event:")


async def load(address: str, server: int, seconds: float, streams: int, rate: int) -> dict:
    limits = httpx.Limits(max_connections=streams + 50, max_keepalive_connections=streams + 50)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=30) as client:
        steps = {"steps": 100_000, "checkpoint_every": 1000}
        run = {"recipe": "smoke", "name": "busy", "values": {"training": steps}}
        (await client.post("/api/train", json=run)).raise_for_status()
        while (await client.get("/api/run", params={"run": "busy"})).status_code != 200:
            await asyncio.sleep(0.2)
        heard = [0] * streams
        listeners = [asyncio.create_task(listen(client, heard, k)) for k in range(streams)]
        await asyncio.sleep(3)
        paths = ["runs", "run?run=busy", "run/metrics?run=busy&after=0", "jobs", "run/log?run=busy"]
        times, errors, memory = [], [], [memory_mib(server)]

        async def ask(path: str) -> None:
            begun = time.perf_counter()
            try:
                answer = await client.get(f"/api/{path}")
                answer.raise_for_status()
            except httpx.HTTPError as error:
                errors.append(repr(error))
            times.append(time.perf_counter() - begun)

        asked, begun = [], time.perf_counter()
        for number in range(round(seconds * rate)):
            await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
            asked.append(asyncio.create_task(ask(random.choice(paths))))
            if number % (5 * rate) == 0:
                memory.append(memory_mib(server))
        await asyncio.gather(*asked)
        memory.append(memory_mib(server))
        for listener in listeners:
            listener.cancel()
        await client.post("/api/run/stop", json={"run": "busy"})
    times.sort()
    return {
        "requests": len(times), "errors": errors, "median_s": statistics.median(times),
        "p95_s": times[round(0.95 * len(times)) - 1], "max_s": times[-1], "events_per_stream": statistics.median(heard),
        "silent_streams": sum(count == 0 for count in heard), "memory_mib": [round(m, 1) for m in memory],
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--rate", type=int, default=20)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mutoscope", "studio", folder, "--no-browser", "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            address = re.search(r"http://\S+", server.stdout.readline())[0]
            found = asyncio.run(load(address, server.pid, given.seconds, given.streams, given.rate))
        finally:
            server.terminate()
            server.wait()
    print(json.dumps(found, indent=1))
    print(f"95 % under {1000 * found['p95_s']:.0f} ms (target {1000 * TARGET_S:.0f}), {len(found['errors'])} errors")
    if given.out:
        given.out.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
