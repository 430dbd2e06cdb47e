/* What the files of the supervisor know of each other. One thread; nothing is allocated after the start. */
#ifndef SANDLOT_SUPERVISOR_H
#define SANDLOT_SUPERVISOR_H

#include "protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#define MAX_PROCESSES 4096
#define MAX_STARTING 256
#define SERVE_BATCH 16
#define MAX_CONNECTIONS 4
#define MAX_PENDING (MAX_STARTING + 1)
#define MAX_STRINGS (256 * 1024)
#define MAX_GROUPS 65536
#define IN_BYTES (sizeof(struct frame_header) + MAX_PAYLOAD)
#define OUT_BYTES (256u * 1024)
#define KEPT_BYTES (64u * 1024)
#define SPARE_DESCRIPTORS 32
#define CHILD_OOM_SCORE "100"
#define NO_STATUS (-1)
#define NO_FD (-1)

enum end { END_INPUT = 0, END_OUTPUT = 1, END_ERRORS = 2, END_COUNT = 3 };

/* FREE -> STARTING -> RUNNING -> ENDED -> FREE, or STARTING -> FAILED -> FREE once reaped. */
enum process_state { FREE = 0, STARTING, RUNNING, ENDED, FAILED };

struct process {
    enum process_state state;
    pid_t pid;
    int status; /* NO_STATUS until reaped */
    int ends[END_COUNT];
    int report;            /* tells how the start went, while STARTING */
    uint32_t requester;    /* serial of the connection that asked, while STARTING */
    uint64_t request;      /* number of its request */
    uint64_t cookie;
};

/* A kept frame that is still to be sent with the ends of a process. */
struct pending_ends {
    size_t at; /* where in the buffer the frame begins */
    pid_t pid;
};

struct connection {
    int fd; /* NO_FD when unused */
    uint32_t serial;
    size_t in_start, in_end;
    size_t in_high; /* how much of the buffer was written since it was last given back */
    size_t out_start, out_end;
    size_t pending_start, pending_end;
    struct pending_ends pending[MAX_PENDING];
    uint8_t in[IN_BYTES];
    uint8_t out[OUT_BYTES];
};

/* A spawn request taken apart; the pointers lead into the frame. */
struct command {
    struct spawn_request request;
    const gid_t *groups;
    const char *directory;
    char **arguments;
    char **environment;
};

/* What a child reports when it can not become its command. */
struct failure {
    uint32_t step;
    uint32_t error;
};

extern struct rlimit inherited_descriptors;
extern int null_device;

/* connections.c */
extern struct connection connections[MAX_CONNECTIONS];
void connections_init(void);
bool connection_accept(int listener, bool any_peer);
void connection_drop(struct connection *c);
void connection_read(struct connection *c);
bool connection_serve(struct connection *c);
struct connection *connection_find(uint32_t serial);
bool connection_blocked(const struct connection *c);

/* wire.c */
bool wire_flush(struct connection *c);
bool wire_send(struct connection *c, const void *frame, size_t length, const struct process *ends);
bool wire_hello(struct connection *c);

/* requests.c */
enum verdict { HANDLED, BROKEN, TOO_LARGE };
enum verdict request_handle(struct connection *c, const struct frame_header *h, const uint8_t *payload);
bool reply_error(struct connection *c, uint64_t number, uint32_t error, uint32_t step);
bool reply_ends(struct connection *c, uint64_t number, const struct process *p);

/* spawn.c */
enum verdict spawn_handle(struct connection *c, const struct frame_header *h, const uint8_t *payload);
void spawn_settle(struct process *p);
void close_ends(struct process *p);

/* child.c */
void child_run(const struct command *command, const int stdio[END_COUNT], int report) __attribute__((noreturn));

/* processes.c */
extern struct process processes[MAX_PROCESSES];
extern size_t processes_used;
extern size_t processes_starting;
struct process *process_add(void);
struct process *process_find(pid_t pid);
void process_free(struct process *p);
void process_tell_exit(const struct process *p);
bool processes_reap(void);

/* contain.c */
int contain(void);

/* hold.c */
int hold(void);

/* guest.c */
int guest_listen(const char *path);
int guest_begin(char **command);
int guest_keep(void);
void guest_ended(pid_t pid, int status);
void guest_signalled(uint32_t number);

#endif
