package dev.sandlot.runtime;

import dev.sandlot.linux.ChildProcess;
import dev.sandlot.linux.Errno;
import dev.sandlot.linux.Io;
import dev.sandlot.linux.LinuxException;
import dev.sandlot.linux.Namespaces;
import dev.sandlot.linux.Netlink;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes a slot: the namespaces by a short-lived program, since a running JVM cannot, the rest by netlink. */
final class SlotMaker {
    private static final Logger LOG = LoggerFactory.getLogger(SlotMaker.class);
    private static final String INNER = "eth0";
    private static final int LOOPBACK = 1;
    private static final Path SYSCTL = Path.of("/proc/sys/net");
    private static final String TO_LOOPBACK = """
            table ip sandlot {
              chain prerouting {
                type nat hook prerouting priority dstnat;
                iifname "eth0" dnat to 127.0.0.1
              }
            }
            """;

    private final RuntimeConfig config;
    private final Tool nft;

    SlotMaker(RuntimeConfig config, Tool nft) {
        this.config = config;
        this.nft = nft;
    }

    Slot make(int number) throws IOException {
        Slot slot = namespaces(number);
        try {
            createLinks(slot);
            Namespaces.inside(slot.network(), Namespaces.Kind.NET, () -> {
                wire(slot);
                return slot;
            });
            return slot;
        } catch (IOException e) {
            slot.close();
            throw new IOException("could not make network slot " + number + ": " + e.getMessage(), e);
        }
    }

    /** Removes the links at once instead of some time after the network has gone. */
    void unmake(Slot slot) {
        try (Netlink outer = Netlink.open()) {
            Purge.deleteLink(outer, config.linkName(slot.number()));
        } catch (IOException e) {
            LOG.warn("could not remove the links of slot {}", slot.number(), e);
        }
        slot.close();
    }

    private Slot namespaces(int number) throws IOException {
        try (Io.Pipe in = Io.pipe();
                Io.Pipe out = Io.pipe()) {
            List<String> command = List.of(config.supervisor().toString(), "hold");
            ChildProcess holder = ChildProcess.start(command, Map.of(), Map.of(0, in.readEnd(), 1, out.writeEnd()));
            try {
                awaitByte(out);
                mapUsers(holder.pid(), config.uidBase(number));
                return Slot.of(holder.pid(), number, config);
            } finally {
                in.writeEnd().close();
                in.readEnd().close();
                holder.await();
            }
        }
    }

    private static void awaitByte(Io.Pipe out) throws IOException {
        try (InputStream stream = new FileInputStream(out.readEnd().procPath())) {
            out.writeEnd().close();
            if (stream.read() < 0) {
                throw new IOException("the supervisor could not make a user and a network namespace");
            }
        }
    }

    private static void mapUsers(int pid, int base) throws IOException {
        String map = "0 " + base + " " + RuntimeConfig.UIDS_PER_SLOT + "\n";
        Files.writeString(Path.of("/proc/" + pid + "/uid_map"), map);
        Files.writeString(Path.of("/proc/" + pid + "/gid_map"), map);
    }

    /** On a thread inside the slot's network. */
    private void wire(Slot slot) throws IOException {
        setIfThere("ipv6/conf/" + INNER + "/disable_ipv6", "1");
        try (Netlink inner = Netlink.open()) {
            inner.up(LOOPBACK);
            int eth0 = inner.index(INNER);
            inner.up(eth0);
            inner.addAddress(eth0, slot.address(), AddressPlan.SLOT_PREFIX);
            inner.addDefaultRoute(eth0, config.addresses().gateway(slot.number()));
        }
        Files.writeString(SYSCTL.resolve("ipv4/conf/" + INNER + "/route_localnet"), "1");
        String groups = slot.uidBase() + " " + (slot.uidBase() + RuntimeConfig.UIDS_PER_SLOT - 1);
        Files.writeString(SYSCTL.resolve("ipv4/ping_group_range"), groups);
        nft.mustRun(TO_LOOPBACK, "-f", "-");
    }

    private void createLinks(Slot slot) throws IOException {
        String name = config.linkName(slot.number());
        try (Netlink outer = Netlink.open()) {
            createVeth(outer, name, slot);
            setIfThere("ipv6/conf/" + name + "/disable_ipv6", "1");
            outer.addAddress(outer.index(name), config.addresses().gateway(slot.number()), AddressPlan.SLOT_PREFIX);
        }
    }

    /** A link of that name can only be what a dying network has left. */
    private static void createVeth(Netlink outer, String name, Slot slot) throws IOException {
        try {
            outer.createVeth(name, INNER, slot.network());
        } catch (LinuxException e) {
            if (!e.is(Errno.EEXIST)) {
                throw e;
            }
            outer.deleteLink(name);
            outer.createVeth(name, INNER, slot.network());
        }
    }

    private static void setIfThere(String name, String value) throws IOException {
        Path file = SYSCTL.resolve(name);
        if (Files.exists(file)) {
            Files.writeString(file, value);
        }
    }
}
