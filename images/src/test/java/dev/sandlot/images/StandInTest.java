package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StandInTest {
    @ParameterizedTest
    @CsvSource({
        "debian, DEBIAN, trixie",
        "debian:stable, DEBIAN, trixie",
        "debian:stable-slim, DEBIAN, trixie",
        "debian:12, DEBIAN, bookworm",
        "debian:12.5-slim, DEBIAN, bookworm",
        "debian:bookworm-20240101-slim, DEBIAN, bookworm",
        "debian:13, DEBIAN, trixie",
        "debian:sid, DEBIAN, sid",
        "library/debian:11, DEBIAN, bullseye",
        "ubuntu:latest, DEBIAN, trixie",
        "ubuntu:22.04, DEBIAN, bookworm",
        "ubuntu:24.04, DEBIAN, trixie",
        "ubuntu:noble, DEBIAN, trixie",
        "ubuntu:jammy-20240101, DEBIAN, bookworm",
        "python:3, PYTHON, trixie",
        "python:3.13, PYTHON, trixie",
        "python:3.11-slim, PYTHON, bookworm",
        "python:3.12-bookworm, PYTHON, bookworm",
        "python:3.12-slim-bookworm, PYTHON, bookworm",
        "python:slim, PYTHON, trixie",
        "python:3.13-alpine3.20, PYTHON, trixie",
        "node:lts, NODE, trixie",
        "node:20, NODE, trixie",
        "node:18-slim, NODE, bookworm",
        "node:22.1.0-alpine, NODE, trixie",
        "node:lts-bookworm-slim, NODE, bookworm",
        "e2bdev/base, BASE, ''",
        "e2bdev/base:2.0, BASE, ''"
    })
    void well_known_names_have_a_stand_in_of_the_nearest_release(String name, StandIn.Kind kind, String suite) {
        assertThat(StandIn.of(ImageName.parse(name))).contains(new StandIn(kind, suite));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "alpine:3",
                "fedora:44",
                "archlinux",
                "oven/bun:latest",
                "team/debian",
                "debian:woody",
                "ubuntu:14.04",
                "python:2.7",
                "debian@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            })
    void other_names_have_none(String name) {
        assertThat(StandIn.of(ImageName.parse(name))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "debian:12, host:5000/library/debian:12",
        "team/tool, host:5000/team/tool:latest",
        "other.test/tool:1, other.test/tool:1",
        "localhost/tool, localhost/tool:latest",
        "a.b:443/x/y/z@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,"
                + " a.b:443/x/y/z@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    })
    void a_name_without_a_registry_is_of_the_default_one(String name, String place) {
        assertThat(ImageName.parse(name).at("host:5000")).hasToString(place);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "Debian",
                "debian:",
                "debian:a b",
                "debian:-x",
                "a//b",
                "/debian",
                "debian/",
                "debian@sha256:12",
                "ho st/x",
                "host:x/y",
                "http://host/x",
                "a.b/../c",
                "debian:1\n",
                "$(id)",
                "-x",
                "x;y"
            })
    void what_is_no_reference_is_refused(String text) {
        assertThatThrownBy(() -> ImageName.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }
}
