package dev.sandlot.app;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CheckTest {
    @ParameterizedTest
    @CsvSource({
        "ADDRESS,127.0.0.1",
        "ADDRESS,0.0.0.0",
        "ADDRESS,::1",
        "PORT,0",
        "PORT,65535",
        "CIDR_OR_EMPTY,10.201.0.0/16",
        "DOMAIN,a.b-c.test",
        "COUNT,0",
        "POSITIVE,1",
        "LEVEL,warn",
        "FORMAT,json",
        "KIND,oci",
        "PATH_OR_EMPTY,/x"
    })
    void goodTextsPass(Check check, String text) {
        assertThat(check.problem(text)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "ADDRESS,localhost",
        "ADDRESS,256.1.1.1",
        "ADDRESS,1.2.3",
        "PORT,65536",
        "PORT,-1",
        "PORT,x",
        "CIDR_OR_EMPTY,10.0.0.0",
        "CIDR_OR_EMPTY,10.0.0.0/7",
        "CIDR_OR_EMPTY,10.0.0.0/29",
        "DOMAIN,-a",
        "DOMAIN,a/b",
        "COUNT,2147483648",
        "POSITIVE,0",
        "LEVEL,WARN",
        "FORMAT,xml",
        "KIND,docker",
        "PATH_OR_EMPTY,x",
        "NOT_EMPTY,' '"
    })
    void badTextsAreRefused(Check check, String text) {
        assertThat(check.problem(text)).isPresent();
    }
}
