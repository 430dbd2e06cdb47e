package dev.sandlot.linux;

import static dev.sandlot.linux.Native.INT;
import static dev.sandlot.linux.Native.LONG;
import static dev.sandlot.linux.Native.POINTER;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The calls behind descriptors and sockets. Each gives its result, or the negated errno. */
final class IoCalls {
    private static final MethodHandle READ = Native.errnoCall("read", LONG, INT, POINTER, LONG);
    private static final MethodHandle WRITE = Native.errnoCall("write", LONG, INT, POINTER, LONG);
    private static final MethodHandle PIPE2 = Native.errnoCall("pipe2", INT, POINTER, INT);
    private static final MethodHandle FCNTL = Native.errnoVariadic("fcntl", 2, INT, INT, INT, INT);
    private static final MethodHandle IOCTL = Native.errnoVariadic("ioctl", 2, INT, INT, LONG, POINTER);
    private static final MethodHandle SOCKET = Native.errnoCall("socket", INT, INT, INT, INT);
    private static final MethodHandle BIND = Native.errnoCall("bind", INT, INT, POINTER, INT);
    private static final MethodHandle LISTEN = Native.errnoCall("listen", INT, INT, INT);
    private static final MethodHandle CONNECT = Native.errnoCall("connect", INT, INT, POINTER, INT);
    private static final MethodHandle ACCEPT4 = Native.errnoCall("accept4", INT, INT, POINTER, POINTER, INT);
    private static final MethodHandle SENDMSG = Native.errnoCall("sendmsg", LONG, INT, POINTER, INT);
    private static final MethodHandle RECVMSG = Native.errnoCall("recvmsg", LONG, INT, POINTER, INT);
    private static final MethodHandle SETSOCKOPT = Native.errnoCall("setsockopt", INT, INT, INT, INT, POINTER, INT);
    private static final MethodHandle GETSOCKOPT = Native.errnoCall("getsockopt", INT, INT, INT, INT, POINTER, POINTER);
    private static final MethodHandle EPOLL_CREATE1 = Native.errnoCall("epoll_create1", INT, INT);
    private static final MethodHandle EPOLL_CTL = Native.errnoCall("epoll_ctl", INT, INT, INT, INT, POINTER);
    private static final MethodHandle EPOLL_WAIT = Native.errnoCall("epoll_wait", INT, INT, POINTER, INT, INT);
    private static final MethodHandle EVENTFD = Native.errnoCall("eventfd", INT, INT, INT);
    private static final MethodHandle OPEN = Native.errnoVariadic("open", 2, INT, POINTER, INT, INT);
    private static final MethodHandle SYSCALL = Native.errnoVariadic("syscall", 1, LONG, LONG, LONG, LONG, LONG, LONG);

    private IoCalls() {}

    static int read(int fd, MemorySegment into, long length) {
        try {
            return result((long) READ.invokeExact(Native.errnoSlot(), fd, into, length));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int write(int fd, MemorySegment from, long length) {
        try {
            return result((long) WRITE.invokeExact(Native.errnoSlot(), fd, from, length));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int pipe2(MemorySegment ends, int flags) {
        try {
            return result((int) PIPE2.invokeExact(Native.errnoSlot(), ends, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int fcntl(int fd, int command, int argument) {
        try {
            return result((int) FCNTL.invokeExact(Native.errnoSlot(), fd, command, argument));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int ioctl(int fd, long request, MemorySegment argument) {
        try {
            return result((int) IOCTL.invokeExact(Native.errnoSlot(), fd, request, argument));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int socket(int domain, int type, int protocol) {
        try {
            return result((int) SOCKET.invokeExact(Native.errnoSlot(), domain, type, protocol));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int bind(int fd, MemorySegment address, int length) {
        try {
            return result((int) BIND.invokeExact(Native.errnoSlot(), fd, address, length));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int listen(int fd, int backlog) {
        try {
            return result((int) LISTEN.invokeExact(Native.errnoSlot(), fd, backlog));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int connect(int fd, MemorySegment address, int length) {
        try {
            return result((int) CONNECT.invokeExact(Native.errnoSlot(), fd, address, length));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int accept4(int fd, int flags) {
        try {
            return result(
                    (int) ACCEPT4.invokeExact(Native.errnoSlot(), fd, MemorySegment.NULL, MemorySegment.NULL, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int sendmsg(int fd, MemorySegment message, int flags) {
        try {
            return result((long) SENDMSG.invokeExact(Native.errnoSlot(), fd, message, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int recvmsg(int fd, MemorySegment message, int flags) {
        try {
            return result((long) RECVMSG.invokeExact(Native.errnoSlot(), fd, message, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int setsockopt(int fd, int level, int option, MemorySegment value, int length) {
        try {
            return result((int) SETSOCKOPT.invokeExact(Native.errnoSlot(), fd, level, option, value, length));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int getsockopt(int fd, int level, int option, MemorySegment value, MemorySegment length) {
        try {
            return result((int) GETSOCKOPT.invokeExact(Native.errnoSlot(), fd, level, option, value, length));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int epollCreate(int flags) {
        try {
            return result((int) EPOLL_CREATE1.invokeExact(Native.errnoSlot(), flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int epollCtl(int epoll, int operation, int fd, MemorySegment event) {
        try {
            return result((int) EPOLL_CTL.invokeExact(Native.errnoSlot(), epoll, operation, fd, event));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int epollWait(int epoll, MemorySegment events, int capacity, int timeoutMillis) {
        try {
            return result((int) EPOLL_WAIT.invokeExact(Native.errnoSlot(), epoll, events, capacity, timeoutMillis));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int eventfd(int initial, int flags) {
        try {
            return result((int) EVENTFD.invokeExact(Native.errnoSlot(), initial, flags));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int open(MemorySegment path, int flags) {
        try {
            return result((int) OPEN.invokeExact(Native.errnoSlot(), path, flags, 0));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    static int syscall(long number, long first, long second, long third, long fourth) {
        try {
            return result((long) SYSCALL.invokeExact(Native.errnoSlot(), number, first, second, third, fourth));
        } catch (Throwable t) {
            throw Native.unexpected(t);
        }
    }

    /** The result when it is one. */
    static int check(int result, String call, String subject) throws LinuxException {
        if (result < 0) {
            throw new LinuxException(call, subject, -result);
        }
        return result;
    }

    static boolean wouldBlock(int result) {
        return result == -Errno.EAGAIN.number();
    }

    static boolean interrupted(int result) {
        return result == -Errno.EINTR.number();
    }

    private static int result(long value) {
        return value < 0 ? -Native.lastErrno() : Math.toIntExact(value);
    }
}
