/*
 * PID 1 of a sandbox. Started by the container runtime with a listening stream socket as descriptor 3 (or --fd N):
 *
 *     sandlot-supervisor [--fd N] [--allow-any-peer]
 *     sandlot-supervisor guest SOCKET PROGRAM [ARG...]
 *     sandlot-supervisor hold
 */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEFAULT_LISTENER 3
#define SIGNAL_BATCH 16
#define SIGNAL_COUNT 64
#define KERNEL_SIGACTION_WORDS 4
#define RETRY_MILLIS 100

/* What is polled, in this order. */
#define LISTENER 0
#define SIGNALS 1
#define FIRST_CONNECTION 2
#define FIRST_STARTING (FIRST_CONNECTION + MAX_CONNECTIONS)
#define MAX_POLLS (FIRST_STARTING + MAX_STARTING)

struct options {
    int listener;
    bool any_peer;
    char **program; /* of a guest, else NULL */
};

struct rlimit inherited_descriptors;
int null_device;

static int die(const char *what) {
    (void)fprintf(stderr, "sandlot-supervisor: %s: %s\n", what, strerror(errno));
    return 1;
}

static bool parse_options(int argc, char **argv, struct options *o) {
    *o = (struct options){DEFAULT_LISTENER, false, NULL};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--allow-any-peer") == 0) {
            o->any_peer = true;
        } else if (strcmp(argv[i], "--fd") == 0 && i + 1 < argc) {
            char *end;
            long fd = strtol(argv[++i], &end, 10);
            if (*end != 0 || fd < DEFAULT_LISTENER || fd > 1024) {
                return false;
            }
            o->listener = (int)fd;
        } else {
            return false;
        }
    }
    return true;
}

/* `guest SOCKET PROGRAM [ARG...]`: who may open the socket is for its mode to say. */
static int guest_options(char **argv, struct options *o) {
    *o = (struct options){guest_listen(argv[2]), true, argv + 3};
    return o->listener < DEFAULT_LISTENER ? -1 : guest_begin(o->program);
}

/* Children may take 0 to 2 as theirs only because these are never anything else here. */
static int open_standard_streams(void) {
    do {
        null_device = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null_device < 0) {
            return -1;
        }
    } while (null_device <= STDERR_FILENO && fcntl(null_device, F_SETFD, 0) == 0);
    return 0;
}

static int own_descriptors(int listener) {
    int listens;
    socklen_t length = sizeof listens;
    if (getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) < 0) {
        return -1;
    }
    if (!listens) {
        errno = EINVAL;
        return -1;
    }
    if (fcntl(listener, F_SETFD, FD_CLOEXEC) < 0 || fcntl(listener, F_SETFL, O_NONBLOCK) < 0) {
        return -1;
    }
    if (close_range((unsigned)listener + 1, ~0u, 0) < 0) {
        return -1;
    }
    if (listener > DEFAULT_LISTENER && close_range(DEFAULT_LISTENER, (unsigned)listener - 1, 0) < 0) {
        return -1;
    }
    if (open_standard_streams() < 0 || getrlimit(RLIMIT_NOFILE, &inherited_descriptors) < 0) {
        return -1;
    }
    struct rlimit most = {inherited_descriptors.rlim_max, inherited_descriptors.rlim_max};
    return setrlimit(RLIMIT_NOFILE, &most);
}

/* Not by the C library, which keeps two signals to itself and would leave them as inherited. */
static int handle_by_default(void) {
    static const uint64_t by_default[KERNEL_SIGACTION_WORDS];
    for (int number = 1; number <= SIGNAL_COUNT; number++) {
        if (syscall(SYS_rt_sigaction, number, by_default, NULL, SIGNAL_COUNT / 8) < 0 && errno != EINVAL) {
            return -1;
        }
    }
    return 0;
}

/* Every signal waits to be read, so that none can end or interrupt PID 1; children need only unblock them. */
static int take_signals(void) {
    sigset_t all;
    if (handle_by_default() < 0 || sigfillset(&all) < 0 || sigprocmask(SIG_SETMASK, &all, NULL) < 0) {
        return -1;
    }
    return signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int drain_signals(int fd) {
    struct signalfd_siginfo batch[SIGNAL_BATCH];
    ssize_t n = read(fd, batch, sizeof batch);
    for (ssize_t i = 0; i < n / (ssize_t)sizeof batch[0]; i++) {
        guest_signalled(batch[i].ssi_signo);
    }
    return n < 0 && errno != EAGAIN && errno != EINTR ? -1 : 0;
}

static short wanted(const struct connection *c) {
    if (c->out_start < c->out_end) {
        return POLLOUT;
    }
    return connection_blocked(c) ? 0 : POLLIN;
}

static void attend(struct connection *c, short events) {
    if (events & POLLOUT && !wire_flush(c)) {
        connection_drop(c);
    } else if (events & POLLIN) {
        connection_read(c);
    } else if (events & (POLLERR | POLLHUP | POLLNVAL)) {
        connection_drop(c);
    }
}

/* Waits for anything to do. Returns how many starting processes are polled, from polls[FIRST_STARTING] on. */
static size_t await(struct pollfd polls[], struct process *starting[], int timeout) {
    size_t n = FIRST_CONNECTION;
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        polls[n++] = (struct pollfd){connections[i].fd, wanted(&connections[i]), 0};
    }
    for (size_t i = 0; processes_starting > 0 && i < processes_used && n < MAX_POLLS; i++) {
        if (processes[i].state == STARTING) {
            starting[n - FIRST_STARTING] = &processes[i];
            polls[n++] = (struct pollfd){processes[i].report, POLLIN, 0};
        }
    }
    int ready = poll(polls, n, timeout);
    return ready < 0 ? 0 : n - FIRST_STARTING;
}

/* Returns whether more may be left to do at once. */
static bool serve_all(const struct pollfd polls[MAX_CONNECTIONS]) {
    bool more = false;
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        struct connection *c = &connections[i];
        if (c->fd != NO_FD && c->fd == polls[i].fd) {
            attend(c, polls[i].revents);
        }
        more |= connection_serve(c);
    }
    return more;
}

/* How long poll may wait: not at all, until something happens, or until something is to be tried again. */
static int patience(bool more, bool accepting) {
    int guest = guest_keep();
    if (more) {
        return 0;
    }
    if (accepting) {
        return guest;
    }
    return guest >= 0 && guest < RETRY_MILLIS ? guest : RETRY_MILLIS;
}

static int run(const struct options *o, int signals) {
    static struct pollfd polls[MAX_POLLS];
    static struct process *starting[MAX_STARTING];
    bool more = false;
    bool accepting = true;
    for (;;) {
        polls[LISTENER] = (struct pollfd){accepting ? o->listener : NO_FD, POLLIN, 0};
        polls[SIGNALS] = (struct pollfd){signals, POLLIN, 0};
        size_t settling = await(polls, starting, patience(more, accepting));
        if (polls[SIGNALS].revents != 0 && drain_signals(signals) < 0) {
            return die("could not read signals");
        }
        for (size_t i = 0; i < settling; i++) {
            if (polls[FIRST_STARTING + i].revents != 0) {
                spawn_settle(starting[i]);
            }
        }
        more = processes_reap();
        more |= serve_all(polls + FIRST_CONNECTION);
        accepting = (polls[LISTENER].revents & POLLIN) == 0 || connection_accept(o->listener, o->any_peer);
    }
}

int main(int argc, char **argv) {
    struct options options;
    if (argc == 2 && strcmp(argv[1], "hold") == 0) {
        return hold();
    }
    bool guest = argc > 3 && strcmp(argv[1], "guest") == 0;
    if (guest && guest_options(argv, &options) < 0) {
        return die(argv[2]);
    }
    if (!guest && !parse_options(argc, argv, &options)) {
        errno = EINVAL;
        return die("usage: sandlot-supervisor [--fd N] [--allow-any-peer] | guest SOCKET PROGRAM [ARG...] | hold");
    }
    if (prctl(PR_SET_DUMPABLE, 0) < 0 || own_descriptors(options.listener) < 0) {
        return die("could not set up");
    }
    (void)umask(022);
    connections_init();
    int signals = take_signals();
    if (signals < 0) {
        return die("could not take signals");
    }
    return run(&options, signals);
}
