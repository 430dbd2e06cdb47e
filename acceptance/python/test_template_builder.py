import hashlib
import json
import os
import re
import time
import traceback

import pytest
from e2b import (
    CopyItem,
    Template,
    wait_for_file,
    wait_for_port,
    wait_for_process,
    wait_for_timeout,
    wait_for_url,
)
from templating import SIZES, fill, hundred_megabytes, status_of

ODD = ["with space.txt", "quo'te\".txt", "ünï→.txt", "-dash", "$(touch x)", "new`tick`"]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A directory as a developer has it."""
    directory = fill(
        tmp_path_factory.mktemp("project"),
        {
            "src": {
                "a.txt": "a",
                "c.md": "c",
                ".hidden": "h",
                "deep": {"b.txt": "b", "x.log": "log"},
                "secret": {"key": "k"},
            },
            "odd": {name: name for name in ODD},
            "kept": {"real.txt": "real"},
            "run.sh": "#!/bin/sh\necho run\n",
            ".dockerignore": "# what stays here\n**/*.log\nsrc/secret\n",
            "this.txt": "yes",
            "not-this.txt": "no",
            "void": {"in": {}},
            "big.bin": hundred_megabytes(),
        },
    )
    (directory / "run.sh").chmod(0o755)
    (directory / "src/link").symlink_to("a.txt")
    (directory / "src/dirlink").symlink_to("deep")
    (directory / "kept/broken").symlink_to("nowhere")
    return directory


# template-build.md 5.5, 6, 18.1
def test_copy_brings_what_was_meant_and_nothing_else(builder, project):
    name = builder.fresh("copies")
    template = (
        builder.Template(file_context_path=str(project), file_ignore_patterns=["not-this.txt"])
        .from_template("base")
        .set_user("other")
        .set_user("user")
        .set_workdir("/home/user/w")
        .copy("src", "all")
        .copy("src/*.txt", "flat/")
        .copy("src/**/*.txt", "deepest/")
        .copy(["run.sh", "src/c.md"], "/opt/several/", user="root")
        .copy("src", "/opt/owned", user="other:root", mode=0o750)
        .copy("kept", "links")
        .copy("src/link", "one-link")
        .copy("src/link", "resolved", resolve_symlinks=True)
        .copy("void", "void")
        .copy("odd", "odd ones/'here'")
        .copy_items(
            [
                CopyItem(src="odd/with space.txt", dest='named "it".txt', mode=0o600),
                CopyItem(src=["*.txt"], dest="tops/"),
            ]
        )
        .copy("big.bin", "/opt/big.bin", user="root")
    )
    builder.build(template, name)
    run = builder.shell(name)
    found = run("cd all; find . | LC_ALL=C sort").split("\n")
    assert [one for one in found if one != "./secret"] == [
        ".",
        "./.hidden",
        "./a.txt",
        "./c.md",
        "./deep",
        "./deep/b.txt",
        "./dirlink",
        "./link",
    ]
    assert run("readlink all/link all/dirlink links/broken one-link").split() == ["a.txt", "deep", "nowhere", "a.txt"]
    assert run("find flat deepest tops -type f | LC_ALL=C sort").split() == [
        "deepest/a.txt",
        "deepest/deep/b.txt",
        "flat/a.txt",
        "tops/this.txt",
    ]
    assert run('stat -c "%U:%G %a %n" /opt/several/*').split("\n") == [
        "root:root 644 /opt/several/c.md",
        "root:root 755 /opt/several/run.sh",
    ]
    assert run('sudo stat -c "%U:%G %a %F" /opt/owned/deep /opt/owned/deep/b.txt /opt/owned/link').split("\n") == [
        "other:root 750 directory",
        "other:root 750 regular file",
        "other:root 777 symbolic link",
    ]
    assert run('stat -c "%F %U" resolved; cat resolved') == "regular file user\na"
    assert run("find void -type d | LC_ALL=C sort").split() == ["void", "void/in"]
    assert run(
        "cd \"odd ones/'here'\"; for f in *; do [ \"$(cat ./\"$f\")\" = \"$f\" ] && echo ok; done | wc -l; ls -A | wc -l"
    ).split() == [str(len(ODD))] * 2
    summed = hashlib.sha256((project / "big.bin").read_bytes()).hexdigest()
    assert run("stat -c '%a %s' 'named \"it\".txt'; sha256sum /opt/big.bin | cut -d' ' -f1") == f"600 14\n{summed}"


def test_an_upload_is_sent_once_unless_it_is_forced(builder, tmp_path):
    name = builder.fresh("uploads")
    (tmp_path / "f.txt").write_text(name)

    def built(**options):
        template = builder.Template(file_context_path=str(tmp_path)).from_template("base").copy("f.txt", "f", **options)
        return builder.build(template, name)[1]

    assert "Uploaded 'f.txt'" in built()
    again = built()
    assert "Skipping upload of 'f.txt'" in again
    assert "CACHED [builder 1/1]" in again
    forced = built(force_upload=True)
    assert "Uploaded 'f.txt'" in forced
    assert "CACHED [builder 1/1]" not in forced


# template-build.md 18.1: what becomes RUN
def test_directories_links_moves_removals_and_clones_take_every_option(builder):
    name = builder.fresh("shell")
    template = (
        builder.Template()
        .from_template("base")
        .set_user("other")
        .set_user("user")
        .set_workdir("/srv")
        .set_workdir("../work here")
        .make_dir(["one", "it's \"two\"/three"], mode=0o711)
        .make_dir("/opt/of-other", user="root", mode=0o2775)
        .run_cmd(["echo a > a", "echo b > b", "chmod 0444 b", "echo $PWD > place"])
        .rename("a", "b", force=True)
        .rename("place", "/srv/place", user="root")
        .make_symlink("b", "link")
        .make_symlink("one", "link", force=True)
        .make_symlink("/srv/place", "/srv/link", user="root")
        .run_cmd(["mkdir -p tree/below", "touch tree/below/f plain"])
        .remove(["tree", "never there"], recursive=True, force=True)
        .remove("plain")
        .run_cmd("touch /srv/of-root", user="root")
        .remove("/srv/of-root", user="root")
        .run_cmd(
            [
                "git init -q -b main repo && cd repo && git config user.name a && git config user.email a@b",
                "for i in 1 2 3; do echo $i > f; git add f; git commit -qm $i; done",
                "git switch -qc other/branch; echo four > f; git commit -qam four; git switch -q main",
            ]
        )
        .git_clone("file:///work here/repo", "clone one")
        .git_clone("file:///work here/repo", "two", branch="other/branch", depth=1)
        .run_cmd('git config --global --add safe.directory "*"', user="root")
        .git_clone("file:///work here/repo", "/opt/three", user="root")
        .set_envs({"GREETING": 'hello "you" \\ $(no)', "PATH": "/opt/mine:$PATH"})
        .run_cmd("id -un > /tmp/who; echo \"$HOME $GREETING $PATH\" >> /tmp/who", user="other")
    )
    builder.build(template, name)
    run = builder.shell(name)
    assert run("pwd; cat /srv/place") == "/work here\n/work here"
    assert run("stat -c '%a %U' one \"it's \\\"two\\\"/three\" /opt/of-other") == "711 user\n711 user\n2775 root"
    assert run("cat b; readlink link; readlink /srv/link; stat -c %U /srv/link") == "a\none\n/srv/place\nroot"
    assert run("ls -d one tree plain /srv/of-root 2>/dev/null || true") == "one"
    assert run(
        'git -C "clone one" rev-list --count HEAD; git -C two rev-list --count HEAD; cat two/f;'
        " git -C two branch --show-current; stat -c %U /opt/three/f"
    ).split() == ["3", "1", "four", "other/branch", "root"]
    assert re.match(r'other\n/home/other hello "you" \\ \$\(no\) /opt/mine:/', run("cat /tmp/who"))


# template-build.md 7
def test_steps_before_skip_cache_come_from_the_cache_and_those_after_it_run(builder):
    name = builder.fresh("skips")

    def built(skip):
        template = builder.Template().from_template("base").run_cmd(f"date +%s%N > first # {name}")
        template = template.skip_cache() if skip else template
        text = builder.build(template.run_cmd("date +%s%N > second"), name)[1]
        return text, builder.shell(name)("cat first second").split()

    _, one = built(False)
    text, two = built(True)
    assert "CACHED [builder 1/2]" in text
    assert "CACHED [builder 2/2]" not in text
    assert two[0] == one[0]
    assert two[1] != one[1]
    text, three = built(False)
    assert text.count("CACHED [builder") == 2
    assert three == two


def ended(builder, info):
    """The last status of a build and all of its log, read page by page."""
    lines = []
    while True:
        status = builder.client.call("get_build_status", info, logs_offset=len(lines))
        assert len(status.log_entries) <= 100
        lines += status.log_entries
        if status.status.value in ("ready", "error") and not status.log_entries:
            return status, lines
        time.sleep(0.05)


# template-build.md 10: every helper
def test_a_template_waits_as_its_helper_says(builder):
    def base():
        return builder.Template().from_template("base").set_workdir("/home/user/www")

    server = "exec python3 -m http.server 8123"
    ways = {
        "url": base().set_start_cmd(server, wait_for_url("http://localhost:8123/none?a='b'", 404)),
        "port": base().set_start_cmd(server, wait_for_port(8123)),
        "process": base().set_start_cmd(
            "cp /bin/sleep /tmp/my-daemon; exec /tmp/my-daemon 1000", wait_for_process("my-daemon")
        ),
        "file": base().set_start_cmd("touch '/tmp/the file'; sleep 1000", wait_for_file("/tmp/the file")),
        "time": base().set_start_cmd("touch /tmp/over; sleep 1000", wait_for_timeout(1_000)),
        "ready": base().set_ready_cmd("test -d /home/user/www"),
    }
    names = {way: builder.fresh(way) for way in ways}
    builds = [
        builder.client.call("build_in_background", template, names[way], **SIZES) for way, template in ways.items()
    ]
    assert [ended(builder, info)[0].status.value for info in builds] == ["ready"] * len(ways)
    answers = "curl -s -o /dev/null -w '%{http_code}' localhost:8123/"
    assert builder.shell(names["url"])(answers) == "200"
    assert builder.shell(names["port"])(answers) == "200"
    assert builder.shell(names["process"])("pgrep -c my-daemon") == "1"
    assert builder.shell(names["file"])("ls '/tmp/the file'") == "/tmp/the file"
    assert builder.shell(names["time"])("ls /tmp/over") == "/tmp/over"
    assert builder.shell(names["ready"])("pwd") == "/home/user/www"


# template-build.md 9, 10, 22 row 5
def test_a_chain_of_templates_gathers_variables_users_and_directories(builder):
    one, two, three = (builder.fresh(f"chain-{i}") for i in (1, 2, 3))
    first = builder.Template().from_template("base").set_envs({"A": "a", "PATH": "/opt/one:$PATH"})
    builder.build(first.set_workdir("/srv/one").run_cmd("echo 1 > /tmp/f"), one)
    second = builder.Template().from_template(one).set_envs({"B": "$A-b", "PATH": "/opt/two:$PATH"})
    builder.build(second.set_user("second").set_workdir("two"), two)
    third = builder.Template().from_template(two).set_envs({"C": "${A}${B}", "A": "new"})
    start = 'echo "$A $B $C $(id -un) $PWD" > /tmp/started; sleep 1000'
    built = third.run_cmd('echo "$A $B $C $PATH" > /tmp/built')
    builder.build(built.set_start_cmd(start, wait_for_file("/tmp/started")), three)
    run = builder.shell(three)
    assert run("cat /tmp/built").startswith("new a-b aa-b /opt/two:/opt/one:/usr/local/")
    assert run('cat /tmp/f /tmp/started; id -un; pwd; echo "[$A]"').split("\n") == [
        "1",
        "new a-b aa-b second /srv/one/two",
        "second",
        "/srv/one/two",
        "[]",
    ]


DOCKERFILE = """FROM e2bdev/base
ARG WITH=default
ARG WITHOUT
ENV ONE=1 TWO=two
EXPOSE 80
VOLUME /data
RUN useradd -m third && echo "$WITH|$WITHOUT|$ONE|$TWO|$(id -un)|$PWD" > /env
WORKDIR /srv
COPY --chown=third:root a.txt b.txt sub /srv/app/
ADD a.txt renamed.txt
WORKDIR app
USER third
RUN id -un > /tmp/user; pwd > /tmp/pwd
"""


# template-build.md 19; that CMD waits 20 s is held by builder.test.mjs
def test_a_dockerfile_with_everything_that_is_taken_from_one(builder, tmp_path):
    fill(tmp_path, {"a.txt": "a", "b.txt": "b", "sub": {"c.txt": "c"}})
    name = builder.fresh("dockerfile")
    builder.build(builder.Template(file_context_path=str(tmp_path)).from_dockerfile(DOCKERFILE), name)
    run = builder.shell(name)
    assert run("cat /env /tmp/user /tmp/pwd") == "default||1|two|root|/\nthird\n/srv/app"
    assert run('cd /srv/app; stat -c "%U:%G %n" *; stat -c "%U %n" /srv/renamed.txt; id -un; pwd').split("\n") == [
        "third:root a.txt",
        "third:root b.txt",
        "third:root c.txt",
        "root /srv/renamed.txt",
        "third",
        "/srv/app",
    ]
    started = Template().from_dockerfile('FROM x\nCMD ["c", "d"]\n')
    plan = json.loads(Template.to_json(started))
    assert (plan["startCmd"], plan["readyCmd"]) == ("c d", "sleep 20")


# template-build.md 18.1: what the builder itself refuses, and the parents that helpers need
def test_helpers_of_special_parents_are_for_those_parents_alone(builder):
    with pytest.raises(Exception, match="mcp-gateway"):
        builder.Template().from_template("base").add_mcp_server("exa")
    with pytest.raises(Exception, match="(?i)devcontainer"):
        builder.Template().from_template("base").beta_dev_container_prebuild("/w")
    with pytest.raises(Exception, match="(?i)devcontainer"):
        builder.Template().from_template("base").beta_set_dev_container_start("/w")
    with pytest.raises(Exception, match="absolute"):
        builder.Template().from_template("base").copy("/etc/passwd", "x")
    with pytest.raises(Exception, match="escapes"):
        builder.Template().from_template("base").copy("../x", "x")
    with pytest.raises(Exception, match="mcp-gateway.* not found"):
        builder.build(builder.Template().from_template("mcp-gateway").add_mcp_server("exa"), builder.fresh("mcp"))
    with pytest.raises(Exception, match="devcontainer.* not found"):
        container = builder.Template().from_template("devcontainer").beta_dev_container_prebuild("/w")
        builder.build(container, builder.fresh("container"))


def line_of(mark):
    with open(__file__) as source:
        found = [i for i, line in enumerate(source, 1) if line.rstrip().endswith(f"# {mark}")]
    assert len(found) == 1, f"{mark} stands on lines {found}"
    return found[0]


# template-build.md 13: the failing step points to the call of the builder
def test_a_failure_points_at_the_line_that_is_to_blame(builder, tmp_path):
    (tmp_path / "a.txt").write_text("a")

    def blamed(template, mark, message):
        with pytest.raises(Exception, match=message) as raised:
            builder.build(template, builder.fresh("fails"))
        last = traceback.extract_tb(raised.value.__traceback__)[-1]
        assert (os.path.basename(last.filename), last.lineno) == (os.path.basename(__file__), line_of(mark)), mark

    first = builder.Template().from_template("base")
    first = first.run_cmd("exit 3")  # first step
    first = first.run_cmd("true")
    blamed(first, "first step", "exit 3'.*exit status 3")

    middle = builder.Template(file_context_path=str(tmp_path)).from_template("base").run_cmd("true")
    middle = middle.copy(["a.txt", "a.txt"], "/tmp/").set_envs({})
    middle = middle.run_cmd(["true", "exit 4"])  # middle step
    middle = middle.run_cmd("true")
    blamed(middle, "middle step", "exit 4'.*exit status 4")

    last = builder.Template().from_template("base").set_user("user")
    last = last.run_cmd("no-such-program-at-all")  # last step
    blamed(last, "last step", "no-such-program-at-all'.*exit status 127")

    copy = builder.Template(file_context_path=str(tmp_path)).from_template("base").run_cmd("true")
    copy = copy.copy("a.txt", "/etc/passwd/a.txt")  # copy step
    copy = copy.run_cmd("true")
    blamed(copy, "copy step", "/etc/passwd")

    start = builder.Template().from_template("base").run_cmd("true")
    start = start.set_start_cmd("sleep 1; echo cannot >&2; exit 5", wait_for_file("/tmp/never"))  # start command
    blamed(start, "start command", "start command failed: exit status 5")

    parent = builder.Template()
    parent = parent.from_template("no-such-parent")  # parent
    parent = parent.run_cmd("true")
    blamed(parent, "parent", "'no-such-parent' not found")


# template-build.md 11 and 12
def test_a_background_build_is_followed_and_a_later_one_takes_its_place(builder):
    name = builder.fresh("background")
    noise = "for i in $(seq 80); do echo \"{0} out $i\"; echo \"{0} err $i\" >&2; done"
    steps = builder.Template().from_template("base").run_cmd(noise.format("one")).run_cmd(noise.format("two"))
    info = builder.client.call("build_in_background", steps.run_cmd(f": {name}"), name, skip_cache=True, **SIZES)
    status, lines = ended(builder, info)
    assert status.status.value == "ready"
    for stream in ("out", "err"):
        found = (re.search(rf"\[std{stream}\]: (one|two) {stream} (\d+)$", line.message) for line in lines)
        seen = [match.groups() for match in found if match]
        assert seen == [(step, str(i)) for step in ("one", "two") for i in range(1, 81)]
    again = builder.client.call("get_build_status", info, logs_offset=7).log_entries
    assert [line.message for line in again[:5]] == [line.message for line in lines[7:12]]

    slow = builder.client.call(
        "build_in_background", builder.Template().from_template("base").run_cmd(f"sleep 300 # {name}"), name, **SIZES
    )
    quick = builder.client.call(
        "build_in_background", builder.Template().from_template("base").run_cmd("echo quick > /tmp/which"), name, **SIZES
    )
    assert ended(builder, quick)[0].status.value == "ready"
    cut = ended(builder, slow)[0]
    assert cut.status.value == "error"
    assert re.search("(?i)supersede|cancel", cut.reason.message)
    assert builder.shell(name)("cat /tmp/which") == "quick"


# template-build.md 14, 15; 22 rows 10 to 12
def test_sizes_and_names_are_as_asked_for_or_refused(builder):
    name = builder.fresh("sizes")
    assert not builder.client.call("exists", name)
    builder.build(builder.Template().from_template("base"), name, cpu_count=2, memory_mb=514, tags=["a", "b"])
    assert builder.client.call("exists", f"{name}:a")
    assert not builder.client.call("exists", f"{name}:c")
    builder.client.call("assign_tags", f"{name}:a", ["c"])
    builder.client.call("remove_tags", name, ["b"])
    assert sorted(tag.tag for tag in builder.client.call("get_tags", name)) == ["a", "c"]
    info = builder.info(f"{name}:c")
    assert (info.cpu_count, info.memory_mb) == (2, 514)
    for sizes in ({"cpuCount": 0}, {"cpuCount": 3}, {"cpuCount": 34}, {"memoryMB": 64}, {"memoryMB": 513}):
        assert status_of("POST", "/v3/templates", {"name": name, **sizes}) == 400, sizes
    with pytest.raises(Exception, match="(?is)400.*cpu"):
        builder.build(builder.Template().from_template("base"), name, cpu_count=3)
    assert status_of("GET", f"/templates/{name}/builds/not-a-uuid/status") == 400
