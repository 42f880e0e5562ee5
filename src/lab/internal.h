/* Internal to src/lab/: namespaces, wires and agents. */
#pragma once

#include <sys/types.h>

#include "epolltune/lab.h"
#include "epolltune/nic.h"
#include "epolltune/task.h"

/* Name of the wire's interface on both hosts. */
#define LAB_DEVICE "wire"

/* Knobs of a namespace, read before the lab exists and written into its hosts. Owned by the caller;
 * knob_copy_free(). */
struct knob_copy {
	size_t count;
	struct knob_copied {
		char *path;
		char *value;
	} * at;
};
int knob_copy_read(struct knob_copy *copy, const struct host *h, struct err *e);
/* Writes the knobs that differ. `uncopied` names those that fail, comma separated. */
void knob_copy_write(const struct knob_copy *copy, const struct host *h, char *uncopied,
		     size_t size);
void knob_copy_free(struct knob_copy *copy);

/* Makes the caller's new mount namespace private and read-only, except for /proc/sys/net and the
 * network devices of its own /sys. Without `files` the host's file system is hidden; with them all
 * of it but the device nodes is visible, and with `writable` writable. */
int seal_mounts(bool files, bool writable, struct err *e);
/* Sets the read-only flag of one mount, or (`recursive`, only to set it) of all mounts below it. */
int seal_readonly(const char *path, bool readonly, bool recursive);
/* After it: lays copies over /tmp, /run and /var, which show the host's files (no socket or FIFO of
 * /tmp and /run, no large log of /var/log) and keep what is written in memory, 64 MiB of it in all;
 * where the kernel has no overlays, /tmp, /run and /var/tmp are empty and /var is read-only. Makes
 * the options' `directories` of the host writable, below them too. */
int seal_private(const struct lab_options *o, struct err *e);
/* After it: puts a copy with another text over a file. The host's is not changed. */
int seal_overlay(const struct lab_overlay *overlay, struct err *e);
/* Maps the caller's ids into the user namespace that it has entered. */
int seal_ids(uid_t uid, gid_t gid, struct err *e);
/* Drops all capabilities but CAP_NET_ADMIN, CAP_NET_RAW and CAP_NET_BIND_SERVICE for good; of those
 * of root SEAL_FILES keeps CAP_DAC_OVERRIDE, SEAL_SERVERS what servers need to change their user
 * and their limits. */
enum seal_kept { SEAL_NETWORK, SEAL_FILES, SEAL_SERVERS };
int seal_capabilities(enum seal_kept kept, struct err *e);

/* Creates a veth pair: one end in the calling namespace, the other in that of process `peer`. */
int wire_veth_make(pid_t peer, struct err *e);
/* Brings up loopback and the wire in the calling namespace and adds `addresses` addresses. */
int wire_address(bool ipv6, enum lab_host host, unsigned addresses, struct err *e);
/* Waits until the wire's end in the calling namespace carries packets: on a busy machine the kernel
 * starts its queue up to seconds after both ends are up (net/core/link_watch.c), and drops packets
 * until then. -ETIMEDOUT after some seconds. */
int wire_await(struct err *e);
/* Sets MTU and queue length (packets) of the wire's end in the calling namespace. */
int wire_size(unsigned mtu, unsigned queue, struct err *e);
/* Address i of a host, from 198.18.0.0/15 or 2001:2::/48, the ranges for benchmarks (RFC 2544,
 * RFC 5180). */
union endpoint wire_endpoint(bool ipv6, enum lab_host host, unsigned i);

/* Deferred interrupts of the server's end of a wire that receives through NAPI; shared by the lab's
 * processes. */
struct wire_napi {
	uint32_t id;   /* of its NAPI instance; 0: the kernel reports none */
	bool suspends; /* the kernel has irq-suspend-timeout */
	bool set;      /* `now` is in effect */
	struct nic_deferral now, next;
};
/* Makes the server's end of a veth wire receive through NAPI, as far as the kernel supports it. */
void wire_napi_prepare(const struct host *h, enum lab_host host, struct wire_napi *napi);
/* A lab_function for the server's host: sets `next` of a struct wire_napi. */
int wire_napi_defer(struct host *h, void *arg, struct err *e);

/* An agent: the resident process of one host. It forks tasks and calls functions on request until
 * its socket is closed; then it kills its tasks and returns. */
struct agent_request {
	lab_function function; /* to call, or */
	task_main main;        /* to start, with its channel by task_send_fds() */
	void *arg;
	bool alone; /* do it when no other process of the PID namespace is left */
};
/* `patient`: its tasks, which have noticed the end too, have time to end. */
void agent_serve(struct task_port *port, bool patient);

/* Starts a task with this end of its channel, which the caller closes. */
int lab_fork(struct lab *lab, enum lab_host host, task_main main, void *arg, int channel,
	     struct err *e);
/* Runs main() in a new process and exits. */
_Noreturn void task_run(int channel, task_main main, void *arg);

/* For tests: sets the timeout of lab_call() and lab_spawn(). */
void lab_set_patience(struct lab *lab, int ms);

/* The error of fork(2), by errno. */
int fork_refused(struct err *e, const char *what);

/* Closes the descriptors from `first` to `last`. */
void close_descriptors(unsigned first, unsigned last);
