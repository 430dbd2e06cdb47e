/* The table of the processes that were asked for, and the reaping of all that end. */
#include "supervisor.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#define REAP_BATCH 1024

struct process processes[MAX_PROCESSES];
size_t processes_used;
size_t processes_starting;

struct process *process_add(void) {
    for (size_t i = 0; i < MAX_PROCESSES; i++) {
        struct process *p = &processes[i];
        if (p->state == FREE) {
            memset(p, 0, sizeof *p);
            p->status = NO_STATUS;
            p->report = NO_FD;
            for (int end = 0; end < END_COUNT; end++) {
                p->ends[end] = NO_FD;
            }
            if (i >= processes_used) {
                processes_used = i + 1;
            }
            return p;
        }
    }
    return NULL;
}

/* A number may belong to one that has ended and, again, to one that is starting: the first is meant. */
struct process *process_find(pid_t pid) {
    struct process *starting = NULL;
    for (size_t i = 0; i < processes_used; i++) {
        struct process *p = &processes[i];
        if (p->pid != pid || p->state == FREE || p->state == FAILED) {
            continue;
        }
        if (p->state != STARTING) {
            return p;
        }
        starting = p;
    }
    return starting;
}

void process_free(struct process *p) {
    close_ends(p);
    p->state = FREE;
    p->pid = 0;
    while (processes_used > 0 && processes[processes_used - 1].state == FREE) {
        processes_used--;
    }
}

void process_tell_exit(const struct process *p) {
    struct {
        struct frame_header header;
        struct exited body;
    } frame = {{sizeof frame.body, EXITED, 0}, {p->pid, p->status}};
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
        struct connection *c = &connections[i];
        if (c->fd != NO_FD && !wire_send(c, &frame, sizeof frame, NULL)) {
            connection_drop(c);
        }
    }
}

static struct process *find_living(pid_t pid) {
    for (size_t i = 0; i < processes_used; i++) {
        struct process *p = &processes[i];
        if (p->pid == pid && p->state != FREE && p->status == NO_STATUS) {
            return p;
        }
    }
    return NULL;
}

static void ended(pid_t pid, int status) {
    struct process *p = find_living(pid);
    if (p == NULL) {
        guest_ended(pid, status);
        return;
    }
    p->status = status;
    if (p->state == FAILED) {
        process_free(p);
    } else if (p->state == RUNNING) {
        p->state = ENDED;
        process_tell_exit(p);
    }
}

/* Returns whether more may be waiting. */
bool processes_reap(void) {
    for (int i = 0; i < REAP_BATCH; i++) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
        if (pid > 0) {
            ended(pid, status);
        } else if (pid == 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}
