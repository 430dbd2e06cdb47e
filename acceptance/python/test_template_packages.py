import re
import shutil

import pytest
from templating import fill, machine_clients

SIZES = {"cpu_count": 1, "memory_mb": 1024}

# How clients say that a registry cannot be reached at all, which no template is to blame for.
UNREACHABLE = re.compile(
    "Temporary failure|Could not resolve|EAI_AGAIN|ENOTFOUND|ETIMEDOUT|ECONNREFUSED|ConnectTimeout"
    "|NewConnectionError|unreachable|Connection failed",
    re.IGNORECASE,
)


@pytest.fixture
def clients(tmp_path):
    """Gives a template what this machine's clients of registries are told."""
    bundle, envs = machine_clients()
    certificates = tmp_path / "machine-ca.crt"
    if bundle is None:
        certificates.write_text("")
    else:
        shutil.copyfile(bundle, certificates)

    def told(template):
        return template.copy("machine-ca.crt", "/opt/machine/", user="root", mode=0o644).set_envs(envs)

    return told


def installed(builder, template, of):
    """A shell in what was built; skips, with the reason, where no registry can be reached from a sandbox."""
    name = builder.fresh(of)
    lines = []
    try:
        builder.build(template, name, on_build_logs=lambda entry: lines.append(entry.message), **SIZES)
    except Exception as e:
        reason = next((line for line in lines if UNREACHABLE.search(line)), None)
        if reason is not None:
            pytest.skip(f"a registry cannot be reached from a sandbox: {reason}")
        raise AssertionError("\n".join([str(e), *lines[-40:]])) from e
    return builder.shell(name)


# template-build.md 18.1
def test_pip_installs_for_all_for_the_user_and_what_lies_here(builder, clients, tmp_path):
    fill(
        tmp_path / "mine",
        {"pyproject.toml": '[project]\nname = "mine"\nversion = "1.5"\n', "mine.py": 'SAYS = "of here"\n'},
    )
    template = clients(builder.Template(file_context_path=str(tmp_path)).from_python_image("3.13"))
    template = template.pip_install("six").pip_install(["iniconfig", "toml==0.10.2"], g=False)
    template = template.copy("mine", "/srv/mine").set_workdir("/srv/mine").pip_install().set_workdir("/home/user")
    run = installed(builder, template, "pip")
    assert run('python -c "import six, iniconfig, toml, mine; print(toml.__version__, mine.SAYS)"') == "0.10.2 of here"
    assert run('python -c "import iniconfig; print(iniconfig.__file__)"').startswith("/home/user/.local/")
    assert not run('python -c "import six; print(six.__file__)"').startswith("/home/")


def test_npm_installs_for_all_here_for_development_and_what_is_listed(builder, clients, tmp_path):
    fill(tmp_path, {"package.json": '{"name": "app", "version": "1.0.0", "dependencies": {"is-number": "7.0.0"}}'})
    template = clients(builder.Template(file_context_path=str(tmp_path)).from_node_image())
    template = template.set_workdir("/home/user/app").copy("package.json", ".").npm_install()
    template = template.npm_install("kind-of@6.0.3").npm_install(["isobject"], dev=True)
    template = template.npm_install("semver@7.6.3", g=True)
    run = installed(builder, template, "npm")
    assert run("node -p 'require(\"is-number\")(7) + require(\"kind-of\")([])'") == "truearray"
    assert run("node -p 'Object.keys(require(\"./package.json\").devDependencies).join()'") == "isobject"
    assert run("semver 1.2.3; stat -c %U node_modules/is-number/index.js") == "1.2.3\nuser"


def test_bun_is_missing_where_it_was_not_installed(builder):
    with pytest.raises(Exception, match=r"failed to run command 'bun install is-number': exit status 127"):
        builder.build(builder.Template().from_template("base").bun_install("is-number"), builder.fresh("bun"))


def test_apt_installs_as_root_with_its_options(builder):
    template = builder.Template().from_template("base").apt_install("figlet")
    template = template.apt_install(["fortune-mod", "sl"], no_install_recommends=True, fix_missing=True)
    run = installed(builder, template, "apt")
    assert run("dpkg-query -W -f '${Status}\\n' figlet fortune-mod sl").split("\n") == ["install ok installed"] * 3
    assert run("dpkg -l fortunes-min | grep -c ^ii || true") == "0"
    assert run("id -un") == "user"


# docs/decisions.md 60 and 61
@pytest.mark.parametrize("of", ["fedora", "alpine", "arch", "bun"])
def test_images_that_nothing_stands_in_for_need_a_registry(builder, of):
    template = getattr(builder.Template(), f"from_{of}_image")()
    name = builder.fresh(of)
    try:
        builder.build(template, name, **SIZES)
    except Exception as e:
        assert re.search("names none, and the setting images.registry is empty", str(e)), e
        return
    assert builder.shell(name)(". /etc/os-release; echo $ID") == ("debian" if of == "bun" else of)


def test_debian_and_ubuntu_stand_ins_say_what_they_are(builder):
    for template in (builder.Template().from_debian_image("stable-slim"), builder.Template().from_ubuntu_image("24.04")):
        name = builder.fresh("distribution")
        builder.build(template, name, **SIZES)
        run = builder.shell(name)
        assert run("for p in socat jq fusermount3 git; do command -v $p; done | wc -l; id -un") == "4\nuser"
