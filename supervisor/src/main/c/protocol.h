/*
 * The wire between the supervisor (PID 1 of a sandbox) and the node that runs the sandbox.
 *
 * A stream socket carries frames in both directions: a header, then as many bytes as it announces. All numbers are
 * little endian, without padding. The Java side of this file is Wire.java.
 *
 * After accept the supervisor sends HELLO with its credentials (SCM_CREDENTIALS) attached. The node then sends
 * requests, each with a number of its choice; every request is answered by one REPLY with that number, not always in
 * the order of the requests. EXITED comes unasked, after the reply to the SPAWN of that process. A frame that breaks
 * these rules ends the connection, and nothing else.
 *
 * Several connections may stand at once. All are told of exits; the oldest is dropped when there are too many.
 */
#ifndef SANDLOT_PROTOCOL_H
#define SANDLOT_PROTOCOL_H

#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the wire is little endian and is read without conversion"
#endif

#define PROTOCOL_VERSION 1
#define MAX_PAYLOAD (4u * 1024 * 1024)

struct frame_header {
    uint32_t payload; /* bytes that follow, at most MAX_PAYLOAD */
    uint32_t type;
    uint64_t number; /* of the request; 0 for HELLO and EXITED */
};

enum frame_type {
    /* node to supervisor */
    SPAWN = 1,       /* struct spawn_request and its tail; answered by struct handed_out */
    SIGNAL = 2,      /* struct signal_request */
    LIST = 3,        /* empty; answered by one struct child for each process */
    ATTACH = 4,      /* struct process_request; answered by struct handed_out */
    CLOSE_INPUT = 5, /* struct process_request */
    RELEASE = 6,     /* struct process_request; EBUSY while the process runs */
    CONTAIN = 7,     /* empty; own cgroup namespace, CAP_SYS_ADMIN given up for good */
    PING = 8,        /* empty */
    /* supervisor to node */
    HELLO = 100, /* struct hello */
    REPLY = 101, /* struct reply, then what the request is answered by unless it failed */
    EXITED = 102 /* struct exited */
};

enum streams { STREAMS_PIPES = 0, STREAMS_PIPES_WITH_INPUT = 1, STREAMS_TERMINAL = 2 };

enum step {
    STEP_NONE = 0,
    STEP_STREAMS = 1,
    STEP_FORK = 2,
    STEP_LIMITS = 3,
    STEP_GROUPS = 4,
    STEP_USER = 5,
    STEP_DIRECTORY = 6,
    STEP_TERMINAL = 7,
    STEP_EXEC = 8
};

/*
 * Followed by uint32_t groups[groups], then by strings that each end in a zero byte: the directory, the arguments
 * (the command first) and the variables of the environment (NAME=VALUE). Nothing may follow.
 */
struct spawn_request {
    uint64_t cookie;
    uint32_t uid;
    uint32_t gid;
    uint32_t streams;
    uint16_t columns;
    uint16_t rows;
    uint32_t groups;
    uint32_t arguments;
    uint32_t variables;
    uint32_t reserved; /* zero */
};

struct signal_request {
    int32_t pid;
    int32_t signal;
};

struct process_request {
    int32_t pid;
};

struct hello {
    uint32_t version;
    uint32_t pid; /* as the supervisor sees itself */
};

struct reply {
    uint32_t error; /* errno, 0 when the request was done */
    uint32_t step;  /* enum step when a SPAWN failed */
};

/* The descriptors are attached to the first byte of the frame, in the order of the bits. */
struct handed_out {
    int32_t pid;
    uint32_t ends; /* bits: ENDS_* */
};

#define ENDS_INPUT 1u
#define ENDS_OUTPUT 2u
#define ENDS_ERRORS 4u

struct child {
    int32_t pid;
    int32_t status; /* of wait(2), -1 while it runs */
    uint64_t cookie;
};

struct exited {
    int32_t pid;
    int32_t status;
};

#endif
