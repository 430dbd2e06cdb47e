package dev.sandlot.app;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** The plan of the house: which module may know which. */
class ArchitectureTest {
    private static final Map<String, Set<String>> MAY_IMPORT = Map.ofEntries(
            entry("protocol", Set.of()),
            entry("linux", Set.of()),
            entry("supervisor", Set.of("linux")),
            entry("envd", Set.of("protocol", "linux", "supervisor")),
            entry("images", Set.of("protocol", "linux")),
            entry("runtime", Set.of("linux", "supervisor", "images")),
            entry("builds", Set.of("protocol", "linux", "supervisor", "envd", "runtime", "images")),
            entry("node", Set.of("protocol", "linux", "supervisor", "envd", "runtime", "images", "builds")),
            entry("control", Set.of("protocol")),
            entry("edge", Set.of("protocol")),
            entry(
                    "app",
                    Set.of(
                            "protocol",
                            "linux",
                            "supervisor",
                            "envd",
                            "images",
                            "runtime",
                            "builds",
                            "node",
                            "control",
                            "edge")));

    /** A class's home: {@code …/edge/target/classes/…} in a build of all, else {@code …/sandlot-edge-1.0.jar!/…}. */
    private static final Pattern HOME = Pattern.compile("(?:/([a-z]+)/target/classes/|/sandlot-([a-z]+)-[^/]+\\.jar!)");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.sandlot");

    @Test
    void everyArrowIsOneThatIsWrittenDown() {
        assertThat(arrows().filter(arrow -> !isAllowed(arrow, MAY_IMPORT))).isEmpty();
    }

    @Test
    void aForbiddenArrowWouldBeSeen() {
        Map<String, Set<String>> supervisorAlone = Map.of("supervisor", Set.of());

        assertThat(arrows().filter(arrow -> arrow.from().equals("supervisor"))
                        .filter(arrow -> !isAllowed(arrow, supervisorAlone)))
                .isNotEmpty();
    }

    @Test
    void everyClassLivesInThePackageOfItsModule() {
        assertThat(CLASSES.stream()
                        .filter(found -> !home(found).equals(module(found.getPackageName())))
                        .map(found -> found.getName() + " in " + home(found)))
                .isEmpty();
    }

    @Test
    void everyModuleThatHasClassesIsInThePlan() {
        Set<String> found = new TreeSet<>();
        CLASSES.forEach(each -> found.add(module(each.getPackageName())));

        assertThat(MAY_IMPORT.keySet()).containsAll(found);
        assertThat(found).contains("app", "linux", "protocol", "supervisor");
    }

    @Test
    void everyPackageOfOursIsNullMarked() {
        List<JavaPackage> packages = packages(CLASSES.getPackage("dev.sandlot"))
                .filter(each -> each.getClasses().stream().anyMatch(one -> !isGenerated(one)))
                .toList();

        assertThat(packages).isNotEmpty();
        assertThat(packages.stream()
                        .filter(each -> !each.isAnnotatedWith(NullMarked.class))
                        .map(JavaPackage::getName))
                .isEmpty();
    }

    private record Arrow(String from, String to, String description) {}

    private static Stream<Arrow> arrows() {
        return CLASSES.stream()
                .flatMap(found -> found.getDirectDependenciesFromSelf().stream())
                .filter(dependency ->
                        dependency.getTargetClass().getPackageName().startsWith("dev.sandlot."))
                .map(ArchitectureTest::arrow);
    }

    private static Arrow arrow(Dependency dependency) {
        return new Arrow(
                module(dependency.getOriginClass().getPackageName()),
                module(dependency.getTargetClass().getPackageName()),
                dependency.getDescription());
    }

    private static boolean isAllowed(Arrow arrow, Map<String, Set<String>> plan) {
        return arrow.from().equals(arrow.to())
                || plan.getOrDefault(arrow.from(), Set.of()).contains(arrow.to());
    }

    private static String module(String packageName) {
        return packageName.split("\\.")[2];
    }

    private static String home(JavaClass found) {
        String source = found.getSource().orElseThrow().getUri().toString();
        Matcher matcher = HOME.matcher(source);
        assertThat(matcher.find()).as(source).isTrue();
        return matcher.group(1) != null ? matcher.group(1) : matcher.group(2);
    }

    private static Stream<JavaPackage> packages(JavaPackage from) {
        return Stream.concat(Stream.of(from), from.getSubpackages().stream().flatMap(ArchitectureTest::packages));
    }

    /** The protocol compiler's output lives below {@code dev.sandlot.protocol}. */
    private static boolean isGenerated(JavaClass found) {
        return found.getPackageName().matches("dev\\.sandlot\\.protocol\\.(filesystem|process)");
    }
}
