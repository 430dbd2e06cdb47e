package dev.sandlot.runtime;

import dev.sandlot.linux.ProcFile;
import java.io.IOException;
import java.net.Inet4Address;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What sandboxes may reach: one table of our own, replaced in one transaction, that goes by the names of the links.
 * Packets with a foreign source, to this machine, to private ranges or to other sandboxes end here; names are asked of
 * the machine's own name server, by way of the sandbox's own gateway alone, the one that its resolv.conf names.
 */
final class Firewall {
    private static final Path FORWARDING = Path.of("/proc/sys/net/ipv4/ip_forward");
    private static final String RULES = """
            add table inet TABLE
            delete table inet TABLE
            table inet TABLE {
              set offline {
                type ipv4_addr
                ELEMENTS
              }
              chain input {
                type filter hook input priority filter - 5; policy accept;
                iifname "LINKS*" jump to_machine
              }
              chain to_machine {
                fib saddr . iif oif 0 drop
                ct state established,related accept
                ip saddr @offline drop
                ip daddr DNS ct status dnat udp dport 53 accept
                ip daddr DNS ct status dnat tcp dport 53 accept
                drop
              }
              chain forward {
                type filter hook forward priority filter - 5; policy accept;
                iifname "LINKS*" jump leaving
                oifname "LINKS*" jump entering
              }
              chain leaving {
                fib saddr . iif oif 0 drop
                meta nfproto ipv6 drop
                oifname "LINKS*" drop
                ct state established,related accept
                ip saddr @offline drop
                ip daddr DNS ct status dnat udp dport 53 accept
                ip daddr DNS ct status dnat tcp dport 53 accept
                ip daddr SLOTS drop
                ip daddr { 0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, \
            192.168.0.0/16, 224.0.0.0/4, 240.0.0.0/4 } drop
              }
              chain entering {
                ct state established,related accept
                drop
              }
              chain prerouting {
                type nat hook prerouting priority dstnat; policy accept;
                iifname "LINKS*" ip daddr SLOTS fib daddr . iif type local udp dport 53 dnat ip to DNS
                iifname "LINKS*" ip daddr SLOTS fib daddr . iif type local tcp dport 53 dnat ip to DNS
              }
              chain postrouting {
                type nat hook postrouting priority srcnat; policy accept;
                ip saddr SLOTS oifname != "LINKS*" masquerade
              }
            }
            """;

    private final RuntimeConfig config;
    private final Tool nft;
    private final String table;

    Firewall(RuntimeConfig config, Tool nft) {
        this.config = config;
        this.nft = nft;
        this.table = table(config);
    }

    static String table(RuntimeConfig config) {
        return "sandlot_" + config.instance();
    }

    /** Whether the rules are in place. */
    boolean isRaised() throws IOException {
        return nft.run("", "list", "tables", "inet")
                .text()
                .lines()
                .anyMatch(line -> line.strip().equals("table inet " + table));
    }

    /** Puts the rules in place, with these addresses kept from the internet. */
    void raise(Collection<Inet4Address> offline) throws IOException {
        String elements = offline.isEmpty() ? "" : "elements = { " + list(offline) + " }";
        nft.mustRun(rules(elements, Upstream.find()), "-f", "-");
        if (ProcFile.number(FORWARDING) != 1) {
            Files.writeString(FORWARDING, "1");
        }
        passDroppedForwarding("-I");
    }

    /** Keeps an address from the internet, or no longer. */
    void offline(Inet4Address address, boolean offline) throws IOException {
        String verb = offline ? "add" : "delete";
        nft.mustRun(verb + " element inet " + table + " offline { " + address.getHostAddress() + " }\n", "-f", "-");
    }

    /** Takes the rules away. */
    void remove() throws IOException {
        nft.mustRun("add table inet " + table + "\ndelete table inet " + table + "\n", "-f", "-");
        passDroppedForwarding("-D");
    }

    String rules(String elements, String upstream) {
        return RULES.replace("TABLE", table)
                .replace("ELEMENTS", elements)
                .replace("LINKS", config.linkPrefix())
                .replace("SLOTS", config.addresses().cidr())
                .replace("DNS", upstream);
    }

    /** Where another program drops forwarded packets by default, ours are let through to our own rules. */
    private void passDroppedForwarding(String verb) throws IOException {
        Optional<Tool> iptables = Tool.find("iptables");
        if (iptables.isEmpty()) {
            return;
        }
        String listing = iptables.get().run("", "-w", "-S").text();
        boolean inserting = verb.equals("-I");
        if (inserting && !listing.contains("-P FORWARD DROP")) {
            return;
        }
        String chain = listing.contains("-N DOCKER-USER") ? "DOCKER-USER" : "FORWARD";
        for (String side : List.of("-i", "-o")) {
            String rule = "-A " + chain + " " + side + " " + config.linkPrefix() + "+ -j ACCEPT";
            if (listing.contains(rule) != inserting) {
                iptables.get().mustRun("", "-w", verb, chain, side, config.linkPrefix() + "+", "-j", "ACCEPT");
            }
        }
    }

    private static String list(Collection<Inet4Address> addresses) {
        return addresses.stream().map(Inet4Address::getHostAddress).collect(Collectors.joining(", "));
    }
}
