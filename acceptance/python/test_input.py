import asyncio

import pytest
from e2b import CommandExitException, NotFoundException, PtySize, TimeoutException

TEXTS = {
    "text": "plain text",
    "specials": "quotes \" ' ` $HOME \\ ünïcödé 漢字 🚀 \t end",
    "lines": "one\ntwo\n\nthree\n",
    "empty": "",
    "long": "x" * 500_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_stdin(sandbox, text):
    cat = sandbox.commands.run("cat", background=True, stdin=True)
    sandbox.commands.send_stdin(cat.pid, text)
    sandbox.commands.close_stdin(cat.pid)
    assert cat.wait().stdout == text


def test_stdin_of_bytes_and_as_a_stream(sandbox):
    cat = sandbox.commands.run("od -An -tx1", background=True, stdin=True)
    sandbox.commands.send_stdin(cat.pid, b"\x00\xff\n\x80")
    sandbox.commands.close_stdin(cat.pid)
    assert cat.wait().stdout.strip() == "00 ff 0a 80"

    streamed = sandbox.commands.run("wc -c", background=True, stdin=True)
    sandbox.commands.stream_input(streamed.pid, (b"x" * 50_000 for _ in range(20)))
    sandbox.commands.close_stdin(streamed.pid)
    assert streamed.wait().stdout.strip() == "1000000"
    with pytest.raises(NotFoundException):
        sandbox.commands.stream_input(999_999, ["nobody"])


def test_timeout_while_waiting_and_iterating(sandbox):
    with pytest.raises(TimeoutException):
        sandbox.commands.run("sleep 10", timeout=1)
    handle = sandbox.commands.run("sleep 10", background=True, timeout=1)
    with pytest.raises(TimeoutException):
        for _ in handle:
            pass


def test_output_of_8191_bytes_and_half_a_character(sandbox):
    result = sandbox.commands.run("head -c 8191 /dev/zero | tr '\\0' a; printf '\\xe6\\xbc\\xa2\\xff'")
    assert result.stdout == "a" * 8191 + "漢\ufffd"


def test_leave_and_connect_again(sandbox):
    first = sandbox.commands.run("read x; echo got $x", background=True, stdin=True)
    first.disconnect()
    second = sandbox.commands.connect(first.pid)
    sandbox.commands.send_stdin(first.pid, "it\n")
    assert second.wait().stdout == "got it\n"


def test_pty_leave_connect_kill(sandbox):
    pty = sandbox.pty.create(PtySize(rows=24, cols=80), envs={"SHADE": "blue"}, cwd="/tmp")
    pty.disconnect()
    text = []
    again = sandbox.pty.connect(pty.pid)
    sandbox.pty.send_stdin(pty.pid, b"echo $SHADE-$((40+2)) $PWD\nexit 3\n")
    with pytest.raises(CommandExitException) as caught:
        again.wait(on_pty=text.append)
    assert caught.value.exit_code == 3
    assert "blue-42 /tmp" in b"".join(text).decode()
    assert sandbox.pty.kill(pty.pid) is False


async def test_async_input(async_sandbox):
    commands = async_sandbox.commands
    cat = await commands.run("cat", background=True, stdin=True)
    await commands.send_stdin(cat.pid, "one\n")
    async with commands.stream_input(cat.pid) as stream:
        await stream.send("two\n")
        await stream.send(b"three\n")
    await commands.close_stdin(cat.pid)
    assert (await cat.wait()).stdout == "one\ntwo\nthree\n"
    with pytest.raises(TimeoutException):
        await commands.run("sleep 10", timeout=1)
    with pytest.raises(CommandExitException):
        await commands.run("exit 2")
    assert cat.pid not in [p.pid for p in await commands.list()]
    with pytest.raises(NotFoundException):
        await commands.connect(999_999)


async def test_async_many_at_once(async_sandbox):
    results = await asyncio.gather(*(async_sandbox.commands.run(f"echo {i}") for i in range(50)))
    assert [r.stdout for r in results] == [f"{i}\n" for i in range(50)]


async def test_async_pty(async_sandbox):
    text = bytearray()
    pty = await async_sandbox.pty.create(PtySize(rows=24, cols=80), on_data=text.extend)
    await async_sandbox.pty.resize(pty.pid, PtySize(rows=30, cols=100))
    await async_sandbox.pty.send_stdin(pty.pid, b"echo cols=$(tput cols)\nexit\n")
    assert (await pty.wait()).exit_code == 0
    assert b"cols=100" in text
