/* lab: the private namespaces that experiments run in, and the wire between its two hosts.
 *
 * A lab is two network namespaces in a mount and a PID namespace (and, without privilege, a user
 * namespace), made with the calling namespace's knobs copied in. All that runs in it are tasks:
 * processes forked, not executed, so that function and data pointers from before lab_open() hold.
 * The lab's first process is init of its PID namespace and dies with the process that opened the
 * lab: whatever happens, nothing stays behind.
 *
 * An in-place lab has the same interface, loopback of the calling namespace for a wire, and refuses
 * to set a knob. */
#ifndef EPOLLTUNE_LAB_H
#define EPOLLTUNE_LAB_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/err.h"
#include "epolltune/host.h"

enum lab_place { LAB_PRIVATE, LAB_IN_PLACE };
enum lab_host { LAB_SERVER, LAB_CLIENT };
enum lab_wire {
	LAB_WIRE_VETH,  /* fast; LAB_IN_PLACE has loopback instead */
	LAB_WIRE_DELAY, /* user space: RTT, bandwidth, loss (wire.h) */
};

struct lab_options {
	enum lab_place place;
	enum lab_wire wire;
	unsigned client_addresses; /* source addresses of the client, 1 to 240; 0 is 1 */
	uint64_t rtt_us;           /* LAB_WIRE_DELAY only, as are the next three */
	uint64_t bandwidth_bps;
	double loss; /* share of packets, 0 to 1 */
	uint64_t seed;
	bool wide_ports; /* the client's own port range is the widest there is, not a copy: for
			    experiments on the server's limits */
	bool files;      /* tasks may execute programs: the host's files stay in view, read-only;
			    otherwise the lab's root is empty but for /proc, /sys and /dev */
	bool writable;   /* with files: tasks may write them as the caller may */
};

struct lab;

/* Opens a lab. `calling` is the live host whose knobs are copied. -EPERM where namespaces are
 * refused: the text then tells what to allow. The caller owns it; the same process closes it. */
int lab_open(struct lab **out, const struct lab_options *options, const struct host *calling,
	     struct err *e);
/* Ends every task, the wire and the namespaces; waits for the lab's processes, and ends by SIGKILL
 * what has not ended after 5 s. */
void lab_close(struct lab *lab);
static inline void lab_closep(struct lab **lab) { lab_close(*lab); }

bool lab_private(const struct lab *lab);
/* Knobs of the calling namespace that could not be copied, comma separated; "" when all were. */
const char *lab_uncopied(const struct lab *lab);

/* Memory shared by all processes of the lab, zeroed, aligned to 64 bytes, freed with the lab; NULL
 * with -ENOMEM when the arena (LAB_ARENA bytes, pages touched only) is full. lab_mark() and
 * lab_release() give back what was taken since the mark, between two experiments. */
#define LAB_ARENA ((size_t)64 << 20)
/* Tasks that one of its hosts runs at a time. */
#define LAB_TASKS 256
void *lab_alloc(struct lab *lab, size_t size, struct err *e);
size_t lab_mark(const struct lab *lab);
void lab_release(struct lab *lab, size_t mark);

/* A task gets its end of a control channel (SOCK_SEQPACKET; end of file when the other side is
 * gone, and then it must return soon) and `arg`, which must be from lab_alloc() or older than the
 * lab. Its descriptors are 0, 1, 2 (/dev/null; 2 is standard error), the channel as 3, and those it
 * opens. */
typedef int (*lab_task)(int channel, void *arg);
/* Starts fn(arg) as a new process on a host. *channel is this side's end; closing it ends the
 * task. The return value of fn is lost: results go through `arg` and the channel. */
int lab_spawn(struct lab *lab, enum lab_host host, lab_task fn, void *arg, int *channel,
	      struct err *e);
/* One message each way on a channel. -ETIMEDOUT after timeout_ms (-1: none); -EPIPE when the task
 * is gone. lab_receive() returns the length. */
int lab_send(int channel, const void *message, size_t size, struct err *e);
ssize_t lab_receive(int channel, void *message, size_t size, int timeout_ms, struct err *e);
/* Ends a task and waits (at most 5 s) until it has closed all that it had open, so that nothing of
 * it disturbs what comes next. */
void lab_finish(int channel);
/* Runs fn(arg) on a host and waits until it returned; its value is returned. The function gets the
 * lab's own view of the machine (its /proc/net, its knobs). */
typedef int (*lab_function)(struct host *h, void *arg, struct err *e);
int lab_call(struct lab *lab, enum lab_host host, lab_function fn, void *arg, struct err *e);

/* A knob of one host of the lab. Setting is -EROFS in place; -ENOENT where the lab has no such knob
 * (before 6.11 an unprivileged one has an empty net/core). */
int lab_knob_get(struct lab *lab, enum lab_host host, const char *name, char *value, size_t size,
		 struct err *e);
int lab_knob_set(struct lab *lab, enum lab_host host, const char *name, const char *value,
		 struct err *e);
/* Counters of one host's network namespace. */
int lab_counters(struct lab *lab, enum lab_host host, struct host_counters *out, struct err *e);

/* IPv4 address i of a host, network byte order. */
struct in_addr lab_address(const struct lab *lab, enum lab_host host, unsigned i);
unsigned lab_addresses(const struct lab *lab, enum lab_host host);

#endif
