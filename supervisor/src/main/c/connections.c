/* Who is connected, and the cutting of what they send into frames. */
#include "supervisor.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct connection connections[MAX_CONNECTIONS] __attribute__((aligned(4096)));

static uint32_t last_serial;

void connections_init(void) {
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        connections[i].fd = NO_FD;
    }
}

struct connection *connection_find(uint32_t serial) {
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        if (connections[i].fd != NO_FD && connections[i].serial == serial) {
            return &connections[i];
        }
    }
    return NULL;
}

/* Requests wait while answers can not be sent or too many processes are starting. */
bool connection_blocked(const struct connection *c) {
    return c->out_start < c->out_end || processes_starting >= MAX_STARTING;
}

/* Gives the pages of a large request back; failing to is no harm. */
static void give_back(struct connection *c) {
    if (c->in_high > KEPT_BYTES) {
        uintptr_t page = 4096;
        uintptr_t from = ((uintptr_t)c->in + KEPT_BYTES + page - 1) & ~(page - 1);
        uintptr_t to = ((uintptr_t)c->in + IN_BYTES) & ~(page - 1);
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
    }
    c->in_high = 0;
}

void connection_drop(struct connection *c) {
    if (c->fd == NO_FD) {
        return;
    }
    (void)close(c->fd);
    c->fd = NO_FD;
    c->in_start = c->in_end = c->out_start = c->out_end = 0;
    c->pending_start = c->pending_end = 0;
    give_back(c);
}

static struct connection *place(void) {
    struct connection *oldest = &connections[0];
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        if (connections[i].fd == NO_FD) {
            return &connections[i];
        }
        if ((int32_t)(connections[i].serial - oldest->serial) < 0) {
            oldest = &connections[i];
        }
    }
    connection_drop(oldest);
    return oldest;
}

/* A process of this sandbox has a number here; one from outside has none and shows as 0. */
static bool from_outside(int fd) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.pid == 0;
}

/* Returns false when there are no means to accept anybody at the moment. */
bool connection_accept(int listener, bool any_peer) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        return errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS;
    }
    if (!any_peer && !from_outside(fd)) {
        (void)close(fd);
        return true;
    }
    struct connection *c = place();
    c->fd = fd;
    c->serial = ++last_serial;
    if (!wire_hello(c)) {
        connection_drop(c);
    }
    return true;
}

static void make_room(struct connection *c) {
    if (c->in_start == c->in_end) {
        c->in_start = c->in_end = 0;
        give_back(c);
    } else if (c->in_end == IN_BYTES) {
        memmove(c->in, c->in + c->in_start, c->in_end - c->in_start);
        c->in_end -= c->in_start;
        c->in_start = 0;
    }
}

void connection_read(struct connection *c) {
    make_room(c);
    ssize_t n = recv(c->fd, c->in + c->in_end, IN_BYTES - c->in_end, MSG_DONTWAIT);
    if (n > 0) {
        c->in_end += (size_t)n;
        c->in_high = c->in_end > c->in_high ? c->in_end : c->in_high;
    } else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
        connection_drop(c);
    }
}

/* Handles the next frame if all of it has arrived and it can be answered. */
static bool serve_one(struct connection *c) {
    struct frame_header h;
    if (c->fd == NO_FD || connection_blocked(c) || c->in_end - c->in_start < sizeof h) {
        return false;
    }
    memcpy(&h, c->in + c->in_start, sizeof h);
    if (h.payload > MAX_PAYLOAD) {
        connection_drop(c);
        return false;
    }
    if (c->in_end - c->in_start - sizeof h < h.payload) {
        return false;
    }
    const uint8_t *payload = c->in + c->in_start + sizeof h;
    c->in_start += sizeof h + h.payload;
    if (request_handle(c, &h, payload) == BROKEN) {
        connection_drop(c);
    }
    return true;
}

/* Handles some of what has arrived, so that starts and ends are not kept waiting. Returns whether more may be left. */
bool connection_serve(struct connection *c) {
    for (int i = 0; i < SERVE_BATCH; i++) {
        if (!serve_one(c)) {
            return false;
        }
    }
    return true;
}
