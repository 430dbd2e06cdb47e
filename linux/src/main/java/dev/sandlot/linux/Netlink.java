package dev.sandlot.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.Inet4Address;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Links, addresses, routes and tracked connections of one network namespace: the one the opening thread was in. One
 * request at a time, by one thread at a time.
 *
 * <p>A message is {@code struct nlmsghdr {u32 len; u16 type; u16 flags; u32 seq; u32 pid}}, a body of its type, and
 * attributes {@code {u16 len; u16 type}} padded to four bytes (rtnetlink(7)).
 */
public final class Netlink implements AutoCloseable {
    private static final int AF_NETLINK = 16;
    private static final int RAW_CLOEXEC = 3 | 0x80000;
    private static final byte AF_INET = 2;
    private static final int HEADER = 16;
    private static final int BUFFER = 16384;

    private static final short NLMSG_ERROR = 2;
    private static final short RTM_NEWLINK = 16;
    private static final short RTM_DELLINK = 17;
    private static final short RTM_GETLINK = 18;
    private static final short RTM_NEWADDR = 20;
    private static final short RTM_NEWROUTE = 24;
    private static final short REQUEST = 0x1;
    private static final short REQUEST_ACK = 0x5;
    private static final short CREATE_EXCLUSIVE = 0x605;

    private static final short IFLA_IFNAME = 3;
    private static final short IFLA_LINKINFO = 18;
    private static final short IFLA_INFO_KIND = 1;
    private static final short IFLA_INFO_DATA = 2;
    private static final short VETH_INFO_PEER = 1;
    private static final short IFLA_NET_NS_FD = 28;
    private static final short IFA_ADDRESS = 1;
    private static final short IFA_LOCAL = 2;
    private static final short RTA_OIF = 4;
    private static final short RTA_GATEWAY = 5;
    private static final int NETLINK_ROUTE = 0;
    private static final int NETLINK_NETFILTER = 12;
    private static final int NLA_F_NESTED = 0x8000;
    private static final short CT_DELETE = 1 << 8 | 2;
    private static final short CTA_TUPLE_ORIG = 1;
    private static final short CTA_TUPLE_IP = 1;
    private static final short CTA_IP_V4_SRC = 1;
    private static final short CTA_IP_V4_DST = 2;
    private static final short CTA_FILTER = 25;
    private static final short CTA_FILTER_ORIG_FLAGS = 1;
    private static final int CTA_FILTER_F_IP_SRC = 1;
    private static final int CTA_FILTER_F_IP_DST = 1 << 1;
    private static final int IFF_UP = 1;
    private static final byte TABLE_MAIN = (byte) 254;
    private static final byte PROTOCOL_STATIC = 4;
    private static final byte TYPE_UNICAST = 1;

    private final Fd socket;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory = arena.allocate(BUFFER, 8);
    private final ByteBuffer buffer = memory.asByteBuffer().order(ByteOrder.nativeOrder());
    private int sequence;

    private Netlink(Fd socket) {
        this.socket = socket;
    }

    /** Opens a socket in the calling thread's network namespace. */
    public static Netlink open() throws LinuxException {
        return open(NETLINK_ROUTE);
    }

    /**
     * Makes the calling thread's network namespace forget the connections it tracks from and to an address, so that
     * whoever has the address next is not taken for a party to them.
     */
    public static void forgetConnections(Inet4Address address) throws LinuxException {
        try (Netlink netfilter = open(NETLINK_NETFILTER)) {
            netfilter.forgetTracked(CTA_IP_V4_SRC, CTA_FILTER_F_IP_SRC, address);
            netfilter.forgetTracked(CTA_IP_V4_DST, CTA_FILTER_F_IP_DST, address);
        }
    }

    private static Netlink open(int family) throws LinuxException {
        return new Netlink(Syscall.SOCKET.open("netlink", AF_NETLINK, RAW_CLOEXEC, family, 0));
    }

    /** Makes a pair of connected links: one here, up, its peer in another network namespace, down. */
    public void createVeth(String name, String peerName, Fd peerNamespace) throws LinuxException {
        begin(RTM_NEWLINK, CREATE_EXCLUSIVE);
        linkBody(0, IFF_UP);
        text(IFLA_IFNAME, name);
        int info = nest(IFLA_LINKINFO);
        text(IFLA_INFO_KIND, "veth");
        int data = nest(IFLA_INFO_DATA);
        int peer = nest(VETH_INFO_PEER);
        linkBody(0, 0);
        text(IFLA_IFNAME, peerName);
        number(IFLA_NET_NS_FD, peerNamespace.number());
        close(peer);
        close(data);
        close(info);
        execute("create link", name);
    }

    /** Removes a link, and its peer with it. */
    public void deleteLink(String name) throws LinuxException {
        begin(RTM_DELLINK, REQUEST_ACK);
        linkBody(0, 0);
        text(IFLA_IFNAME, name);
        execute("delete link", name);
    }

    /** The number of a link. */
    public int index(String name) throws LinuxException {
        begin(RTM_GETLINK, REQUEST);
        linkBody(0, 0);
        text(IFLA_IFNAME, name);
        execute("find link", name);
        return buffer.getInt(HEADER + 4);
    }

    /** Sets a link up. */
    public void up(int index) throws LinuxException {
        begin(RTM_NEWLINK, REQUEST_ACK);
        linkBody(index, IFF_UP);
        execute("set up link", Integer.toString(index));
    }

    /** Gives a link an address. */
    public void addAddress(int index, Inet4Address address, int prefix) throws LinuxException {
        begin(RTM_NEWADDR, CREATE_EXCLUSIVE);
        // struct ifaddrmsg { u8 family, prefixlen, flags, scope; u32 index; }
        buffer.put(AF_INET).put((byte) prefix).putShort((short) 0).putInt(index);
        bytes(IFA_LOCAL, address.getAddress());
        bytes(IFA_ADDRESS, address.getAddress());
        execute("add address", address.getHostAddress());
    }

    /** Sends everything that has no closer route through a gateway. */
    public void addDefaultRoute(int index, Inet4Address gateway) throws LinuxException {
        begin(RTM_NEWROUTE, CREATE_EXCLUSIVE);
        // struct rtmsg { u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags; }
        buffer.put(AF_INET).put((byte) 0).putShort((short) 0);
        buffer.put(TABLE_MAIN)
                .put(PROTOCOL_STATIC)
                .put((byte) 0)
                .put(TYPE_UNICAST)
                .putInt(0);
        bytes(RTA_GATEWAY, gateway.getAddress());
        number(RTA_OIF, index);
        execute("add route through", gateway.getHostAddress());
    }

    @Override
    public void close() {
        socket.close();
        arena.close();
    }

    /** Those whose first packet had the address in one place: a deletion that filters by part of a tuple. */
    private void forgetTracked(short place, int filter, Inet4Address address) throws LinuxException {
        begin(CT_DELETE, REQUEST_ACK);
        // struct nfgenmsg { u8 family, version; be16 res_id; }
        buffer.put(AF_INET).put((byte) 0).putShort((short) 0);
        int tuple = nest(nested(CTA_TUPLE_ORIG));
        int ip = nest(nested(CTA_TUPLE_IP));
        bytes(place, address.getAddress());
        close(ip);
        close(tuple);
        int filters = nest(nested(CTA_FILTER));
        number(CTA_FILTER_ORIG_FLAGS, filter);
        close(filters);
        execute("forget connections of", address.getHostAddress());
    }

    private static short nested(short type) {
        return (short) (type | NLA_F_NESTED);
    }

    private void begin(short type, short flags) {
        buffer.clear();
        buffer.putInt(0).putShort(type).putShort(flags).putInt(++sequence).putInt(0);
    }

    /** {@code struct ifinfomsg { u8 family, pad; u16 type; i32 index; u32 flags, change; }} */
    private void linkBody(int index, int flags) {
        buffer.putInt(0).putInt(index).putInt(flags).putInt(flags);
    }

    private void text(short type, String value) {
        bytes(type, (value + '\0').getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    }

    private void number(short type, int value) {
        buffer.putShort((short) 8).putShort(type).putInt(value);
    }

    private void bytes(short type, byte[] value) {
        buffer.putShort((short) (4 + value.length)).putShort(type).put(value);
        while (buffer.position() % 4 != 0) {
            buffer.put((byte) 0);
        }
    }

    private int nest(short type) {
        int start = buffer.position();
        buffer.putShort((short) 0).putShort(type);
        return start;
    }

    private void close(int nest) {
        buffer.putShort(nest, (short) (buffer.position() - nest));
    }

    /** Sends the message and reads its answer, which stays in the buffer. */
    private void execute(String call, String subject) throws LinuxException {
        long length = buffer.position();
        buffer.putInt(0, (int) length);
        check(call, subject, Syscall.WRITE.attempt(socket.number(), memory.address(), length));
        check(call, subject, Syscall.READ.attempt(socket.number(), memory.address(), BUFFER));
        if (buffer.getShort(4) == NLMSG_ERROR && buffer.getInt(HEADER) != 0) {
            throw new LinuxException(call, subject, -buffer.getInt(HEADER));
        }
    }

    private static void check(String call, String subject, long result) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(call, subject, (int) -result);
        }
    }
}
