"""What PostgreSQL alone takes for a file: its bytes in a bare COPY, in and out of a table like that of Moorage."""

import hashlib
import time
from itertools import count

import psycopg

from moorage.crm.storage.contract.files import PART_SIZE
from moorage.crm.storage.files import PARTS, TABLES, creation

_PREFIX = "bare_"


class BareFiles:
    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        for statement in creation(PARTS, _PREFIX, "bigint"):
            self._connection.execute(statement)
        self._ids = count(1)

    def there_and_back(self, content: bytearray) -> tuple[float, float]:
        """The seconds that a file takes, one way and the other."""
        number = next(self._ids)
        started = time.perf_counter()
        self._send(number, content)
        sent = time.perf_counter()
        digest = self._digest(number)
        received = time.perf_counter()
        assert digest == hashlib.sha256(content).digest(), "the file came back with other bytes"
        return sent - started, received - sent

    def _send(self, number: int, content: bytearray) -> None:
        sql = f"COPY {_PREFIX}{PARTS} ({', '.join(TABLES[PARTS])}) FROM STDIN (FORMAT binary)"
        with memoryview(content) as whole, self._connection.cursor().copy(sql) as copy:
            copy.set_types(("int8", "int8", "bytea"))
            for start in range(0, len(whole), PART_SIZE):
                copy.write_row((next(self._ids), number, whole[start : start + PART_SIZE]))

    def _digest(self, number: int) -> bytes:
        sql = f"SELECT data FROM {_PREFIX}{PARTS} WHERE content = {number} ORDER BY id"
        digest = hashlib.sha256()
        with self._connection.cursor().copy(f"COPY ({sql}) TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(("bytea",))
            for (data,) in copy.rows():
                digest.update(data)
        return digest.digest()

    def close(self) -> None:
        self._connection.close()
