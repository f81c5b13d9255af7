"""Measures one Python client of beanstalkd once, in one process, and prints the figures as one line
of JSON.

greenstalk waits for each answer and is not to be shared between threads: as many jobs are in flight
as there are connections, each with a thread of its own.
"""

import argparse
import itertools
import json
import os
import queue
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import greenstalk

PRIORITY = 1024
TTR = 60
# A held job must not come back while the others are measured.
HELD_TTR = 3600
# In which everything falls asleep.
PAUSE = 0.002
# In which all connections of an idle consumer come up.
SETTLE = 1


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--client", choices=["greenstalk"], required=True)
    parser.add_argument("--work", choices=WORKS, required=True)
    parser.add_argument("--uri", required=True)
    parser.add_argument("--tube", required=True)
    for name in ["size", "connections", "in-flight", "jobs", "warm-up", "busy", "seconds"]:
        parser.add_argument("--" + name, type=int, default=0)
    options = parser.parse_args()
    if options.work in ("put", "consume") and options.in_flight > options.connections:
        parser.error("greenstalk needs a connection for each job in flight")
    WORKS[options.work](options)


def put(options):
    body = b"x" * options.size
    with Workers(options.in_flight) as workers:
        clients = connect(options, options.in_flight)

        def some(jobs):
            # Threads take a number each: next of a range is one step of the interpreter.
            tickets = iter(range(jobs))

            def work(client):
                for _ in tickets:
                    client.put(body, PRIORITY, 0, TTR)

            workers.run(work, clients)

        some(options.warm_up)
        start = Moment()
        some(options.jobs)
        report(options.jobs, start, Moment())


def consume(options):
    total = options.warm_up + options.jobs
    tickets, finished = iter(range(total)), itertools.count(1)
    marks = {}

    def work(client):
        for _ in tickets:
            finish(options, client, client.reserve())
            count = next(finished)
            if count in (options.warm_up, total):
                marks[count] = Moment()

    with Workers(options.in_flight) as workers:
        clients = connect(options, options.in_flight)
        marks[options.warm_up] = Moment()
        workers.run(work, clients)
        report(options.jobs, marks[options.warm_up], marks[total])


def startup(options):
    """Takes the one job that is there."""
    (client,) = connect(options, 1)
    start = Moment()
    finish(options, client, client.reserve())
    report(1, start, Moment())


def latency(options):
    total = options.warm_up + options.jobs
    taken, enough = itertools.count(1), threading.Event()
    held, finished = queue.SimpleQueue(), queue.SimpleQueue()

    def work(client):
        while True:
            job = client.reserve()
            begin = time.perf_counter_ns()
            if next(taken) <= options.busy:
                held.put(job)
                enough.wait()
            finish(options, client, job)
            finished.put(begin)

    (producer,) = connect(options, 1)
    start_handlers(options, work)
    body = b"x" * options.size
    for _ in range(options.busy):
        producer.put(body, PRIORITY, 0, HELD_TTR)
        held.get()
    latencies = []
    for number in range(total):
        if number == options.warm_up:
            start = Moment()
        time.sleep(PAUSE)
        before = time.perf_counter_ns()
        producer.put(body, PRIORITY, 0, TTR)
        latencies.append(finished.get() - before)
    end = Moment()
    enough.set()
    for _ in range(options.busy):
        finished.get()
    report(options.jobs, start, end, latencies[options.warm_up:])


def idle(options):
    def work(client):
        client.reserve()
        raise RuntimeError("a job")

    start_handlers(options, work)
    time.sleep(SETTLE)
    start = Moment()
    time.sleep(options.seconds)
    report(0, start, Moment())


WORKS = {"put": put, "consume": consume, "latency": latency, "idle": idle, "startup": startup}


def connect(options, connections):
    host, port = options.uri.rsplit(":", 1)
    # Without an encoding, bodies stay bytes.
    return [
        greenstalk.Client((host, int(port)), encoding=None, use=options.tube, watch=options.tube)
        for _ in range(connections)
    ]


def finish(options, client, job):
    if len(job.body) != options.size:
        raise ValueError(f"a body of {len(job.body)} bytes")
    client.delete(job)


class Workers(ThreadPoolExecutor):
    """Threads that stay between one part and the next."""

    def run(self, work, clients):
        """Waits for all of them. One that fails ends the program, whatever the others wait for."""
        for _ in self.map(lambda client: guarded(work, client), clients):
            pass


def start_handlers(options, work):
    """Handlers that end with the process: a reserve that waits cannot be called off."""
    for client in connect(options, options.in_flight):
        threading.Thread(target=guarded, args=(work, client), daemon=True).start()


def guarded(work, client):
    try:
        work(client)
    except Exception as error:
        print(f"greenstalk: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)


class Moment:
    """What time it was, and how much processor time all threads had used by then."""

    def __init__(self):
        self.cpu = time.process_time()
        self.wall = time.perf_counter()


def report(jobs, start, end, latencies=()):
    figures = {
        "jobs": jobs,
        "seconds": end.wall - start.wall,
        "cpu": end.cpu - start.cpu,
        "peak_memory": peak_memory(),
        "latencies": list(latencies),
    }
    print(json.dumps(figures), flush=True)


def peak_memory():
    """Bytes. What getrusage tells would begin with the peak of the parent process."""
    with open("/proc/self/status", encoding="ascii") as status:
        (kib,) = (line.split()[1] for line in status if line.startswith("VmHWM:"))
    return int(kib) * 1024


if __name__ == "__main__":
    main()
