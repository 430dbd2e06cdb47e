package dev.sandlot.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/** The XML reports that Surefire leaves in each module's {@code target/surefire-reports}. */
final class SurefireReports {
    private final Path root;

    SurefireReports(Path root) {
        this.root = root;
    }

    /** Forgets earlier runs. */
    void clear() throws IOException {
        for (Path report : files()) {
            Files.delete(report);
        }
    }

    /** Counts all tests of the last run. */
    Tally read() throws IOException {
        Tally sum = Tally.NONE;
        for (Path report : files()) {
            sum = sum.plus(read(report));
        }
        return sum;
    }

    private List<Path> files() throws IOException {
        List<Path> reports = new ArrayList<>();
        try (Stream<Path> modules = Files.list(root)) {
            for (Path module : modules.sorted().toList()) {
                Path directory = module.resolve("target/surefire-reports");
                if (Files.isDirectory(directory)) {
                    reports.addAll(xmlFiles(directory));
                }
            }
        }
        return reports;
    }

    private static List<Path> xmlFiles(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().matches("TEST-.*\\.xml"))
                    .sorted()
                    .toList();
        }
    }

    private static Tally read(Path report) throws IOException {
        NodeList cases = parse(report).getElementsByTagName("testcase");
        Tally sum = Tally.NONE;
        for (int i = 0; i < cases.getLength(); i++) {
            sum = sum.plus(one((Element) cases.item(i)));
        }
        return sum;
    }

    private static Tally one(Element test) {
        String name = test.getAttribute("classname") + "." + test.getAttribute("name");
        NodeList failures = test.getElementsByTagName("failure");
        NodeList errors = test.getElementsByTagName("error");
        NodeList skips = test.getElementsByTagName("skipped");
        if (failures.getLength() + errors.getLength() > 0) {
            return Tally.failure(name + reason(failures.getLength() > 0 ? failures : errors));
        }
        return skips.getLength() > 0 ? Tally.skip(name + reason(skips)) : new Tally(1, 0, 0, List.of());
    }

    private static String reason(NodeList nodes) {
        String message = ((Element) nodes.item(0)).getAttribute("message");
        String first = message.lines().findFirst().orElse("").strip();
        return first.isEmpty() ? "" : ": " + first;
    }

    private static Element parse(Path report) throws IOException {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
            return factory.newDocumentBuilder().parse(report.toFile()).getDocumentElement();
        } catch (ParserConfigurationException | SAXException e) {
            throw new IOException("could not read the test report " + report, e);
        }
    }
}
