import pytest
from e2b import AsyncSandbox, AsyncTemplate, Sandbox, Template, wait_for_port
from e2b.exceptions import SandboxException


def built(template, name, **options):
    lines = []
    info = Template.build(
        template, name, cpu_count=1, memory_mb=256, on_build_logs=lines.append, **options
    )
    return info, lines


# template-build.md 18.1 and 6: files, variables, users
def test_files_and_commands_make_a_template(fresh, create, tmp_path):
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / "src" / "a.txt").write_text("a")
    (tmp_path / "src" / "deep" / "b.txt").write_text("b")
    name = fresh("files")
    template = (
        Template(file_context_path=str(tmp_path))
        .from_base_image()
        .set_envs({"WHO": "you"})
        .set_workdir("/home/user/work")
        .copy("src", "copied")
        .run_cmd('echo "$WHO" > who')
        .make_dir("made")
        .make_symlink("who", "link")
    )
    built(template, name)
    sandbox = create(name)
    assert sandbox.commands.run("cat copied/a.txt copied/deep/b.txt link; pwd; ls -d made").stdout == (
        "abyou\n/home/user/work\nmade\n"
    )
    _, again = built(template, name)
    assert any("CACHED [builder" in line.message for line in again)


# template-build.md 13
def test_a_failure_is_raised_with_its_command(fresh):
    template = Template().from_template("base").run_cmd("true").run_cmd("exit 7")
    with pytest.raises(Exception, match="exit 7"):
        built(template, fresh("fails"))


# template-build.md 10, 15
async def test_a_start_command_is_alive_and_the_name_exists(fresh):
    name = fresh("starts")
    assert not await AsyncTemplate.exists(name)
    template = AsyncTemplate().from_template("base").set_start_cmd(
        "python3 -m http.server 8000", wait_for_port(8000)
    )
    await AsyncTemplate.build(template, name, cpu_count=1, memory_mb=256)
    assert await AsyncTemplate.exists(name)
    sandbox = await AsyncSandbox.create(name)
    try:
        answer = await sandbox.commands.run("curl -s -o /dev/null -w '%{http_code}' localhost:8000")
        assert answer.stdout == "200"
    finally:
        await sandbox.kill()


# template-build.md 4: a missing parent is told by the build
def test_a_missing_parent_is_told(fresh):
    with pytest.raises(Exception, match="not found"):
        built(Template().from_template("no-such-parent"), fresh("orphan"))


def test_an_unknown_template_is_refused():
    with pytest.raises(SandboxException):
        Sandbox.create("no-such-template-at-all")
