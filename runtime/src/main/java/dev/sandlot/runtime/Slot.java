package dev.sandlot.runtime;

import dev.sandlot.linux.Fd;
import dev.sandlot.linux.Namespaces;
import java.io.IOException;
import java.net.Inet4Address;

/**
 * A user namespace with users of its own and a network namespace that belongs to it, joined to the machine by a pair
 * of links. Both live as long as this holds them open or a process is in them; the links die with the network.
 */
record Slot(int number, int uidBase, Inet4Address address, Fd user, Fd network) implements AutoCloseable {
    /** The slot a running process is in. */
    static Slot of(int pid, int number, RuntimeConfig config) throws IOException {
        Fd user = Namespaces.open(pid, Namespaces.Kind.USER);
        try {
            Fd network = Namespaces.open(pid, Namespaces.Kind.NET);
            return new Slot(number, config.uidBase(number), config.addresses().guest(number), user, network);
        } catch (IOException e) {
            user.close();
            throw e;
        }
    }

    @Override
    public void close() {
        user.close();
        network.close();
    }
}
