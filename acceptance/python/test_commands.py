import pytest
from e2b import CommandExitException, InvalidArgumentException, NotFoundException, PtySize, TimeoutException


def test_output_and_exit_code(sandbox):
    result = sandbox.commands.run("echo out; echo err >&2")
    assert (result.stdout, result.stderr, result.exit_code) == ("out\n", "err\n", 0)
    with pytest.raises(CommandExitException) as caught:
        sandbox.commands.run("echo partial; exit 3")
    assert caught.value.exit_code == 3
    assert caught.value.stdout == "partial\n"


def test_environment_directory_and_user(sandbox):
    assert sandbox.commands.run("echo $ONE", envs={"ONE": "first"}).stdout == "first\n"
    assert sandbox.commands.run("echo -n $ONE").stdout == ""
    assert sandbox.commands.run("pwd", cwd="/tmp").stdout == "/tmp\n"
    assert sandbox.commands.run("whoami").stdout == "user\n"
    assert sandbox.commands.run("whoami", user="root").stdout == "root\n"
    with pytest.raises(InvalidArgumentException):
        sandbox.commands.run("pwd", cwd="/not/there")


def test_python_and_node_run(sandbox):
    assert sandbox.commands.run("python3 -c 'print(6 * 7)'").stdout == "42\n"
    assert sandbox.commands.run("node -e 'console.log(6 * 7)'").stdout == "42\n"


def test_background_list_kill(sandbox):
    handle = sandbox.commands.run("sleep 60", background=True)
    assert handle.pid in [p.pid for p in sandbox.commands.list()]
    assert sandbox.commands.kill(handle.pid) is True
    with pytest.raises(CommandExitException) as caught:
        handle.wait()
    assert caught.value.exit_code == -1
    with pytest.raises(CommandExitException):
        sandbox.commands.run(f"kill -0 {handle.pid}")
    assert sandbox.commands.kill(handle.pid) is False
    with pytest.raises(NotFoundException):
        sandbox.commands.connect(999_999)


def test_stdin(sandbox):
    cat = sandbox.commands.run("cat", background=True, stdin=True)
    sandbox.commands.send_stdin(cat.pid, "one\n")
    sandbox.commands.close_stdin(cat.pid)
    assert cat.wait().stdout == "one\n"


def test_timeout(sandbox):
    with pytest.raises(TimeoutException):
        sandbox.commands.run("sleep 10", timeout=1)


def test_pty_with_resize(sandbox, eventually):
    text = []
    pty = sandbox.pty.create(PtySize(rows=24, cols=80))
    sandbox.pty.resize(pty.pid, PtySize(rows=30, cols=100))
    sandbox.pty.send_stdin(pty.pid, b"echo cols=$(tput cols)\nexit\n")
    result = pty.wait(on_pty=lambda data: text.append(data))
    assert "cols=100" in b"".join(text).decode()
    assert result.exit_code == 0


async def test_async_commands(async_sandbox):
    seen = []
    result = await async_sandbox.commands.run("echo a; echo b", on_stdout=seen.append)
    assert result.stdout == "a\nb\n"
    assert "".join(seen) == "a\nb\n"
    handle = await async_sandbox.commands.run("sleep 60", background=True)
    assert await handle.kill() is True
