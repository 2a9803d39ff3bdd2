"""A Spark cluster of this machine: a master and workers on loopback, with executors that have pyarrow and no parcap.

The tests of python/tests/test_cluster.py and scaling.py use it. Workers have addresses of their own (127.0.0.1, 127.0.0.2): Spark
starts no copy of a slow task on the host where it runs already.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def descendants(pid: int) -> list[int]:
    """The processes below a process."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            stat = Path("/proc", entry, "stat").read_text().rpartition(")")[2]
            children.setdefault(int(stat.split()[1]), []).append(int(entry))
    found, left = [], [pid]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found


def signal_all(processes: list[int], number: int) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def bare_python(folder: Path, modules: tuple[str, ...] = ("pyarrow",)) -> str:
    """A Python that has these modules of ours, and no other. Returns its path."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    for module in modules:
        spec = importlib.util.find_spec(module)
        assert spec is not None and spec.origin is not None
        (packages / module).symlink_to(Path(spec.origin).parent)
    return str(folder / "bin" / "python")


def repeat_capture(source: Path, path: Path, size: int, *, shift_s: int) -> int:
    """Writes a pcap of about this size: the packets of another one again and again, so much later each time. Returns how many
    packets it has."""
    capture = source.read_bytes()
    at, records = 24, []
    while at < len(capture):
        seconds, _, captured, _ = struct.unpack_from("<4I", capture, at)
        records.append((seconds, capture[at + 4 : at + 16 + captured]))
        at += 16 + captured
    times = max(1, size // (len(capture) - 24))
    with open(path, "wb") as file:
        file.write(capture[:24])
        for again in range(times):
            file.writelines(struct.pack("<I", seconds + shift_s * again) + rest for seconds, rest in records)
    return times * len(records)


class Cluster:
    """A master and its workers. They run until :meth:`stop`."""

    def __init__(self, folder: Path, *, workers: int = 2, cores: int = 1, memory: str = "1g") -> None:
        import pyspark

        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.cores, self.memory = folder, cores, memory
        self.python = bare_python(folder / "python")
        self._home = Path(pyspark.__file__).parent
        self._log = open(folder / "log", "ab")  # noqa: SIM115
        port = free_port()
        self.url = f"spark://127.0.0.1:{port}"
        self.master = self._start("master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(free_port()))
        for _ in range(300):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        self.workers = [self.worker(number) for number in range(workers)]

    def worker(self, number: int) -> subprocess.Popen[bytes]:
        """Starts a worker, by its number from 0 on."""
        host = f"127.0.0.{number + 1}"
        having = ["--cores", str(self.cores), "--memory", self.memory, "--webui-port", str(free_port())]
        return self._start("worker.Worker", "--host", host, *having, self.url)

    def _start(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "SPARK_HOME": str(self._home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_WORKER_DIR": str(self.folder / "work"),
            "SPARK_LOCAL_DIRS": str(self.folder / "local"),
            "SPARK_DAEMON_MEMORY": "384m",
        }
        command = [str(self._home / "bin" / "spark-class"), f"org.apache.spark.deploy.{what}", *arguments]
        return subprocess.Popen(command, env=environment, stdout=self._log, stderr=self._log, start_new_session=True)

    def kill(self, number: int) -> None:
        """Kills a worker and all that it has started, at once."""
        worker = self.workers[number].pid
        signal_all([worker, *descendants(worker)], signal.SIGKILL)

    def pythons(self, number: int) -> list[int]:
        """The processes of Python below a worker that do its tasks."""
        found = []
        for process in descendants(self.workers[number].pid):
            with contextlib.suppress(OSError):
                if b"pyspark.daemon" in Path(f"/proc/{process}/cmdline").read_bytes():
                    found.append(process)
        # The first one starts the others.
        return sorted(found)[1:]

    def stop(self) -> None:
        processes = [self.master, *self.workers]
        everyone = [pid for process in processes for pid in [process.pid, *descendants(process.pid)]]
        signal_all(everyone, signal.SIGKILL)
        for process in processes:
            process.wait(30)
        self._log.close()


@contextlib.contextmanager
def session(cluster: Cluster, **conf: object) -> Iterator[Any]:
    """A session on a cluster. Two underscores in a name are a dot: ``spark__task__maxFailures=2``."""
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"], os.environ["PYSPARK_DRIVER_PYTHON"] = cluster.python, sys.executable
    having = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "OFF",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.executor.cores": "1",
        "spark.executor.memory": "512m",
        **{name.replace("__", "."): value for name, value in conf.items()},
    }
    builder: Any = SparkSession.builder.master(cluster.url).appName("parcap")
    for name, value in having.items():
        builder = builder.config(name, str(value))
    made = builder.getOrCreate()
    try:
        yield made
    finally:
        made.stop()
