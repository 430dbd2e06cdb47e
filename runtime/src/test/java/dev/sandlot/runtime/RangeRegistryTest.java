package dev.sandlot.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RangeRegistryTest {
    private static final int SLOTS = 1000;

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path directory;

    private RangeRegistry registry;
    private Path one;
    private Path two;

    @BeforeEach
    void makeDataDirectories() throws IOException {
        registry = new RangeRegistry(directory.resolve("ranges"));
        one = Files.createDirectory(directory.resolve("one"));
        two = Files.createDirectory(directory.resolve("two"));
    }

    @Test
    void twoHaveNothingInCommon() throws IOException {
        Ranges first = registry.claim(one, null, SLOTS, false);
        Ranges second = registry.claim(two, null, SLOTS, false);

        assertThat(first.addresses().overlaps(second.addresses())).isFalse();
        assertThat(first.sharesUsers(second.uidBase(), second.uidEnd())).isFalse();
    }

    @Test
    void theSameIsKept() throws IOException {
        Ranges first = registry.claim(one, null, SLOTS, false);
        registry.claim(two, null, SLOTS, false);

        assertThat(registry.claim(one, null, SLOTS, false)).isEqualTo(first);
        assertThat(registry.of(one)).contains(first);
    }

    @Test
    void aWantedRangeThatAnotherHasIsRefusedByItsName() throws IOException {
        Ranges first = registry.claim(one, null, SLOTS, false);

        assertThatThrownBy(() -> registry.claim(two, first.addresses(), SLOTS, false))
                .hasMessageContaining(first.cidr())
                .hasMessageContaining(one.toString());
    }

    @Test
    void nothingChangesUnderRunningSandboxes() throws IOException {
        Ranges first = registry.claim(one, null, SLOTS, false);

        assertThat(registry.claim(one, null, SLOTS, true)).isEqualTo(first);
        assertThatThrownBy(() -> registry.claim(one, AddressPlan.parse("172.21.0.0/16"), SLOTS, true))
                .hasMessageContaining("sandboxes run in " + first.cidr());
        assertThatThrownBy(() -> registry.claim(one, null, 2 * SLOTS, true)).hasMessageContaining("sandboxes run in");
    }

    @Test
    void whatIsGivenBackIsFreeAgain() throws IOException {
        Ranges first = registry.claim(one, null, SLOTS, false);
        registry.release(one);

        assertThat(registry.of(one)).isEmpty();
        assertThat(directory.resolve("ranges")).doesNotExist();
        assertThat(registry.claim(two, null, SLOTS, false).cidr()).isEqualTo(first.cidr());
    }

    @Test
    void anOwnerWhoseDirectoryIsGoneHasNothing() throws IOException {
        Ranges first = registry.claim(one, null, SLOTS, false);
        Files.delete(one);

        assertThat(registry.claim(two, null, SLOTS, false).cidr()).isEqualTo(first.cidr());
    }

    @Test
    void aRangeWithARouteIsNotTaken() throws IOException {
        RangeChoice choice =
                new RangeChoice(List.of(), HostRoute.parse(List.of("head", "tun0 0000C90A 0 1 0 0 0 0000FFFF 0 0 0")));

        assertThat(choice.choose("me", null, SLOTS, null).cidr()).isEqualTo("10.202.0.0/16");
        assertThatThrownBy(() -> choice.choose("me", AddressPlan.parse("10.201.0.0/20"), SLOTS, null))
                .hasMessageContaining("10.201.0.0/16 through tun0");
    }

    @Test
    void whereAllOfTenIsRoutedAnotherRangeIsTaken() throws IOException {
        RangeChoice choice =
                new RangeChoice(List.of(), HostRoute.parse(List.of("head", "vpn 0000000A 0 1 0 0 0 000000FF 0 0 0")));

        assertThat(choice.choose("me", null, SLOTS, null).cidr()).isEqualTo("172.20.0.0/16");
    }

    @Test
    void thereAreUsersForManyOfThem() throws IOException {
        java.util.List<Ranges> taken = new java.util.ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Ranges next = new RangeChoice(List.copyOf(taken), List.of()).choose("number " + i, null, SLOTS, null);
            assertThat(next.uidEnd()).isLessThanOrEqualTo(1L << 31);
            assertThat(taken).noneMatch(other -> other.sharesUsers(next.uidBase(), next.uidEnd()));
            taken.add(next);
        }
    }
}
