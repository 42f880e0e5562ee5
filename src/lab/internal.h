/* What the files of src/lab/ share; nobody else includes it. */
#ifndef EPOLLTUNE_LAB_INTERNAL_H
#define EPOLLTUNE_LAB_INTERNAL_H

#include <sys/types.h>

#include "epolltune/lab.h"

/* The wire's name on both hosts. */
#define LAB_DEVICE "wire"

/* Knobs of a namespace, read before the lab is made and written into its hosts. Owned by the
 * caller; knob_copy_free(). */
struct knob_copy {
	size_t count, capacity;
	struct knob_copied {
		char *path;
		char *value;
	} * at;
};
int knob_copy_read(struct knob_copy *copy, const struct host *h, struct err *e);
/* Writes those that differ; what could not be written is named in `uncopied`, comma separated. */
void knob_copy_write(const struct knob_copy *copy, const struct host *h, char *uncopied,
		     size_t size);
void knob_copy_free(struct knob_copy *copy);

/* Makes the caller's new mount namespace private and read-only but for /proc/sys/net and the
 * network devices of a /sys of its own. Without `files` nothing of the host's file system stays in
 * view; with them all but its device nodes, and with `writable` they may be written. */
int seal_mounts(bool files, bool writable, struct err *e);
/* Maps the caller's own ids into the user namespace that it just entered. */
int seal_ids(uid_t uid, gid_t gid, struct err *e);
/* Leaves only CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE, for good. */
int seal_capabilities(struct err *e);

/* Makes the veth pair in the calling namespace, its other end in that of process `peer`. */
int wire_veth_make(pid_t peer, struct err *e);
/* Brings up loopback and the wire in the calling namespace, with `addresses` IPv4 addresses. */
int wire_address(enum lab_host host, unsigned addresses, struct err *e);
/* Sets the MTU and the length of the queue (packets) of the wire's end in the calling namespace. */
int wire_size(unsigned mtu, unsigned queue, struct err *e);
/* Address i of a host, from 198.18.0.0/15, reserved for benchmarks (RFC 2544). */
struct in_addr wire_ipv4(enum lab_host host, unsigned i);

/* An agent: the resident process of one host. It forks tasks and calls functions on request until
 * its socket is closed; then it kills its tasks and returns. */
struct agent_request {
	uint32_t sequence; /* from 1 */
	lab_task task;     /* with the task's channel as SCM_RIGHTS, or */
	lab_function function;
	void *arg;
};
struct agent_reply {
	uint32_t sequence; /* of the request; 0: the host is ready, or could not be set up */
	int result;
	struct err e;
};
void agent_serve(int socket);

/* Timeout of lab_call() and lab_spawn() from now on, for tests. */
void lab_set_patience(struct lab *lab, int ms);

/* Closes the descriptors from `first` to `last`. */
void close_descriptors(unsigned first, unsigned last);

#endif
