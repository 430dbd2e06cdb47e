package dev.sandlot.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.ds.PGSimpleDataSource;

class PostgresAddressTest {
    @Test
    void aUriIsReadWithItsEscapes() {
        assertThat(PostgresAddress.parse("postgresql://us%40er:p%2Fw+d@db.test:6000/my%20db?sslmode=require"))
                .isEqualTo(
                        new PostgresAddress("db.test", 6000, "my db", "us@er", "p/w+d", Map.of("sslmode", "require")));
    }

    @Test
    void whatAUriLeavesOutIsAsPostgresHasIt() {
        assertThat(PostgresAddress.parse("postgres://me@[::1]"))
                .isEqualTo(new PostgresAddress("[::1]", 5432, "me", "me", "", Map.of()));
    }

    @Test
    void theDriversOwnUrlIsRead() {
        assertThat(PostgresAddress.parse("jdbc:postgresql://h:1/d?user=u&password=p&sslmode=verify-full"))
                .isEqualTo(new PostgresAddress("h", 1, "d", "u", "p", Map.of("sslmode", "verify-full")));
    }

    @Test
    void parametersOfPostgresToolsAreTranslated() {
        PGSimpleDataSource source = (PGSimpleDataSource) PostgresAddress.parse(
                        "postgres://h/d?connect_timeout=3&application_name=x&target_session_attrs=read-write")
                .dataSource();
        assertThat(source.getConnectTimeout()).isEqualTo(3);
        assertThat(source.getApplicationName()).isEqualTo("x");
        assertThat(source.getTargetServerType()).isEqualTo("primary");
    }

    @Test
    void anUnknownParameterIsRefusedByName() {
        assertThatThrownBy(
                        () -> PostgresAddress.parse("postgres://h/d?colour=red").dataSource())
                .isInstanceOf(StoreException.class)
                .hasMessageContaining("colour");
    }

    @ParameterizedTest
    @CsvSource({
        "mysql://h/d, must begin with",
        "postgres:///d, must name one host",
        "'postgres://u:secret@h:1,i:2/d', must name one host",
        "postgres://u:%zz@h/d, is not a URL",
        "postgres://u:sec ret@h/d, is not a URL",
        "jdbc:postgresql://h:port/d, is not a URL",
    })
    void whatIsNoAddressIsRefusedWithoutShowingIt(String text, String problem) {
        assertThatThrownBy(() -> PostgresAddress.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(problem)
                .hasMessageNotContaining("sec");
    }

    @Test
    void thePasswordIsInNoText() {
        assertThat(new StoreLocation.Postgres("postgres://u:secret@h/d", 1).toString())
                .doesNotContain("secret");
    }
}
