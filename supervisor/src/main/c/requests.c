/* What each request does and how it is answered. */
#include "supervisor.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static enum verdict verdict(bool sent) {
    return sent ? HANDLED : BROKEN;
}

bool reply_error(struct connection *c, uint64_t number, uint32_t error, uint32_t step) {
    struct {
        struct frame_header header;
        struct reply body;
    } frame = {{sizeof frame.body, REPLY, number}, {error, step}};
    return wire_send(c, &frame, sizeof frame, NULL);
}

bool reply_ends(struct connection *c, uint64_t number, const struct process *p) {
    struct {
        struct frame_header header;
        struct reply body;
        struct handed_out out;
    } frame = {{sizeof frame.body + sizeof frame.out, REPLY, number}, {0, STEP_NONE}, {p->pid, 0}};
    for (int end = 0; end < END_COUNT; end++) {
        frame.out.ends |= p->ends[end] == NO_FD ? 0 : 1u << end;
    }
    return wire_send(c, &frame, sizeof frame, p);
}

static int send_signal(const struct signal_request *request) {
    struct process *p = process_find(request->pid);
    if (p == NULL || p->status != NO_STATUS) {
        return ESRCH;
    }
    return kill(p->pid, request->signal) == 0 ? 0 : errno;
}

static int close_input(pid_t pid) {
    struct process *p = process_find(pid);
    if (p == NULL) {
        return ESRCH;
    }
    if (p->ends[END_INPUT] != NO_FD) {
        (void)close(p->ends[END_INPUT]);
        p->ends[END_INPUT] = NO_FD;
    }
    return 0;
}

static int release(pid_t pid) {
    struct process *p = process_find(pid);
    if (p == NULL) {
        return ESRCH;
    }
    if (p->state != ENDED) {
        return EBUSY;
    }
    process_free(p);
    return 0;
}

static enum verdict list(struct connection *c, uint64_t number) {
    static struct {
        struct frame_header header;
        struct reply body;
        struct child children[MAX_PROCESSES];
    } frame;
    size_t count = 0;
    for (size_t i = 0; i < processes_used; i++) {
        const struct process *p = &processes[i];
        if (p->state != FREE && p->state != FAILED) {
            frame.children[count++] = (struct child){p->pid, p->status, p->cookie};
        }
    }
    size_t payload = sizeof frame.body + count * sizeof frame.children[0];
    frame.header = (struct frame_header){(uint32_t)payload, REPLY, number};
    return verdict(wire_send(c, &frame, sizeof frame.header + payload, NULL));
}

static enum verdict attach(struct connection *c, uint64_t number, pid_t pid) {
    struct process *p = process_find(pid);
    return verdict(p == NULL ? reply_error(c, number, ESRCH, STEP_NONE) : reply_ends(c, number, p));
}

static enum verdict answer(struct connection *c, const struct frame_header *h, int error) {
    return verdict(reply_error(c, h->number, (uint32_t)error, STEP_NONE));
}

static enum verdict about_process(struct connection *c, const struct frame_header *h, const uint8_t *payload) {
    struct process_request request;
    if (h->payload != sizeof request) {
        return BROKEN;
    }
    memcpy(&request, payload, sizeof request);
    switch (h->type) {
    case ATTACH:
        return attach(c, h->number, request.pid);
    case CLOSE_INPUT:
        return answer(c, h, close_input(request.pid));
    default:
        return answer(c, h, release(request.pid));
    }
}

static enum verdict about_signal(struct connection *c, const struct frame_header *h, const uint8_t *payload) {
    struct signal_request request;
    if (h->payload != sizeof request) {
        return BROKEN;
    }
    memcpy(&request, payload, sizeof request);
    return answer(c, h, send_signal(&request));
}

static enum verdict without_payload(struct connection *c, const struct frame_header *h) {
    if (h->payload != 0) {
        return BROKEN;
    }
    switch (h->type) {
    case LIST:
        return list(c, h->number);
    case CONTAIN:
        return answer(c, h, contain());
    default:
        return answer(c, h, 0);
    }
}

enum verdict request_handle(struct connection *c, const struct frame_header *h, const uint8_t *payload) {
    switch (h->type) {
    case SPAWN:
        return spawn_handle(c, h, payload);
    case SIGNAL:
        return about_signal(c, h, payload);
    case ATTACH:
    case CLOSE_INPUT:
    case RELEASE:
        return about_process(c, h, payload);
    case LIST:
    case CONTAIN:
    case PING:
        return without_payload(c, h);
    default:
        return BROKEN;
    }
}
