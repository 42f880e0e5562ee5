/* lab: the private namespaces that experiments run in, and the wire between its two hosts.
 *
 * A lab is two network namespaces in a mount and a PID namespace (without privilege also a user
 * namespace), with a copy of the calling namespace's knobs. Tasks are forked, not executed, so
 * function and data pointers from before lab_open() stay valid. The lab's first process is init of
 * the PID namespace and dies with the process that opened the lab: a crash leaves nothing behind. A
 * command of the operator has its grace first.
 *
 * An in-place lab has the same interface, uses loopback of the calling namespace as its wire and
 * sets no knob. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epolltune/endpoint.h"
#include "epolltune/err.h"
#include "epolltune/host.h"
#include "epolltune/sysctls.h"

enum lab_place { LAB_PRIVATE, LAB_IN_PLACE };
enum lab_host {
	LAB_SERVER,
	LAB_CLIENT,
	LAB_COMMAND, /* with lab_options.command: the operator's processes on the server's host */
};
enum lab_wire {
	LAB_WIRE_VETH,  /* fast; loopback with LAB_IN_PLACE */
	LAB_WIRE_DELAY, /* relay in user space: RTT, bandwidth, loss (wire.h) */
};

/* A file that tasks see instead of the host's, read-only. */
struct lab_overlay {
	char *path, *text; /* without its last newline */
};

struct lab_options {
	enum lab_place place;
	enum lab_wire wire;
	bool ipv6;                 /* addresses and wire are IPv6, not IPv4 */
	unsigned client_addresses; /* the client's source addresses, 1 to 240; 0 means 1 */
	uint64_t rtt_us;           /* LAB_WIRE_DELAY only, like the next four */
	uint64_t bandwidth_bps;
	double loss; /* per packet, 0 to 1 */
	uint64_t seed;
	uint64_t forget_us; /* drops packets of TCP connections idle for longer; 0: none */
	bool napi; /* LAB_WIRE_VETH: the server receives through NAPI where the kernel supports
		      it; server_usage() shows it */
	bool wide_ports; /* give the client the maximum port range, not a copy: for experiments on
			    the server's limits */
	bool files;      /* keep the host's files visible, read-only, so that tasks can execute
			    programs; otherwise the root has only /proc, /sys and /dev */
	bool writable;   /* with files: tasks may write what the caller may write */
	bool command;    /* with files, not writable: tasks of LAB_COMMAND have a PID namespace of
			    their own, and as root the capabilities that servers need to become
			    another user; the server's host has copies of /tmp, /run and /var and
			    an empty /dev/shm of its own */
	const char *directories; /* with command: that its tasks may write, comma separated */
	const struct lab_overlay *overlays; /* with command */
	size_t overlay_count;
	const char *socket; /* with command: that it listens on, an absolute path: tasks of
			       LAB_SERVER may connect to it, also if it belongs to another user */
};

/* Why fork(2) fails with EAGAIN. */
#define LAB_NO_PROCESS                                                                             \
	"the limit on processes is reached (ulimit -u, or pids.max of the control group)"

/* Whether a lab has a copy of its own of a sysctl, "net.core.somaxconn". What is below conf and
 * neigh it has not: those of interfaces are not copied, and gc_thresh is the machine's. */
bool lab_copies(const char *sysctl);

struct lab;
struct nic_deferral;

/* Opens a lab with the knobs of the live host `calling`. -EPERM if the kernel refuses namespaces:
 * the text says what to allow. The caller owns the lab and closes it in the same process. */
int lab_open(struct lab **out, const struct lab_options *options, const struct host *calling,
	     struct err *e);
/* Ends all tasks, the wire and the namespaces and waits for the lab's processes, which get SIGKILL
 * after 5 s. */
void lab_close(struct lab *lab);
static inline void lab_closep(struct lab **lab) { lab_close(*lab); }

bool lab_private(const struct lab *lab);
/* Knobs of the calling namespace that could not be copied, comma separated; "" if none. */
const char *lab_uncopied(const struct lab *lab);

/* With lab_options.napi: defers interrupts at the server's end of the wire. Needs root in the
 * initial user namespace, and Linux 6.13 for `suspend_ns`, which is ignored before. */
int lab_wire_defer(struct lab *lab, const struct nic_deferral *d, struct err *e);
/* Whether `suspend_ns` has an effect there. */
bool lab_wire_suspends(const struct lab *lab);

/* Memory shared by all processes of the lab, zeroed, 64-byte aligned, freed with the lab. NULL and
 * ENOMEM if the arena (LAB_ARENA bytes, allocated page by page) is full. lab_release() frees all
 * that was allocated since lab_mark(), between two experiments. */
#define LAB_ARENA ((size_t)64 << 20)
/* Maximum of tasks that one host runs at a time. */
#define LAB_TASKS 256
void *lab_alloc(struct lab *lab, size_t size, struct err *e);
size_t lab_mark(const struct lab *lab);
void lab_release(struct lab *lab, size_t mark);

struct task_port;
/* The main function of a task (task.h): returns 0, or a negative errno with port->e set, soon after
 * its caller has ended it. */
typedef int (*task_main)(struct task_port *port, void *arg);

/* Runs fn(arg) on a host, waits and returns its result. `h` is the machine as that lab host sees
 * it (/proc/net, knobs). -ETIMEDOUT after 20 s: fn may then still run and use `arg`; the host
 * serves the next request after it, and the late reply is dropped. */
typedef int (*lab_function)(struct host *h, void *arg, struct err *e);
int lab_call(struct lab *lab, enum lab_host host, lab_function fn, void *arg, struct err *e);

/* With lab_options.command: waits until no process is left on LAB_COMMAND, and kills those that are
 * after some seconds. */
void lab_clear(struct lab *lab);

/* Reads or sets a knob of one host. -EROFS for setting in place; -ENOENT if the lab has no such
 * knob (an unprivileged lab has an empty net/core before 6.11). */
int lab_knob_get(struct lab *lab, enum lab_host host, const char *name, char *value, size_t size,
		 struct err *e);
int lab_knob_set(struct lab *lab, enum lab_host host, const char *name, const char *value,
		 struct err *e);
/* The kernel's maximum for one write(2) to a sysctl, with its end. */
#define LAB_SYSCTL_TEXT 4096
/* In memory of lab_alloc(). */
struct lab_sysctl {
	char name[SYSCTL_NAME], text[LAB_SYSCTL_TEXT];
};
/* Sets a sysctl of one host, which need be no knob, to the text, and takes the one that it had: a
 * second call restores it. -EROFS in place; -EFBIG if it had a longer one. */
int lab_sysctl_swap(struct lab *lab, enum lab_host host, struct lab_sysctl *s, struct err *e);
/* Reads the counters of one host's network namespace. */
int lab_counters(struct lab *lab, enum lab_host host, struct host_counters *out, struct err *e);

/* Address i of a host, of the lab's family, with port 0. */
union endpoint lab_address(const struct lab *lab, enum lab_host host, unsigned i);
unsigned lab_addresses(const struct lab *lab, enum lab_host host);
