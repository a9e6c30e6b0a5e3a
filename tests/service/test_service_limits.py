"""What clients may not do: send too much, too slowly, or what unpacks to too much. On real sockets."""

from __future__ import annotations

import gzip
import json
import select
import socket
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from service_running import Child, Running, png

from headstart.errors import RequestError
from headstart.service.options import ServiceOptions

MEGABYTE = 1_000_000
# Beyond which memory is not flat: less than any of these tests sends.
FLAT = 25 * MEGABYTE


@contextmanager
def connected(served: Child) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as connection:
        yield connection


def head(*lines: str, method: str = "POST", path: str = "/predict") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *lines, "", ""]).encode()


def answer(connection: socket.socket) -> tuple[int, str]:
    """Code and error of the next answer."""
    said = b""
    while b"\r\n\r\n" not in said:
        more = connection.recv(65536)
        assert more, said
        said += more
    lines, _, body = said.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in lines.split(b"\r\n") if b"content-length" in line)
    while len(body) < length:
        body += connection.recv(65536)
    return int(lines.split()[1]), json.loads(body[:length]).get("error", "")


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def still_answers(served: Child) -> bool:
    said = httpx.post(f"{served.url}/predict", content=png("warm"), headers={"Content-Type": "image/png"})
    return said.status_code == 200


def test_a_length_over_the_limit_is_refused_before_the_body_comes(served: Child) -> None:
    with connected(served) as connection:
        connection.sendall(head("Content-Type: image/png", "Content-Length: 10000000000"))
        code, error = answer(connection)
    assert code == 413 and "1000000 bytes" in error


def test_a_body_over_the_limit_is_refused_while_it_comes_and_memory_stays_flat(served: Child) -> None:
    before = served.memory()
    with connected(served) as connection:
        connection.sendall(head("Content-Type: image/png", "Transfer-Encoding: chunked"))
        piece = b"10000\r\n" + bytes(65536) + b"\r\n"
        for _ in range(700):
            connection.sendall(piece)
        assert answer(connection)[0] == 413
        # Who reads the answer only after all is sent still gets it, and may go on.
        connection.sendall(b"0\r\n\r\n" + head("Content-Length: 0", method="GET", path="/readyz"))
        assert answer(connection)[0] == 200
    assert served.memory() - before < FLAT
    assert still_answers(served)


def test_who_wants_to_close_after_the_answer_reads_it_too_whatever_was_sent(served: Child) -> None:
    with connected(served) as connection:
        lines = ("Content-Type: image/png", "Content-Length: 30000000", "Connection: close")
        connection.sendall(head(*lines))
        for _ in range(30):
            connection.sendall(bytes(1_000_000))
        assert answer(connection)[0] == 413
        assert is_closed(connection)


def test_who_sends_on_for_ever_after_the_answer_is_cut_off(served: Child) -> None:
    with connected(served) as connection:
        connection.sendall(head("Content-Type: image/png", "Transfer-Encoding: chunked"))
        piece = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
        with pytest.raises(ConnectionError):
            for _ in range(1000):
                connection.sendall(piece)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_is_capped_after_decompression_and_memory_stays_flat(served: Child, encoding: str) -> None:
    packer = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    bomb = b"".join(packer.compress(bytes(MEGABYTE)) for _ in range(300)) + packer.flush()
    assert len(bomb) < MEGABYTE
    before = served.memory()
    headers = {"Content-Type": "image/png", "Content-Encoding": encoding}
    said = httpx.post(f"{served.url}/predict", content=bomb, headers=headers)
    assert said.status_code == 413 and "decompressed" in said.json()["error"]
    assert served.memory() - before < FLAT


@pytest.mark.parametrize(
    ("encoding", "pack", "code"),
    [
        ("gzip", gzip.compress, 200),
        ("gzip", lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]), 200),
        ("deflate", zlib.compress, 200),
        ("deflate", lambda data: zlib.compress(data, wbits=-15), 200),
        ("identity", bytes, 200),
        ("gzip", lambda data: gzip.compress(data)[:-9], 400),
        ("gzip", bytes, 400),
        ("deflate", lambda data: b"\xff" + data, 400),
        ("br", bytes, 415),
    ],
)
def test_bodies_come_compressed_in_any_way_that_is_stated(
    running: Running, encoding: str, pack: Callable[[bytes], bytes], code: int
) -> None:
    headers = {"Content-Type": "image/png", "Content-Encoding": encoding}
    said = running.client.post("/predict", content=pack(png("warm")), headers=headers)
    assert said.status_code == code, said.text


def test_who_sends_a_head_byte_by_byte_is_cut_off_and_so_is_who_sends_nothing(served: Child) -> None:
    with connected(served) as idle, connected(served) as connection:
        coming = iter(head("X: " + "slow" * 1000))
        while not select.select([connection], [], [], 0.05)[0]:
            connection.sendall(bytes([next(coming)]))
        assert is_closed(connection)
        assert is_closed(idle)
    assert still_answers(served)


def test_who_sends_half_a_second_head_is_cut_off_too(served: Child) -> None:
    with connected(served) as connection:
        connection.sendall(head(method="GET", path="/readyz"))
        assert answer(connection)[0] == 200
        connection.sendall(b"\r\nGET /readyz HTTP/1.1\r\nHost: 127")
        assert is_closed(connection)


def test_a_body_that_does_not_come_is_not_waited_for(served: Child) -> None:
    with connected(served) as connection:
        connection.sendall(head("Content-Type: image/png", "Content-Length: 100") + b"half")
        code, error = answer(connection)
    assert code == 408 and "5 seconds" in error


def test_a_head_that_never_ends_is_refused(served: Child) -> None:
    with connected(served) as connection:
        try:
            connection.sendall(head("X: " + "x" * 200_000))
            assert answer(connection)[0] == 431
        except ConnectionError:
            pass
    assert still_answers(served)


def test_a_head_that_never_ends_behind_a_request_is_not_kept(served: Child) -> None:
    before = served.memory()
    with connected(served) as connection:
        connection.sendall(head("Content-Length: 1000") + bytes(1000) + head("X: ")[:-4])
        with suppress(ConnectionError):
            for _ in range(1000):
                connection.sendall(b"x" * 65536)
    assert served.memory() - before < FLAT


@pytest.mark.parametrize("bytes_sent", [b"\x16\x03\x01\x00\xa5", b"GET / HTTP/9.9\r\n\r\n", b"no\r\n\r\n"])
def test_what_is_no_http_is_told_so_in_json(served: Child, bytes_sent: bytes) -> None:
    with connected(served) as connection:
        connection.sendall(bytes_sent)
        assert answer(connection) == (400, "This is no HTTP request.")


def test_a_client_that_goes_away_is_nobodys_fault(served: Child) -> None:
    for _ in range(5):
        with connected(served) as connection:
            connection.sendall(head("Content-Type: image/png", "Content-Length: 4000") + b"x" * 4000)
    assert still_answers(served)
    assert 'code="500"' not in httpx.get(f"{served.url}/metrics").text


def test_more_connections_than_there_may_be_are_told_to_come_again(served: Child) -> None:
    with ExitStack() as stack:
        codes = [
            answer_to_a_probe(stack.enter_context(connected(served))) for _ in range(served.connections + 2)
        ]
    assert codes.count(200) >= served.connections - 5
    assert codes[-2:] == [503, 503]
    assert still_answers(served)


def answer_to_a_probe(connection: socket.socket) -> int:
    with suppress(ConnectionError):
        connection.sendall(head(method="GET", path="/readyz"))
    return answer(connection)[0]


def test_bodies_together_may_not_take_all_memory(served: Child) -> None:
    with ExitStack() as stack:
        every = [stack.enter_context(connected(served)) for _ in range(9)]
        for connection in every:
            connection.sendall(head("Content-Type: image/png", "Content-Length: 1000000") + bytes(999_999))
        (refused, *_), _, _ = select.select(every, [], [], 30)
        code, error = answer(refused)
    assert code == 503 and "memory" in error
    assert still_answers(served)


PAIR = {"premise": "he moves at 3", "hypothesis": "he walks"}


def texts_in_every_form(pair: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    """Addresses and bodies that ask about a pair of texts."""
    columns, cells = list(pair), list(pair.values())
    table = f"{','.join(columns)}\n{','.join(cells)}\n"
    tensors = [
        {"name": name, "datatype": "BYTES", "shape": [1], "data": [text]} for name, text in pair.items()
    ]
    return [
        ("/predict", {"json": {"inputs": [cells]}}),
        ("/invocations", {"json": {"dataframe_split": {"columns": columns, "data": [cells]}}}),
        ("/invocations", {"json": {"dataframe_records": [pair]}}),
        ("/invocations", {"json": {"instances": [pair]}}),
        ("/invocations", {"json": {"inputs": {name: [text] for name, text in pair.items()}}}),
        ("/invocations", {"content": table, "headers": {"Content-Type": "text/csv"}}),
        ("/v2/models/model/infer", {"json": {"inputs": tensors}}),
    ]


def test_a_text_of_too_many_characters_is_refused(start: Callable[..., Running], texts: Path) -> None:
    length = sum(map(len, PAIR.values()))
    client = start([texts], characters=length).client
    assert client.get("/model").json()["limits"]["characters"] == length
    for path, body in texts_in_every_form(PAIR):
        assert client.post(path, **body).status_code == 200
    for path, body in texts_in_every_form({**PAIR, "premise": "he moves at 33"}):
        said = client.post(path, **body)
        assert said.status_code == 413, path
        assert said.json()["error"].startswith(f"input 1: has {length + 1} characters")


def test_json_may_have_a_part_of_what_a_body_may_have(
    start: Callable[..., Running], runs: list[Path]
) -> None:
    client = start(runs, body=40_000).client
    stated = client.get("/model").json()["limits"]
    assert (stated["body"], stated["json"]) == (40_000, 10_000)
    many = b"[" + b"[]," * 4000 + b"[]]"
    for path, kind in (
        ("/predict", "application/json"),
        ("/invocations", "application/json"),
        ("/invocations", "text/csv"),
        ("/v2/models/model/infer", "application/json"),
    ):
        said = client.post(path, content=many, headers={"Content-Type": kind})
        assert said.status_code == 413 and "10000 bytes" in said.json()["error"], path
    tensor = {"name": "pixels", "datatype": "UINT8", "shape": [1, 64, 64, 3]}
    sizes = {"parameters": {"binary_data_size": 64 * 64 * 3}}
    head = json.dumps({"inputs": [{**tensor, **sizes}]}).encode()
    headers = {"Inference-Header-Content-Length": str(len(head))}
    said = client.post("/v2/models/model/infer", content=head + bytes(64 * 64 * 3), headers=headers)
    assert said.status_code == 200


def test_feedback_may_not_be_long(running: Running) -> None:
    said = running.client.post("/feedback", content=b"[" + b"[]," * 400_000 + b"[]]")
    assert said.status_code == 413 and said.json()["error"]


@pytest.mark.parametrize("form", ["inputs", "instances", "dataframe_records", "dataframe_split", "csv"])
def test_more_rows_than_inputs_may_wait_are_refused(running: Running, form: str) -> None:
    rows = ["x"] * 257
    table = {"columns": ["image"], "data": [rows[:1]] * len(rows)}
    body: dict[str, Any] = {"json": {form: table if form == "dataframe_split" else rows}}
    if form == "csv":
        body = {"content": "\n\n".join(["image", *rows]), "headers": {"Content-Type": "text/csv"}}
    said = running.client.post("/invocations", **body)
    assert said.status_code == 413 and "at most 256" in said.json()["error"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "0.0.0.0"},
        {"host": "example.org"},
        {"host": "::"},
        {"host": "", "open": True},
        {"port": 70000},
        {"sample": 1.5},
        {"max_batch": 0},
        {"characters": 0},
        {"deadline": float("nan")},
        {"token": "two words"},
        {"name": "a/b"},
        {"body": 10, "bodies": 5},
    ],
)
def test_options_that_would_be_unsafe_or_wrong_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RequestError):
        ServiceOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "safe", [{"host": "0.0.0.0", "token": "t"}, {"host": "::1"}, {"host": "0.0.0.0", "open": True}]
)
def test_other_machines_may_ask_with_a_token_or_where_it_is_said_to_be_open(safe: dict[str, object]) -> None:
    assert ServiceOptions(**safe)  # type: ignore[arg-type]
