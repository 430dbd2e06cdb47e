package dev.sandlot.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ImageReferenceTest {
    private static final String DIGEST = "sha256:" + "0123456789abcdef".repeat(4);

    @Test
    void takes_registry_repository_and_version_apart() {
        assertThat(ImageReference.parse("registry.invalid:5000/a/b:1.2"))
                .isEqualTo(new ImageReference("registry.invalid:5000", "a/b", "1.2"));
        assertThat(ImageReference.parse("localhost/a").version()).isEqualTo("latest");
        assertThat(ImageReference.parse("localhost/a:1@" + DIGEST).version()).isEqualTo(DIGEST);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "a/b", "a:1", "user@host.invalid/a", "host.invalid/A", "host.invalid/../a", "h.i/a b"})
    void refuses_what_is_no_reference_with_a_registry(String text) {
        assertThatThrownBy(() -> ImageReference.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1.evil.invalid/a", "localhost.evil.invalid/a", "10.0.0.1:5000/a"})
    void plain_http_is_for_this_machine_alone(String text) {
        assertThat(ImageReference.parse(text).isLoopback()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1:5000/a", "localhost:5000/a", "[::1]:5000/a"})
    void this_machine_is_known_by_its_names(String text) {
        assertThat(ImageReference.parse(text).isLoopback()).isTrue();
    }
}
