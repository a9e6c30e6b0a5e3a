"""Faults of table files: each is refused with its line and what was found there."""

import pytest

from headstart.data.delimited import read_delimited
from headstart.data.table_files import read_table
from headstart.errors import DataError

HEAD = "path,label\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (HEAD.encode(), "there is a header, 'path', 'label', but no row"),
        (HEAD.encode() + "a.jpg,x\nb.jpg,Bär\n".encode("latin-1"), "line 3: byte 0xe4 is not UTF-8"),
        ((HEAD + "a.jpg,x\n").encode("utf-16-le"), "looks like UTF-16"),
        (HEAD.encode() + b"a.jpg,x\nb.jpg,\0y\n", "line 3: a NUL character"),
        (HEAD.encode() + b"a.jpg,x\nb.jpg\n", r"line 3: expected 2 columns \(path, label\), found 1"),
        (HEAD.encode() + b"a.jpg,x,y\nb.jpg\n", r"2 problems\n  line 2: .*found 3.*\n  line 3: .*found 1"),
        (b"path,label,path\na,b,c\n", "line 1: the header names 'path' more than once"),
        (HEAD.encode() + b'a.jpg,x\nb.jpg,"y\nc.jpg,z\n', "line 3: a quote is opened and never closed"),
        (HEAD.encode() + b'a.jpg,"x\nb.jpg,y\nc.jpg,"z\n', "line 2: a quote is closed in the middle"),
        (
            HEAD.encode() + b'a.jpg,"x\nb.jpg,y\nc.jpg,z"\nd.jpg,x\n',
            "line 2: a quote opened here closes on line 4, so 3 lines, each a whole row",
        ),
        (HEAD.encode() + b"a.jpg\rb.jpg,y", "line 2: expected 2 columns"),
    ],
)
def test_a_fault_of_a_csv_file_is_named_with_its_line(tmp_path, content, says):
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says) as caught:
        read_delimited(path)
    assert str(path) in str(caught.value)


def test_line_breaks_that_cells_do_hold_are_read(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text('path,note\na.jpg,"one\ntwo\n\nthree"\nb.jpg,plain\n')
    table = read_delimited(path)
    assert table.rows == (("a.jpg", "one\ntwo\n\nthree"), ("b.jpg", "plain"))
    assert table.numbers == (2, 6)


def test_a_nameless_column_is_numbered(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(",path\n0,a.jpg\n")
    assert read_delimited(path).columns == ("column 1", "path")


def test_every_bad_line_of_a_json_lines_file_is_named(tmp_path):
    path = tmp_path / "labels.jsonl"
    deep = '{"a": ' + "[" * 100_000
    long = b'{"label": ' + b"9" * 5_000 + b"}\r\n"
    path.write_bytes(b'{"path": "a.jpg"}\r\n{"path": \r\n\r\n[1, 2]\r\n' + long + deep.encode())
    with pytest.raises(DataError) as caught:
        read_table(path)
    message = str(caught.value)
    assert "4 problems" in message
    assert "line 2: not JSON" in message
    assert "line 4: expected an object, found list" in message
    assert "line 5: a number that is too long" in message
    assert "line 6: nested too deeply" in message


def test_a_damaged_parquet_file_is_named(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "labels.parquet"
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(DataError, match=r"labels.parquet: cannot be read as Parquet"):
        read_table(path)
