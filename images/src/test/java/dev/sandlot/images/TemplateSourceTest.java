package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TemplateSourceTest {
    @Test
    void the_base_template_is_carried_along(@TempDir Path directory) throws IOException {
        TemplateSource base = TemplateSource.bundled("base");
        assertThat(base.packages()).contains("nodejs", "python3", "sudo", "git").noneMatch(name -> name.contains("#"));
        base.writeTo(directory);
        assertThat(directory.resolve("customize.sh")).isNotEmptyFile();
        assertThat(directory.resolve("files/etc/sudoers.d/sandlot")).content().contains("NOPASSWD");
    }

    @Test
    void its_digest_depends_on_the_other_inputs_too() throws IOException {
        TemplateSource base = TemplateSource.bundled("base");
        assertThat(base.hash(List.of("a")))
                .isEqualTo(TemplateSource.bundled("base").hash(List.of("a")));
        assertThat(base.hash(List.of("a"))).isNotEqualTo(base.hash(List.of("b")));
        assertThat(base.hash(List.of("a", "b"))).isNotEqualTo(base.hash(List.of("ab")));
    }

    @Test
    void of_the_host_settings_only_those_for_reaching_a_mirror_are_passed_on() {
        assertThat(HostApt.passedOn(List.of(
                        "APT::Architecture \"amd64\";",
                        "Acquire::Check-Valid-Until \"false\";",
                        "Acquire::http \"\";",
                        "Acquire::http::Proxy \"http://proxy.invalid:3128\";",
                        "Acquire::https::CAInfo \"/etc/ca.pem\";",
                        "DPkg::Post-Invoke:: \"rm -rf /\";",
                        "Acquire::Retries \"3\";")))
                .containsExactly(
                        "Acquire::Check-Valid-Until \"false\"",
                        "Acquire::http::Proxy \"http://proxy.invalid:3128\"",
                        "Acquire::https::CAInfo \"/etc/ca.pem\"",
                        "Acquire::Retries \"3\"");
    }

    /** An archive can be a file system once at a time, which two builds at once ran into. */
    @Test
    void many_read_it_from_an_archive_at_once(@TempDir Path temp) throws Exception {
        Path jar = temp.resolve("program.jar");
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(jar))) {
            out.putNextEntry(new ZipEntry("templates/x/packages"));
            out.write("bash\n".getBytes(StandardCharsets.UTF_8));
        }
        URL packages =
                URI.create("jar:" + jar.toUri() + "!/templates/x/packages").toURL();
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Future<List<String>>> all = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                all.add(threads.submit(() -> TemplateSource.at(packages).packages()));
            }
            for (Future<List<String>> one : all) {
                assertThat(one.get()).containsExactly("bash");
            }
        }
    }
}
