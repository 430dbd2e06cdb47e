import hashlib
import os

import pytest
from e2b import FileNotFoundException


def test_text(sandbox):
    info = sandbox.files.write("notes/a ü.txt", "grüße\n")
    assert info.path == "/home/user/notes/a ü.txt"
    assert sandbox.files.read("notes/a ü.txt") == "grüße\n"
    sandbox.files.write("/tmp/e.txt", "")
    assert sandbox.files.read("/tmp/e.txt") == ""


def test_hundred_megabytes(sandbox):
    data = os.urandom(100 * 1024 * 1024)
    digest = hashlib.sha256(data).hexdigest()
    sandbox.files.write("/home/user/big.bin", data)
    assert sandbox.commands.run("sha256sum /home/user/big.bin").stdout.startswith(digest)
    assert hashlib.sha256(sandbox.files.read("/home/user/big.bin", format="bytes")).hexdigest() == digest


def test_several_files(sandbox):
    written = sandbox.files.write_files([{"path": "many/1", "data": "1"}, {"path": "/tmp/many/2", "data": "2"}])
    assert [w.path for w in written] == ["/home/user/many/1", "/tmp/many/2"]


def test_list_rename_remove_exists(sandbox):
    sandbox.commands.run("mkdir -p /tmp/ls/a /tmp/ls/b && echo hi > /tmp/ls/a/f && ln -s a/f /tmp/ls/link")
    assert [e.path for e in sandbox.files.list("/tmp/ls", depth=3)] == [
        "/tmp/ls/a",
        "/tmp/ls/a/f",
        "/tmp/ls/b",
        "/tmp/ls/link",
    ]
    assert sandbox.files.get_info("/tmp/ls/link").symlink_target == "/tmp/ls/a/f"
    sandbox.files.rename("/tmp/ls/a/f", "/tmp/ls/g")
    assert sandbox.files.exists("/tmp/ls/g")
    sandbox.files.remove("/tmp/ls/g")
    assert not sandbox.files.exists("/tmp/ls/g")
    assert sandbox.files.make_dir("/tmp/d/e") is True
    assert sandbox.files.make_dir("/tmp/d/e") is False
    with pytest.raises(FileNotFoundException):
        sandbox.files.read("/tmp/nothing")


async def test_async_files(async_sandbox):
    await async_sandbox.files.write("/tmp/x", "async")
    assert await async_sandbox.files.read("/tmp/x") == "async"
    assert await async_sandbox.files.exists("/tmp/x")
