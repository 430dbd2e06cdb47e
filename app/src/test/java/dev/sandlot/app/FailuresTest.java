package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.charset.MalformedInputException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import org.junit.jupiter.api.Test;

class FailuresTest {
    @Test
    void peopleAreToldWhatHappenedAndNotWhichClassSaysIt() {
        assertThat(Failures.describe(new NoSuchFileException("/a"))).isEqualTo("there is no /a");
        assertThat(Failures.describe(new FileAlreadyExistsException("/a"))).isEqualTo("/a is there already");
        assertThat(Failures.describe(new NotDirectoryException("/a"))).isEqualTo("/a is not a directory");
        assertThat(Failures.describe(new AccessDeniedException("/a"))).contains("may not use /a", "sudo");
        assertThat(Failures.describe(new FileSystemException("/a", null, "Input/output error")))
                .isEqualTo("/a: Input/output error");
        assertThat(Failures.describe(new MalformedInputException(1))).isEqualTo("it is not text in UTF-8");
        assertThat(Failures.describe(new HttpConnectTimeoutException("late"))).contains("did not answer in time");
        assertThat(Failures.describe(new IOException(new IOException("Is a directory"))))
                .isEqualTo("Is a directory");
        assertThat(Failures.describe(new Told("the server said no"))).isEqualTo("the server said no");
    }

    private static final class Told extends IOException {
        private static final long serialVersionUID = 1L;

        Told(String message) {
            super(message);
        }
    }
}
