package dev.sandlot.app;

import java.util.List;

/** Links, firewall and forwarding. */
final class NetworkCheckup implements Doctor.Checkup {
    private final Machine machine;

    NetworkCheckup(Machine machine) {
        this.machine = machine;
    }

    @Override
    public List<Finding> required() {
        return List.of(
                program("nft", "nftables"),
                program("ip", "iproute2"),
                machine.exists("/proc/sys/net/ipv4")
                        ? Finding.ok("IPv4", "there")
                        : Finding.missing("IPv4", "no /proc/sys/net/ipv4", "boot a kernel with IPv4"));
    }

    @Override
    public List<Finding> further(boolean isRoot) {
        return List.of(forwarding(), veth(isRoot), nftables(isRoot));
    }

    private Finding program(String name, String aPackage) {
        return machine.program(name)
                .map(path -> Finding.ok(name, path.toString()))
                .orElseGet(() -> Finding.missing(name, "not found", "apt-get install " + aPackage));
    }

    private Finding forwarding() {
        return machine.number("/proc/sys/net/ipv4/ip_forward").orElse(0) == 1
                ? Finding.ok("ip_forward", "on")
                : Finding.note("ip_forward", "off; `up` switches it on for the sandboxes' way out");
    }

    private Finding veth(boolean isRoot) {
        if (!isRoot) {
            return Finding.note("veth", "not tried: needs root");
        }
        Machine.Outcome trial = machine.run(
                List.of("unshare", "--net", "ip", "link", "add", "sl0", "type", "veth", "peer", "name", "sl1"));
        return trial.isSuccess()
                ? Finding.ok("veth", "tried in a network namespace, works")
                : Finding.missing("veth", trial.firstLine(), "modprobe veth");
    }

    private Finding nftables(boolean isRoot) {
        if (!isRoot) {
            return Finding.note("nftables", "not tried: needs root");
        }
        Machine.Outcome trial = machine.run(List.of(
                "unshare",
                "--net",
                "sh",
                "-c",
                "nft add table ip t && nft add chain ip t c '{ type nat hook postrouting priority 100; }'"
                        + " && nft add rule ip t c masquerade"));
        return trial.isSuccess()
                ? Finding.ok("nftables", "tried in a network namespace, works with NAT")
                : Finding.missing("nftables", trial.firstLine(), "modprobe nf_tables nft_masq nft_chain_nat");
    }
}
