import io
import os
import urllib.error
import urllib.request

import pytest
from e2b import FileNotFoundException, FileType, InvalidArgumentException

DATA = "grüße 漢字 🚀\n" * 5_000
BYTES = os.urandom(300_000)


@pytest.mark.parametrize("gzip", [False, True])
def test_reads_in_every_format(sandbox, gzip):
    for path, text in (("/tmp/format.txt", DATA), ("/tmp/none.txt", "")):
        sandbox.files.write(path, text)
        assert sandbox.files.read(path, gzip=gzip) == text
        assert bytes(sandbox.files.read(path, format="bytes", gzip=gzip)) == text.encode()
        assert b"".join(sandbox.files.read(path, format="stream", gzip=gzip)) == text.encode()
    for format in ("text", "bytes", "stream"):
        with pytest.raises(FileNotFoundException):
            sandbox.files.read("/tmp/not-there", format=format, gzip=gzip)


@pytest.mark.parametrize("options", [{}, {"gzip": True}, {"use_octet_stream": True}, {"use_octet_stream": False}])
@pytest.mark.parametrize("kind", ["text", "bytes", "io", "text_io", "chunks"])
def test_writes_every_kind(sandbox, kind, options):
    text = BYTES.hex()
    if kind == "chunks" and options.get("use_octet_stream") is False:
        with pytest.raises(InvalidArgumentException):
            sandbox.files.write("/tmp/x", iter([b"x"]), **options)
        return
    data, expected = {
        "text": (text, text.encode()),
        "bytes": (BYTES, BYTES),
        "io": (io.BytesIO(BYTES), BYTES),
        "text_io": (io.StringIO(text), text.encode()),
        "chunks": ((BYTES[i : i + 7_000] for i in range(0, len(BYTES), 7_000)), BYTES),
    }[kind]
    assert sandbox.files.write("new/dir/data.bin", data, **options).path == "/home/user/new/dir/data.bin"
    assert bytes(sandbox.files.read("new/dir/data.bin", format="bytes")) == expected


def test_write_files_with_none_one_and_many(sandbox):
    assert sandbox.files.write_files([]) == []
    assert len(sandbox.files.write_files([{"path": "w/1", "data": "one"}])) == 1
    many = [{"path": f"w/many/{i}", "data": f"text {i}"} for i in range(20)]
    assert [w.path for w in sandbox.files.write_files(many)] == [f"/home/user/w/many/{i}" for i in range(20)]
    assert [sandbox.files.read(f"w/many/{i}") for i in range(20)] == [f"text {i}" for i in range(20)]


def test_metadata(sandbox):
    written = sandbox.files.write("/tmp/meta", "m", metadata={"author": "me", "stage": "two words"})
    assert written.metadata == {"author": "me", "stage": "two words"}
    assert sandbox.files.get_info("/tmp/meta").metadata == {"author": "me", "stage": "two words"}
    assert sandbox.files.rename("/tmp/meta", "/tmp/meta2").metadata == {"author": "me", "stage": "two words"}
    sandbox.files.write("/tmp/meta2", "m")
    assert not sandbox.files.get_info("/tmp/meta2").metadata
    with pytest.raises(InvalidArgumentException):
        sandbox.files.write("/tmp/meta3", "m", metadata={"big": "x" * 5000})


def test_info(sandbox):
    sandbox.commands.run("mkdir -p /tmp/gi/d && echo hi > /tmp/gi/f && cd /tmp/gi && ln -s f l && ln -s none b")
    assert sandbox.files.get_info("/tmp/gi/d").type == FileType.DIR
    assert sandbox.files.get_info("/tmp/gi/d").size > 0
    link = sandbox.files.get_info("/tmp/gi/l")
    assert (link.type, link.symlink_target, link.permissions) == (FileType.FILE, "/tmp/gi/f", "Lrwxrwxrwx")
    assert sandbox.files.get_info("/tmp/gi/b").type is None
    with pytest.raises(FileNotFoundException):
        sandbox.files.get_info("/tmp/gi/none")
    with pytest.raises(InvalidArgumentException):
        sandbox.files.list("/tmp/gi/f")
    with pytest.raises(FileNotFoundException):
        sandbox.files.rename("/tmp/gi/none", "/tmp/gi/other")
    sandbox.files.remove("/tmp/gi/none")


def fetch(sandbox, url):
    request = urllib.request.Request(
        url, headers={"E2b-Sandbox-Id": sandbox.sandbox_id, "E2b-Sandbox-Port": "49983"}
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def test_signed_links(sandbox):
    sandbox.files.write("hello.txt", "of root", user="root")
    assert fetch(sandbox, sandbox.download_url("hello.txt", user="root")) == (200, "of root")
    valid = sandbox.download_url("/root/hello.txt", use_signature_expiration=60)
    assert fetch(sandbox, valid) == (200, "of root")
    status, text = fetch(sandbox, sandbox.download_url("/root/hello.txt", use_signature_expiration=-10))
    assert (status, text.strip()) == (401, '{"code":401,"message":"signature is already expired"}')
    assert fetch(sandbox, sandbox.upload_url("/root/hello.txt"))[0] == 401


async def test_async_formats(async_sandbox):
    files = async_sandbox.files
    for options in ({}, {"gzip": True}, {"use_octet_stream": True}, {"use_octet_stream": False}):
        await files.write("a/b.bin", BYTES, **options)
        assert bytes(await files.read("a/b.bin", format="bytes", gzip=bool(options.get("gzip")))) == BYTES
    assert b"".join([c async for c in await files.read("a/b.bin", format="stream")]) == BYTES
    assert await files.write_files([]) == []
    many = [{"path": f"m/{i}", "data": str(i)} for i in range(5)]
    assert len(await files.write_files(many)) == 5
    assert [e.name for e in await files.list("m")] == ["0", "1", "2", "3", "4"]
    info = await files.write("meta", "m", metadata={"k": "v"})
    assert info.metadata == {"k": "v"}
    assert await files.make_dir("d/e") is True
    assert await files.make_dir("d/e") is False
    assert (await files.rename("meta", "meta2")).metadata == {"k": "v"}
    await files.remove("meta2")
    assert await files.exists("meta2") is False
    with pytest.raises(FileNotFoundException):
        await files.get_info("meta2")
