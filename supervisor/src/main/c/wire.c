/* Sending: at once where the peer reads, else from a bounded buffer; a peer that overflows it is dropped. */
#include "supervisor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

union ancillary {
    struct cmsghdr align;
    char ends[CMSG_SPACE(sizeof(int) * END_COUNT)];
    char credentials[CMSG_SPACE(sizeof(struct ucred))];
};

static void attach(struct msghdr *m, union ancillary *a, int type, const void *data, size_t length) {
    memset(a, 0, sizeof *a);
    m->msg_control = a;
    m->msg_controllen = CMSG_SPACE(length);
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(c), data, length);
}

static void attach_ends(struct msghdr *m, union ancillary *a, const struct process *p) {
    int open[END_COUNT];
    size_t count = 0;
    for (int end = 0; end < END_COUNT; end++) {
        if (p->ends[end] != NO_FD) {
            open[count++] = p->ends[end];
        }
    }
    if (count > 0) {
        attach(m, a, SCM_RIGHTS, open, count * sizeof(int));
    }
}

/* Returns the bytes the socket took, 0 when it is full, -1 when the connection is of no more use. */
static ssize_t push(int fd, struct msghdr *m) {
    for (;;) {
        ssize_t n = sendmsg(fd, m, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0) {
            return n;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return 0;
        }
        if (errno != EINTR) {
            return -1;
        }
    }
}

static ssize_t push_bytes(int fd, const void *bytes, size_t length, const struct process *ends) {
    struct iovec v = {(void *)bytes, length};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    union ancillary a;
    if (ends != NULL) {
        attach_ends(&m, &a, ends);
    }
    return push(fd, &m);
}

static bool keep(struct connection *c, const uint8_t *bytes, size_t length) {
    if (c->out_start == c->out_end) {
        c->out_start = c->out_end = 0;
        c->pending_start = c->pending_end = 0;
    }
    if (length > OUT_BYTES - c->out_end) {
        return false;
    }
    memcpy(c->out + c->out_end, bytes, length);
    c->out_end += length;
    return true;
}

static bool keep_ends(struct connection *c, size_t at, pid_t pid) {
    if (c->pending_end == MAX_PENDING) {
        return false;
    }
    c->pending[c->pending_end++] = (struct pending_ends){at, pid};
    return true;
}

/* Sends what was kept. Returns false when the connection is of no more use. */
bool wire_flush(struct connection *c) {
    while (c->out_start < c->out_end) {
        size_t next = c->pending_start;
        size_t until = c->out_end;
        const struct process *ends = NULL;
        if (next < c->pending_end && c->pending[next].at == c->out_start) {
            ends = process_find(c->pending[next++].pid);
            if (ends == NULL) {
                return false;
            }
        }
        if (next < c->pending_end) {
            until = c->pending[next].at;
        }
        ssize_t n = push_bytes(c->fd, c->out + c->out_start, until - c->out_start, ends);
        if (n <= 0) {
            return n == 0;
        }
        c->pending_start = next;
        c->out_start += (size_t)n;
    }
    return true;
}

/* Returns false when the connection is of no more use. */
bool wire_send(struct connection *c, const void *frame, size_t length, const struct process *ends) {
    size_t sent = 0;
    if (c->out_start == c->out_end) {
        ssize_t n = push_bytes(c->fd, frame, length, ends);
        if (n < 0) {
            return false;
        }
        sent = (size_t)n;
    }
    if (sent == length) {
        return true;
    }
    if (!keep(c, (const uint8_t *)frame + sent, length - sent)) {
        return false;
    }
    return ends == NULL || sent > 0 || keep_ends(c, c->out_end - length, ends->pid);
}

bool wire_hello(struct connection *c) {
    struct {
        struct frame_header header;
        struct hello body;
    } frame = {{sizeof frame.body, HELLO, 0}, {PROTOCOL_VERSION, (uint32_t)getpid()}};
    struct ucred self = {getpid(), getuid(), getgid()};
    struct iovec v = {&frame, sizeof frame};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    union ancillary a;
    attach(&m, &a, SCM_CREDENTIALS, &self, sizeof self);
    return push(c->fd, &m) == (ssize_t)sizeof frame;
}
