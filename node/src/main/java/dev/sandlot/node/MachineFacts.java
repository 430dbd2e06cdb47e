package dev.sandlot.node;

import dev.sandlot.protocol.NodeService.Disk;
import dev.sandlot.protocol.NodeService.HugePages;
import dev.sandlot.protocol.NodeService.Machine;
import dev.sandlot.protocol.NodeService.Usage;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the kernel tells of this machine. What it does not tell is empty or zero. */
final class MachineFacts {
    private static final Logger LOG = LoggerFactory.getLogger(MachineFacts.class);
    private static final long KIB = 1024;
    private final Machine processor = readProcessor();

    Machine processor() {
        return processor;
    }

    private static Machine readProcessor() {
        Map<String, String> facts = read(Path.of("/proc/cpuinfo"));
        return new Machine(
                System.getProperty("os.arch"),
                facts.getOrDefault("cpu family", ""),
                facts.getOrDefault("model", ""),
                facts.getOrDefault("model name", ""));
    }

    Usage usage() {
        Map<String, String> memory = read(Path.of("/proc/meminfo"));
        double load = ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class)
                .getCpuLoad();
        long total = number(memory, "HugePages_Total");
        return new Usage(
                (int) Math.round(Math.max(0, load) * 100),
                (number(memory, "MemTotal") - number(memory, "MemAvailable")) * KIB,
                new HugePages(
                        total,
                        total - number(memory, "HugePages_Free"),
                        number(memory, "HugePages_Rsvd"),
                        number(memory, "Hugepagesize") * KIB),
                disks());
    }

    private static long number(Map<String, String> facts, String name) {
        return Long.parseLong(facts.getOrDefault(name, "0").replaceFirst(" .*", ""));
    }

    /** Lines of the form {@code name : value}; of several under one name the first. */
    private static Map<String, String> read(Path file) {
        Map<String, String> facts = new HashMap<>();
        try (BufferedReader lines = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                int colon = line.indexOf(':');
                if (colon > 0) {
                    facts.putIfAbsent(
                            line.substring(0, colon).strip(),
                            line.substring(colon + 1).strip());
                }
            }
        } catch (IOException e) {
            LOG.warn("could not read {}", file, e);
        }
        return facts;
    }

    private static List<Disk> disks() {
        List<Disk> disks = new ArrayList<>();
        for (FileStore store : FileSystems.getDefault().getFileStores()) {
            if (store.name().startsWith("/dev/")) {
                add(disks, store);
            }
        }
        return disks;
    }

    /** A file system may be gone by the time it is asked. */
    private static void add(List<Disk> disks, FileStore store) {
        try {
            long total = store.getTotalSpace();
            String mountPoint = store.toString().replaceFirst(" \\(.*\\)$", "");
            disks.add(new Disk(mountPoint, store.name(), store.type(), total - store.getUnallocatedSpace(), total));
        } catch (IOException e) {
            LOG.debug("could not ask {} how full it is", store, e);
        }
    }
}
