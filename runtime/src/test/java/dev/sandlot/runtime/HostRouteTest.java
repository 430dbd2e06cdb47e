package dev.sandlot.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostRouteTest {
    private static final String HEAD =
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
    private static final String DEFAULT = "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0";
    private static final String NET = "wg0\t0000C90A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0";

    @Test
    void defaultRoutesDoNotCount() {
        assertThat(HostRoute.parse(List.of(HEAD, DEFAULT, NET)))
                .extracting(HostRoute::toString)
                .containsExactly("10.201.0.0/16 through wg0");
    }

    @ParameterizedTest
    @CsvSource({
        "10.201.0.0/16, true",
        "10.201.4.0/24, true",
        "10.0.0.0/8, true",
        "10.202.0.0/16, false",
        "172.20.0.0/16, false"
    })
    void aRangeWithinOrAroundOverlaps(String cidr, boolean overlaps) {
        HostRoute route = HostRoute.parse(List.of(HEAD, NET)).getFirst();
        assertThat(route.overlaps(AddressPlan.parse(cidr))).isEqualTo(overlaps);
    }
}
