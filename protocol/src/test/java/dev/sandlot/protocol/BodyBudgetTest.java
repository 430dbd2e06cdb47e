package dev.sandlot.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The memory for bodies of requests. */
class BodyBudgetTest {
    private static final int MEGABYTE = 1 << 20;

    private final BodyBudget budget = new BodyBudget(64L * MEGABYTE);

    private static InputStream body(int bytes) {
        return new ByteArrayInputStream(new byte[bytes]);
    }

    private BodyBudget.Lease holding(String owner, int bytes) throws IOException {
        BodyBudget.Lease lease = budget.lease(owner, BodyBudget.TEXT);
        assertThat(lease.read(body(bytes), Integer.MAX_VALUE)).hasSize(bytes);
        return lease;
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void isNeverExceededAndComesBackWhole(long seed) {
        Random random = new Random(seed);
        List<BodyBudget.Lease> leases = new ArrayList<>();
        for (int i = 0; i < 5000; i++) {
            if (!leases.isEmpty() && random.nextInt(3) == 0) {
                leases.remove(random.nextInt(leases.size())).close();
            } else {
                int weight = random.nextBoolean() ? BodyBudget.TEXT : BodyBudget.VALUES;
                BodyBudget.Lease lease = budget.lease("owner " + random.nextInt(6), weight);
                leases.add(lease);
                readOrBeRefused(lease, random);
            }
            assertThat(budget.held()).isBetween(0L, 64L * MEGABYTE);
        }
        leases.forEach(BodyBudget.Lease::close);
        assertThat(budget.held()).isZero();
    }

    private static void readOrBeRefused(BodyBudget.Lease lease, Random random) {
        try {
            lease.read(body(random.nextInt(1 << random.nextInt(24))), Integer.MAX_VALUE);
        } catch (BodyBudget.Exceeded e) {
            assertThat(e.kind()).isIn(ErrorKind.UNAVAILABLE, ErrorKind.TOO_LARGE);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void oneOwnerLeavesHalfToOthers() throws Exception {
        List<BodyBudget.Lease> leases = new ArrayList<>();
        BodyBudget.Exceeded refusal = null;
        while (refusal == null) {
            BodyBudget.Lease lease = budget.lease("greedy", BodyBudget.TEXT);
            leases.add(lease);
            refusal = catchThrowableOfType(BodyBudget.Exceeded.class, () -> lease.read(body(MEGABYTE), MEGABYTE));
        }
        assertThat(refusal.kind()).isEqualTo(ErrorKind.UNAVAILABLE);
        assertThat(budget.held()).isLessThanOrEqualTo(32L * MEGABYTE);
        try (BodyBudget.Lease other = holding("modest", 2 * MEGABYTE)) {
            assertThat(other).isNotNull();
        }
        leases.forEach(BodyBudget.Lease::close);
        assertThat(budget.held()).isZero();
    }

    @Test
    void largeBodiesAreNotInTheWayOfSmallOnes() throws Exception {
        try (BodyBudget.Lease large = budget.lease("team", BodyBudget.TEXT)) {
            assertThatThrownBy(() -> large.read(body(64 * MEGABYTE), 64 * MEGABYTE))
                    .isInstanceOf(BodyBudget.Exceeded.class);
            holding("team", BodyBudget.SMALL_BYTES).close();
        }
    }

    @Test
    void whatNeverFitsIsTooLarge() {
        try (BodyBudget.Lease lease = budget.lease("team", BodyBudget.TEXT)) {
            BodyBudget.Exceeded refusal = catchThrowableOfType(
                    BodyBudget.Exceeded.class, () -> lease.read(body(16 * MEGABYTE), 16 * MEGABYTE));
            assertThat(refusal.kind()).isEqualTo(ErrorKind.TOO_LARGE);
        }
        assertThat(budget.held()).isZero();
    }

    @Test
    void anAnnouncedLengthTakesNothing() throws Exception {
        try (BodyBudget.Lease lease = budget.lease("team", BodyBudget.TEXT)) {
            assertThat(lease.read(body(10), 16 * MEGABYTE)).hasSize(10);
            assertThat(budget.held()).isEqualTo(10);
        }
    }
}
