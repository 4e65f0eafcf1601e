"""The front, asked as ClickHouse's own clients ask."""

import csv
import datetime as dt
import gzip
import io
import json
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request
import uuid
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import cramjam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, ProgrammingError

from sinks.clickhouse import Store
from sinks.clickhouse_http import Front
from sinks.cuts import Range
from sinks.engine import LIMITS
from sinks.http_encodings import LARGEST
from sinks.migrate import read_migrations
from streams.loop import LoopError
from tests.sinks.test_clickhouse import LOG, cut, rows

FIRST = Range(0, 9, 10, 1, 1_775_000_000_000_000)


@pytest.fixture(scope="module")
def database() -> str:
    """Of all tests here: they only read."""
    return f"test_{uuid.uuid4().hex}"


@pytest.fixture(scope="module")
def filled(chdb_folder: Path, database: str) -> Iterator[Store]:
    """Ten rows in every table."""
    store = Store.in_folder(chdb_folder, database)
    store.migrate(read_migrations())
    store.write(LOG, cut(0, 9), rows(0, 9))
    yield store
    store.command(f"DROP DATABASE {database} SYNC")
    store.close()


@pytest.fixture(scope="module")
def front(chdb_folder: Path, filled: Store, database: str) -> Iterator[Front]:
    with Front(chdb_folder, database=database) as front:
        yield front


@pytest.fixture(scope="module")
def client(front: Front) -> Iterator[Client]:
    """The ordinary HTTP client with all its defaults: sessions, compression, its questions at the start."""
    client = clickhouse_connect.get_client(host="127.0.0.1", port=front.port)
    yield client
    client.close()


Answer = tuple[int, dict[str, str], bytes]


@pytest.fixture(scope="module")
def ask(front: Front) -> Callable[..., Answer]:
    def asked(path: str = "/", body: bytes | None = None, headers: dict[str, str] | None = None, **parameters: str) -> Answer:
        url = f"http://127.0.0.1:{front.port}{path}" + (f"?{urlencode(parameters)}" if parameters else "")
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers or {}), timeout=30) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    return asked


def test_the_ordinary_client_connects_and_reads(client: Client) -> None:
    found = client.query("SELECT stall_id, due_at, flags, closed_at FROM transitions ORDER BY offset LIMIT 2")

    assert found.column_names == ("stall_id", "due_at", "flags", "closed_at")
    assert found.result_rows == [
        ("stall_id-0", dt.datetime(1970, 1, 1), ["conflict", "reversed"], None),
        ("stall_id-1", dt.datetime(1970, 1, 1, 0, 0, 1), ["conflict", "reversed"], None),
    ]
    assert client.ping()


def test_parameters_are_values_and_never_code(client: Client) -> None:
    found = client.query(
        "SELECT count() FROM events WHERE kiosk = {kiosk:String} AND offset < {below:UInt64}", parameters={"kiosk": "kiosk-3", "below": 9}
    )
    tricky = "it's\n\ta \\ text'; DROP TABLE events"

    assert found.result_rows == [(1,)]
    assert client.query("SELECT {text:String}", parameters={"text": tricky}).result_rows == [(tricky,)]
    assert client.query("SELECT %(text)s", parameters={"text": tricky}).result_rows == [(tricky,)]


def test_columns_of_an_empty_answer_are_known(client: Client) -> None:
    assert client.query("SELECT token, hop FROM hops LIMIT 0").column_names == ("token", "hop")
    assert client.query("SELECT token FROM hops WHERE token = 'nobody'").result_rows == []


def test_commands_streams_and_formats_work_as_on_a_server(client: Client) -> None:
    assert client.command("SELECT count() FROM refusals") == 10
    assert client.command("EXISTS TABLE hops_now") == 1
    assert json.loads(client.raw_query("SELECT 1 AS a", fmt="JSONEachRow")) == {"a": 1}
    with client.query_rows_stream("SELECT number FROM numbers(100000)") as stream:
        assert sum(number for (number,) in stream) == 4_999_950_000


def test_any_client_can_ask_by_get_and_by_post(ask: Callable[..., Answer], database: str) -> None:
    assert ask("/ping")[2] == b"Ok.\n"
    assert ask()[2] == b"Ok.\n"
    assert ask(query="SELECT count() FROM events")[2] == b"10\n"
    assert ask(body=b"SELECT count() FROM events FORMAT JSONEachRow")[2] == b'{"count()":10}\n'
    assert ask(query="SELECT count()", body=b"FROM events")[2] == b"10\n"
    assert ask(query="SELECT currentDatabase()")[2] == f"{database}\n".encode()
    assert ask(query="SELECT currentDatabase()", database="system")[2] == b"system\n"
    assert ask(query="SELECT {n:UInt8} + 1", param_n="4")[2] == b"5\n"


def test_an_answer_says_its_format_time_zone_and_query_id(ask: Callable[..., Answer]) -> None:
    status, headers, body = ask(query="SELECT 1 AS a", default_format="CSVWithNames", query_id="mine")

    assert (status, body) == (200, b'"a"\n1\n')
    lower = {name.lower(): value for name, value in headers.items()}
    assert (lower["x-clickhouse-format"], lower["x-clickhouse-query-id"]) == ("CSVWithNames", "mine")
    assert lower["x-clickhouse-timezone"]
    assert json.loads(lower["x-clickhouse-summary"])["read_rows"] == "1"


@pytest.mark.parametrize(
    ("statement", "code", "status"),
    [
        ("SELEC 1", 62, 400),
        ("", 62, 400),
        ("SELECT 1; SELECT 2", 62, 400),
        ("SELECT nothing_like_it FROM events", 47, 400),
        ("SELECT * FROM nothing_like_it", 60, 404),
        ("SELECT throwIf(1)", 395, 400),
    ],
)
def test_a_faulty_question_is_answered_as_clickhouse_does(ask: Callable[..., Answer], statement: str, code: int, status: int) -> None:
    answered, headers, body = ask(body=statement.encode(), query="" if statement else " ")

    assert (answered, headers["x-clickhouse-exception-code"]) == (status, str(code))
    assert body.startswith(f"Code: {code}. DB::Exception: ".encode())


WRITES = [
    "INSERT INTO events (event_id) VALUES ('x')",
    "INSERT INTO FUNCTION file('{out}') SELECT 1",
    "CREATE TABLE mine (a UInt8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE mine (a UInt8)",
    "CREATE VIEW mine AS SELECT 1",
    "DROP TABLE events",
    "TRUNCATE TABLE events",
    "ALTER TABLE events DELETE WHERE 1",
    "OPTIMIZE TABLE events",
    "RENAME TABLE events TO mine",
    "DETACH TABLE events",
    "SYSTEM FLUSH LOGS",
    "KILL QUERY WHERE 1",
    "USE system",
    "SET readonly = 0",
    "SELECT 1 SETTINGS readonly = 0",
    "SELECT 1 SETTINGS max_threads = 1",
    "SELECT 1 INTO OUTFILE '{out}'",
    "SELECT 1 INTO /* a word between */ OUTFILE '{out}' TRUNCATE",
    "EXPLAIN SELECT 1 INTO OUTFILE '{out}'",
]
REACHES = [
    "SELECT * FROM file('{secret}', 'LineAsString')",
    "SELECT file('{secret}')",
    "SELECT `f\\x69le`('{secret}')",
    "SELECT FILE /**/ ('{secret}')",
    "SELECT * FROM view(SELECT file('{secret}'))",
    "WITH file('{secret}') AS x SELECT x",
    "SELECT * FROM eval('SELECT file(\\'{secret}\\')')",
    "SELECT * FROM `{secret}`",
    "SELECT * FROM default.`{secret}`",
    "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a Int8')",
    "SELECT * FROM s3('http://127.0.0.1:1/x.csv')",
    "SELECT * FROM remote('127.0.0.1:1', system.one)",
    "SELECT * FROM executable('id', 'TSV', 'a String')",
    "SELECT * FROM sqlite('{secret}', 'a')",
    "SELECT * FROM Python(secret)",
    "SELECT * FROM filesystem('/')",
    "BACKUP TABLE events TO File('{out}')",
]


@pytest.mark.parametrize("statement", WRITES + REACHES)
def test_nothing_but_reading_the_tables_is_served(
    ask: Callable[..., Answer], filled: Store, tmp_path: Path, statement: str, database: str
) -> None:
    secret, out = tmp_path / "secret.txt", tmp_path / "out"
    secret.write_text("hush")
    tables = filled.query("SHOW TABLES")

    status, _, body = ask(body=statement.format(secret=secret, out=out).encode())

    assert status in (400, 403, 404)
    assert body.startswith(b"Code: ")
    assert b"hush" not in body
    assert not out.exists()
    assert filled.query("SHOW TABLES") == tables
    assert filled.query("SELECT count() FROM events") == [(10,)]


def test_the_ordinary_client_cannot_insert_either(client: Client, front: Front, filled: Store, database: str) -> None:
    plain = clickhouse_connect.get_client(host="127.0.0.1", port=front.port, compress=False)
    for each in (client, plain):
        with pytest.raises(DatabaseError, match=r"code: (164|48)"):
            each.insert("refusals", [["x", 1]], column_names=["reason", "size"])
    plain.close()

    assert filled.query("SELECT count() FROM refusals") == [(10,)]


def test_a_reader_may_set_what_widens_nothing(ask: Callable[..., Answer]) -> None:
    assert ask(query="SELECT count() FROM numbers(100)", max_threads="1")[2] == b"100\n"
    assert ask(query="SELECT getSetting('max_result_rows')", max_result_rows="7")[2] == b"7\n"
    for name in ("readonly", "allow_ddl", "allow_get_client_http_header", "a b", "format_schema", "no_such_setting"):
        status, headers, _ = ask(query="SELECT 1", **{name: "0"})
        assert (status, headers["x-clickhouse-exception-code"]) == (403, "164"), name
    assert ask(query="SELECT 1", max_no_such_setting="1")[1]["x-clickhouse-exception-code"] == "115"


def test_the_client_knows_that_it_may_not_change_settings(client: Client) -> None:
    with pytest.raises(ProgrammingError, match="readonly"):
        client.query("SELECT 1", settings={"max_threads": 3})


def test_what_one_sets_or_uses_is_gone_with_the_question(ask: Callable[..., Answer], database: str) -> None:
    ask(query="SELECT 1", max_result_rows="7", database="system", session_id="one")

    assert ask(query="SELECT getSetting('max_result_rows')", session_id="one")[2] == b"10000000\n"
    assert ask(query="SELECT currentDatabase()", session_id="one")[2] == f"{database}\n".encode()


@pytest.mark.parametrize(
    ("headers", "parameters"),
    [
        ({"Content-Encoding": "br"}, {}),
        ({"Content-Type": "multipart/form-data; boundary=x"}, {}),
        ({}, {"compress": "1"}),
        ({}, {"decompress": "1"}),
    ],
)
def test_what_is_not_served_is_said(ask: Callable[..., Answer], headers: dict[str, str], parameters: dict[str, str]) -> None:
    status, told, body = ask(body=b"SELECT 1", headers=headers, **parameters)

    assert (status, told["x-clickhouse-exception-code"]) == (501, "48")
    assert b"served here" in body


@pytest.mark.parametrize(
    ("asked", "given", "unpack"),
    [
        ("gzip", "gzip", gzip.decompress),
        ("deflate, gzip;q=0.5", "gzip", gzip.decompress),
        ("gzip;q=0, deflate", "deflate", zlib.decompress),
        ("lz4, gzip", "lz4", cramjam.lz4.decompress),
        ("br, zstd", "zstd", cramjam.zstd.decompress),
        ("br", None, bytes),
        ("", None, bytes),
    ],
)
def test_an_answer_is_compressed_where_that_is_asked_for(
    ask: Callable[..., Answer], asked: str, given: str | None, unpack: Callable[[bytes], bytes]
) -> None:
    query = {"query": "SELECT number FROM numbers(1000)", "headers": {"Accept-Encoding": asked}}

    status, headers, body = ask(**query, enable_http_compression="1")
    assert (status, headers.get("content-encoding"), headers["X-ClickHouse-Format".lower()]) == (200, given, "TabSeparated")
    assert bytes(unpack(body)) == b"".join(b"%d\n" % number for number in range(1000))
    assert int(headers["content-length"]) == len(body)
    assert ask(**query)[1].get("content-encoding") is None


def test_a_question_may_come_compressed_and_no_larger_than_it_may_be(ask: Callable[..., Answer]) -> None:
    def sent(body: bytes, encoding: str = "gzip") -> tuple[int, bytes]:
        status, _, said = ask(body=body, headers={"Content-Encoding": encoding}, query_id="packed")
        return status, said

    assert sent(gzip.compress(b"SELECT 1 + 1")) == (200, b"2\n")
    assert sent(zlib.compress(b"SELECT 1 + 1"), "deflate") == (200, b"2\n")
    bomb = gzip.compress(b" " * (LARGEST + 1))
    assert len(bomb) < 100_000
    assert sent(bomb) == (400, b"Code: 36. DB::Exception: A request of more than 67108864 bytes is not served here. (BAD_ARGUMENTS)\n")
    for broken in (b"SELECT 1", gzip.compress(b"SELECT 1")[:-9]):
        status, said = sent(broken)
        assert status == 400
        assert said.startswith(b"Code: 36. DB::Exception: The body is not in gzip, as its Content-Encoding says: ")


def test_a_session_to_go_on_with_is_not_there(ask: Callable[..., Answer]) -> None:
    status, headers, body = ask(query="SELECT 1", session_id="one", session_check="1")

    assert (status, headers["x-clickhouse-exception-code"]) == (404, "372")
    assert body == b"Code: 372. DB::Exception: There are no sessions here: what one question sets is gone with it. (SESSION_NOT_FOUND)\n"


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_a_reader_may_set_lower_limits_and_no_higher_ones(ask: Callable[..., Answer], name: str) -> None:
    asked = f"SELECT toUInt64(getSetting('{name}'))"

    assert ask(query=asked)[2] == f"{LIMITS[name]}\n".encode()
    assert ask(query=asked, **{name: str(LIMITS[name] - 1)})[2] == f"{LIMITS[name] - 1}\n".encode()
    for value in ("0", str(LIMITS[name] + 1), "-1", "1e9", ""):
        status, headers, _ = ask(query=asked, **{name: value})
        assert (status, headers["x-clickhouse-exception-code"]) == (403, "452"), value


def test_rows_memory_and_time_end_at_their_limits(ask: Callable[..., Answer]) -> None:
    assert ask(query="SELECT number FROM numbers(100)", max_result_rows="7", max_block_size="5")[1]["x-clickhouse-exception-code"] == "396"
    assert (
        ask(query="SELECT groupArray(number) FROM numbers(10000000)", max_memory_usage="10000000")[1]["x-clickhouse-exception-code"]
        == "241"
    )
    assert ask(query="SELECT sum(sipHash64(number)) FROM numbers(1e12)", max_execution_time="1")[1]["x-clickhouse-exception-code"] == "159"


READERS: dict[str, Callable[[bytes], Any]] = {
    "Arrow": lambda body: pa.ipc.open_file(body).read_all().to_pylist(),
    "ArrowStream": lambda body: pa.ipc.open_stream(body).read_all().to_pylist(),
    "Parquet": lambda body: pq.read_table(io.BytesIO(body)).to_pylist(),
    "JSON": lambda body: json.loads(body)["data"],
    "JSONEachRow": lambda body: [json.loads(line) for line in body.splitlines()],
    "CSVWithNames": lambda body: [{name: int(value) for name, value in row.items()} for row in csv.DictReader(io.StringIO(body.decode()))],
}


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("named", READERS)
def test_each_format_is_read_by_those_who_know_it(front: Front, named: str) -> None:
    """By curl, compressed, as a stranger would ask."""
    asked = f"SELECT toInt64(number) AS a, toInt64(number * 2) AS b FROM numbers(3) FORMAT {named}"
    url = f"http://127.0.0.1:{front.port}/?enable_http_compression=1"

    curl = subprocess.run(["curl", "-sS", "--compressed", "-i", url, "--data-binary", asked], capture_output=True, timeout=60, check=True)

    head, _, body = curl.stdout.partition(b"\r\n\r\n")
    assert f"x-clickhouse-format: {named}".encode() in head.lower().replace(named.lower().encode(), named.encode())
    assert b"content-encoding: gzip" in head or b"content-encoding: zstd" in head
    assert READERS[named](body) == [{"a": number, "b": 2 * number} for number in range(3)]


def test_the_ordinary_client_reads_arrow_and_frames(client: Client) -> None:
    asked = "SELECT kiosk, offset, received FROM events WHERE offset < {below:UInt64} ORDER BY offset"

    table = client.query_arrow(asked, parameters={"below": 3})
    assert table.column("kiosk").to_pylist() == ["kiosk-0", "kiosk-1", "kiosk-2"]
    frame = client.query_df(asked, parameters={"below": 3})
    assert list(frame["offset"]) == [0, 1, 2]
    assert str(frame["received"].dtype).startswith("datetime64")
    assert pq.read_table(io.BytesIO(client.raw_query(asked, parameters={"below": 3}, fmt="Parquet"))).num_rows == 3
    with client.query_arrow_stream("SELECT number FROM numbers(100000)") as stream:
        assert sum(len(part) for part in stream) == 100_000
    with pytest.raises(DatabaseError, match="code: 60"):
        client.query_arrow("SELECT * FROM nothing_like_it")


def test_a_name_that_somebody_else_gave_to_loopback_is_not_answered(ask: Callable[..., Answer]) -> None:
    assert ask(query="SELECT 1", headers={"Host": "rebound.example"})[0] == 400
    assert ask(query="SELECT 1", headers={"Host": "localhost"})[0] == 200


def test_a_long_question_holds_up_neither_the_writer_nor_others(ask: Callable[..., Answer], filled: Store) -> None:
    long: list[Any] = []
    asking = threading.Thread(
        target=lambda: long.append(ask(query="SELECT sum(sipHash64(number)) FROM numbers(1000000000000)", max_execution_time="4"))
    )
    asking.start()
    while filled.query("SELECT count() FROM system.processes WHERE query LIKE '%1000000000000)%' AND query NOT LIKE '%processes%'") != [
        (1,)
    ]:
        pass

    filled.write(LOG, cut(10, 19), rows(10, 19, "events"))
    assert ask(query="SELECT count() FROM events")[2] == b"20\n"

    assert not long, "it ended before it was written beside it"
    asking.join()
    assert (long[0][0], long[0][1]["x-clickhouse-exception-code"]) == (400, "159")


def test_it_listens_on_loopback_only_and_says_when_the_port_is_taken(front: Front, chdb_folder: Path) -> None:
    with pytest.raises(LoopError, match=f"port {front.port} is in use by another program"):
        Front(chdb_folder, port=front.port)
    with socket.socket() as other, pytest.raises(OSError, match="refused"):
        other.connect(("127.0.0.2", front.port))
