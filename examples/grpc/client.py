"""Calls every method of `app.py`, with the client that protobuf generates."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Iterator

import grpc
import sensors_pb2
import sensors_pb2_grpc


def main(target: str) -> None:
    """Calls the server at `target`, and prints what it says."""
    with grpc.insecure_channel(target) as channel:
        sensors = sensors_pb2_grpc.SensorsStub(channel)
        cellar = sensors_pb2.Sensor(name="cellar")

        try:
            sensors.Latest(sensors_pb2.Sensor(name="moon"), timeout=5)
        except grpc.RpcError as error:
            print(f"moon: {error.code().name}, {error.details()}")

        watch = sensors.Watch(cellar)
        watching = threading.Event()
        threading.Thread(target=_record_until, args=(sensors, watching)).start()
        for reading in itertools.islice(watch, 1):
            print(f"watched: {reading.celsius}")
            watching.set()
        watch.cancel()

        summary = sensors.Record(_readings(11.5, 12.5, 12.0), timeout=5)
        print(f"recorded: {summary.count}, highest {summary.highest}")
        print(f"latest: {sensors.Latest(cellar, timeout=5).celsius}")
        for reading in sensors.Check(_readings(20.0, 31.5, 29.0, 40.0), timeout=5):
            print(f"too high: {reading.celsius}")


def _readings(*celsius: float) -> Iterator[sensors_pb2.Reading]:
    return (sensors_pb2.Reading(sensor="cellar", celsius=each) for each in celsius)


def _record_until(sensors: sensors_pb2_grpc.SensorsStub, done: threading.Event) -> None:
    # Nobody is told when a watch has begun: readings are recorded until the watcher has seen one.
    while not done.wait(0.05):
        sensors.Record(_readings(10.0), timeout=5)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8000")
