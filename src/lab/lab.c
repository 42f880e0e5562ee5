/* Opens, drives and closes a lab. */
#include "lab/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "epolltune/knob_value.h"
#include "host/compat.h"
#include "lab/wire_delay.h"

#define LAB_AGENTS (LAB_COMMAND + 1)
/* Timeout for the set-up of a lab and for lab_call(). */
#define LAB_PATIENCE_MS 20000

/* Arguments and results of the lab's own calls, at the start of the arena. */
struct lab_shared {
	struct lab_knob {
		char name[64];
		char value[1024];
	} knobs[2]; /* by enum lab_host, as are the next */
	struct host_counters counters[2];
	char uncopied[512];
	struct wire_stats wire;
	struct wire_napi napi;
	_Alignas(64) char rest[];
};

struct lab {
	struct lab_options options;
	pid_t init;    /* the server's agent; in a private lab also init of the PID namespace */
	pid_t client;  /* the client's agent, in place only: otherwise init reaps it */
	pid_t command; /* the agent of LAB_COMMAND, in init; 0: none */
	struct task agents[LAB_AGENTS]; /* by enum lab_host */
	int sockets[LAB_AGENTS];        /* the agents' ends, until fork() */
	int patience_ms;
	struct knob_copy copy;
	struct lab_shared *shared;
	size_t used;
};

static void lab_textp(char **text) { free(*text); }

static void close_all(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close_fd(&fds[i]);
}

/* Agents inherit only the standard streams and these: a copy of another lab's socket would keep
 * that lab alive. */
static void keep_only(const struct lab *lab)
{
	for (unsigned from = 3;;) {
		unsigned next = ~0U;
		for (size_t i = 0; i < LAB_AGENTS; i++)
			if (lab->sockets[i] >= (int)from && (unsigned)lab->sockets[i] < next)
				next = (unsigned)lab->sockets[i];
		close_descriptors(from, next - (next != ~0U));
		if (next == ~0U)
			return;
		from = next + 1;
	}
}

int fork_refused(struct err *e, const char *what)
{
	return errno == EAGAIN ? err_set(e, EAGAIN, "%s: " LAB_NO_PROCESS, what)
			       : err_errno(e, "%s", what);
}

static unsigned lab_count(const struct lab *lab, enum lab_host host)
{
	unsigned n = lab->options.client_addresses;
	if (host == LAB_SERVER || !n || (lab->options.ipv6 && !lab_private(lab)))
		return 1;
	return n > 240 ? 240 : n;
}

/* From here to lab_open(): code of the agents. */

/* The agent's first answer: ready, or with `e` why not. */
static void agent_ready(struct lab *lab, enum lab_host host, const struct err *e)
{
	struct task_port port = {.channel = lab->sockets[host], .sequence = 1};
	task_answer(&port, e ? -e->code : 0, e, NULL, 0);
}

static void agent_run(struct lab *lab, enum lab_host host)
{
	struct task_port port = {.channel = lab->sockets[host], .sequence = 1};
	for (int other = 0; other < LAB_AGENTS; other++)
		if (other != (int)host)
			close_fd(&lab->sockets[other]);
	agent_ready(lab, host, NULL);
	agent_serve(&port, host == LAB_COMMAND);
	/* The exit of init would end the command without its grace. */
	if (host == LAB_SERVER && lab->command > 0)
		waitpid(lab->command, NULL, 0);
	_exit(0);
}

/* What no experiment sets must not look like a limit of the server: the client's ports, those that
 * a server listens on, and a queue that a burst of clients fills. Programs of the user (`files`)
 * have the caller's values. */
static void host_widen(const struct lab *lab, enum lab_host host, const struct host *h)
{
	if (host == LAB_CLIENT ? !lab->options.wide_ports : lab->options.files)
		return;
	host_write(h, "proc/sys/net/ipv4/ip_local_reserved_ports", "", NULL);
	host_write(h, "proc/sys/net/ipv4/ip_unprivileged_port_start", "0", NULL);
	host_write(h, "proc/sys/net/ipv4/ip_local_port_range", "1024 65535", NULL);
	host_write(h, "proc/sys/net/core/somaxconn", "65535", NULL);
}

static int host_prepare(struct lab *lab, enum lab_host host, struct err *e)
{
	struct host *h = NULL;
	int rc = host_open(&h, "/", e);
	if (rc)
		return rc;
	/* Older kernels log that an interface is ready for IPv6. */
	host_write(h, "proc/sys/net/ipv6/conf/all/disable_ipv6", lab->options.ipv6 ? "0" : "1",
		   NULL);
	rc = wire_address(lab->options.ipv6, host, lab_count(lab, host), e);
	if (rc) {
		host_close(h);
		return rc;
	}
	char ignored[sizeof(lab->shared->uncopied)];
	knob_copy_write(&lab->copy, h, host == LAB_SERVER ? lab->shared->uncopied : ignored,
			sizeof(ignored));
	host_widen(lab, host, h);
	if (lab->options.napi && lab->options.wire == LAB_WIRE_VETH)
		wire_napi_prepare(h, host, &lab->shared->napi);
	host_close(h);
	bool connects = host == LAB_SERVER && lab->options.socket;
	return seal_capabilities(connects ? SEAL_FILES : SEAL_NETWORK, e);
}

static struct wire_delay_config wire_config(const struct lab_options *o)
{
	return (struct wire_delay_config){.rtt_us = o->rtt_us,
					  .bandwidth_bps = o->bandwidth_bps,
					  .loss = o->loss,
					  .seed = o->seed,
					  .forget_us = o->forget_us};
}

/* The client's side of the wire: reports that its namespace exists and sends its device. */
static int wire_give(struct lab *lab, int go, struct err *e)
{
	struct wire_delay_config config = wire_config(&lab->options);
	if (lab->options.wire == LAB_WIRE_DELAY)
		return wire_delay_give(go, &config, e);
	return write(go, "n", 1) == 1 ? 0 : err_errno(e, "lab: start the server's host");
}

/* The server's side. A client that fails reports why on its own socket and closes `go`. */
static int wire_join(struct lab *lab, pid_t client, int go, struct err *e)
{
	struct wire_delay_config config = wire_config(&lab->options);
	char word;
	if (lab->options.wire == LAB_WIRE_DELAY)
		return wire_delay_join(go, &config, &lab->shared->wire, e);
	if (read(go, &word, 1) != 1)
		return err_set(e, ECHILD, "lab: the client's host exited");
	return wire_veth_make(client, e);
}

/* Waits in its own namespaces until the server has moved the wire's end there. */
static void client_host_main(struct lab *lab, int go)
{
	struct err e = {0};
	char word;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int rc = 0;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		rc = err_errno(&e, "lab: create the namespaces of the client's host");
	/* Until here both hosts share a root: the server must not leave it earlier. */
	else if (write(go, "u", 1) != 1)
		rc = err_errno(&e, "lab: start the server's host");
	if (!rc)
		rc = seal_mounts(lab->options.files, lab->options.writable, &e);
	if (!rc)
		rc = wire_give(lab, go, &e);
	if (!rc) {
		if (read(go, &word, 1) != 1)
			_exit(1);
		close(go);
		rc = host_prepare(lab, LAB_CLIENT, &e);
	}
	if (rc) {
		agent_ready(lab, LAB_CLIENT, &e);
		_exit(1);
	}
	agent_run(lab, LAB_CLIENT);
}

/* The agent of LAB_COMMAND: init of a PID namespace, so that a signal to all of its processes
 * misses none. */
static int command_fork(struct lab *lab, struct err *e)
{
	struct err unsealed = {0};
	pid_t pid = (pid_t)raw_clone(CLONE_NEWPID);
	if (pid < 0)
		return fork_refused(e, "lab: start the command's first process");
	if (pid) {
		lab->command = pid;
		return 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	keep_only(lab);
	if (seal_capabilities(SEAL_SERVERS, &unsealed)) {
		agent_ready(lab, LAB_COMMAND, &unsealed);
		_exit(1);
	}
	agent_run(lab, LAB_COMMAND);
	return 0;
}

static int server_prepare(struct lab *lab, uid_t uid, gid_t gid, bool user_namespace, struct err *e)
{
	int go[2], rc = 0;
	if (user_namespace)
		rc = seal_ids(uid, gid, e);
	if (rc)
		return rc;
	/* Fork the client before sealing this host: the client still has to unshare. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go))
		return err_errno(e, "lab: socket pair");
	pid_t client = fork();
	if (client < 0)
		return fork_refused(e, "lab: start the client's host");
	if (client == 0) {
		close(go[0]);
		client_host_main(lab, go[1]);
	}
	close(go[1]);
	CLEAN(close_fd) int client_go = go[0];
	/* A client that fails reports why on its own socket and closes this one. */
	char word;
	if (read(client_go, &word, 1) != 1)
		return err_set(e, ECHILD, "lab: the client's host exited");
	rc = seal_mounts(lab->options.files, lab->options.writable, e);
	if (!rc && lab->options.command)
		rc = seal_private(&lab->options, e);
	for (size_t i = 0; !rc && i < lab->options.overlay_count; i++)
		rc = seal_overlay(&lab->options.overlays[i], e);
	if (!rc)
		rc = wire_join(lab, client, client_go, e);
	if (!rc && lab->options.command)
		rc = command_fork(lab, e);
	if (!rc)
		rc = host_prepare(lab, LAB_SERVER, e);
	if (!rc && write(client_go, "g", 1) != 1)
		rc = err_errno(e, "lab: start the client's host");
	return rc;
}

static void server_host_main(struct lab *lab, uid_t uid, gid_t gid, bool user_namespace)
{
	struct err e = {0};
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	keep_only(lab);
	int rc = server_prepare(lab, uid, gid, user_namespace, &e);
	if (rc) {
		agent_ready(lab, LAB_SERVER, &e);
		_exit(1);
	}
	/* The command has its grace, also where the process that opened the lab is killed: its end
	 * closes the sockets. */
	if (lab->command)
		prctl(PR_SET_PDEATHSIG, 0);
	agent_run(lab, LAB_SERVER);
}

static int fork_private(struct lab *lab, struct err *e)
{
	const unsigned long namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool user_namespace = false;
	lab->init = (pid_t)raw_clone(namespaces);
	if (lab->init < 0 && errno == EPERM) {
		user_namespace = true;
		lab->init = (pid_t)raw_clone(namespaces | CLONE_NEWUSER);
	}
	if (lab->init == 0)
		server_host_main(lab, uid, gid, user_namespace);
	if (lab->init > 0)
		return 0;
	if (errno == EAGAIN)
		return fork_refused(e, "lab: start its first process");
	int code = errno == ENOSPC || errno == EUSERS ? EPERM : errno;
	int rc = err_set(e, code, "lab: the kernel refuses new namespaces (%s)", strerror(errno));
	err_remedy(e, "run as root, or allow them with user.max_user_namespaces above 0, "
		      "kernel.unprivileged_userns_clone=1 or "
		      "kernel.apparmor_restrict_unprivileged_userns=0 (where they exist); in a "
		      "container, by its seccomp profile");
	return rc;
}

static int fork_in_place(struct lab *lab, struct err *e)
{
	pid_t *const pids[] = {&lab->init, &lab->client};
	for (int host = LAB_SERVER; host <= LAB_CLIENT; host++) {
		*pids[host] = fork();
		if (*pids[host] < 0)
			return fork_refused(e, "lab: start a host");
		if (*pids[host] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			keep_only(lab);
			agent_run(lab, (enum lab_host)host);
		}
	}
	return 0;
}

static int lab_check(const struct lab_options *options, struct err *e)
{
	if (options->place == LAB_PRIVATE && access("/proc/self/fd", X_OK))
		return err_errno(e, "lab: /proc is not mounted here");
	if (options->wire != LAB_WIRE_DELAY)
		return 0;
	if (options->place != LAB_PRIVATE)
		return err_set(e, EOPNOTSUPP, "lab: a delay wire needs a private lab");
	struct wire_delay_config config = wire_config(options);
	return wire_delay_check(&config, e);
}

static int lab_start(struct lab *lab, const struct host *calling, struct err *e)
{
	int rc = lab_check(&lab->options, e);
	if (rc)
		return rc;
	void *arena = mmap(NULL, LAB_ARENA, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena == MAP_FAILED)
		return err_errno(e, "lab: %zu bytes of shared memory", LAB_ARENA);
	lab->shared = arena;
	lab->used = sizeof(*lab->shared);
	for (int host = LAB_SERVER; host <= (lab->options.command ? LAB_COMMAND : LAB_CLIENT);
	     host++) {
		int pair[2];
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
			return err_errno(e, "lab: socket pair");
		lab->agents[host] =
			(struct task){.running = true, .channel = pair[0], .pid = -1, .asked = 1};
		lab->sockets[host] = pair[1];
	}
	if (lab->options.place == LAB_PRIVATE)
		rc = knob_copy_read(&lab->copy, calling, e);
	if (!rc)
		rc = lab->options.place == LAB_PRIVATE ? fork_private(lab, e)
						       : fork_in_place(lab, e);
	knob_copy_free(&lab->copy);
	close_all(lab->sockets, LAB_AGENTS);
	return rc;
}

static const char *host_name(enum lab_host host)
{
	static const char *const names[] = {"server", "client", "command"};
	return names[host];
}

static int lab_await(struct lab *lab, enum lab_host host, struct err *e)
{
	int rc = task_await(&lab->agents[host], NULL, 0, lab->patience_ms, e);
	if (rc == -ECHILD || lab->agents[host].answered != lab->agents[host].asked)
		err_prefix(e, "lab: the %s's host", host_name(host));
	return rc;
}

/* Waits for a function whose call has timed out: it may still use the host's lab_shared. */
static int host_settle(struct lab *lab, enum lab_host host, struct err *e)
{
	const struct task *agent = &lab->agents[host];
	int rc = agent->answered == agent->asked ? 0 : lab_await(lab, host, e);
	return agent->answered == agent->asked ? 0 : rc;
}

void lab_set_patience(struct lab *lab, int ms) { lab->patience_ms = ms; }

static int call_wire_await(struct host *h, void *unused, struct err *e) { return wire_await(e); }

int lab_open(struct lab **out, const struct lab_options *options, const struct host *calling,
	     struct err *e)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	if (!lab)
		return err_set(e, ENOMEM, "lab: no memory");
	lab->options = *options;
	lab->patience_ms = LAB_PATIENCE_MS;
	for (size_t i = 0; i < LAB_AGENTS; i++)
		lab->sockets[i] = -1;
	int rc = lab_start(lab, calling, e);
	/* -ECHILD from the server: the client failed, and reports why. */
	if (!rc) {
		struct err server = {0};
		int server_rc = lab_await(lab, LAB_SERVER, &server);
		if (server_rc && server_rc != -ECHILD) {
			rc = -server.code;
			if (e)
				*e = server;
		} else {
			rc = lab_await(lab, LAB_CLIENT, e);
		}
	}
	if (!rc && lab->options.command)
		rc = lab_await(lab, LAB_COMMAND, e);
	for (int host = LAB_SERVER; host <= LAB_CLIENT && !rc && lab_private(lab); host++)
		rc = lab_call(lab, (enum lab_host)host, call_wire_await, NULL, e);
	if (rc && lab->shared && lab->shared->wire.ended)
		rc = err_set(e, lab->shared->wire.ended, "delay wire: the relay: %s",
			     strerror(lab->shared->wire.ended));
	if (rc) {
		lab_close(lab);
		return rc;
	}
	*out = lab;
	return 0;
}

void lab_close(struct lab *lab)
{
	if (!lab)
		return;
	/* Agents exit when their sockets close; the exit of init ends the PID namespace. */
	close_all(lab->sockets, LAB_AGENTS);
	lab->agents[LAB_SERVER].pid = lab->init;
	lab->agents[LAB_CLIENT].pid = lab->client;
	task_end_all(lab->agents, LAB_AGENTS);
	if (lab->shared)
		munmap(lab->shared, LAB_ARENA);
	knob_copy_free(&lab->copy);
	free(lab);
}

bool lab_private(const struct lab *lab) { return lab->options.place == LAB_PRIVATE; }

const char *lab_uncopied(const struct lab *lab) { return lab->shared->uncopied; }

/* Transmit column "drop" of the wire: net/core/net-procfs.c, dev_seq_printf_stats(). */
static int call_unread(struct host *h, void *arg, struct err *e)
{
	CLEAN(lab_textp) char *text = NULL;
	ssize_t n = host_read_all(h, "proc/net/dev", &text, e);
	if (n < 0)
		return (int)n;
	const char *at = strstr(text, LAB_DEVICE ":");
	if (!at || sscanf(at, LAB_DEVICE ": %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %" SCNu64,
			  (uint64_t *)arg) != 1)
		return err_set(e, EBADMSG, "lab: /proc/net/dev: no interface %s", LAB_DEVICE);
	return 0;
}

const struct wire_stats *lab_wire_look(struct lab *lab)
{
	if (lab->options.wire != LAB_WIRE_DELAY)
		return NULL;
	for (enum lab_host host = LAB_SERVER; host <= LAB_CLIENT; host++)
		lab_call(lab, host, call_unread, &lab->shared->wire.way[host].unread, NULL);
	return &lab->shared->wire;
}

int lab_wire_defer(struct lab *lab, const struct nic_deferral *d, struct err *e)
{
	struct wire_napi *napi = &lab->shared->napi;
	int rc = host_settle(lab, LAB_SERVER, e);
	if (rc || (napi->set && !memcmp(&napi->now, d, sizeof(*d))))
		return rc;
	napi->next = *d;
	rc = lab_call(lab, LAB_SERVER, wire_napi_defer, napi, e);
	napi->set = !rc;
	napi->now = *d;
	return rc;
}

bool lab_wire_suspends(const struct lab *lab) { return lab->shared->napi.suspends; }

void *lab_alloc(struct lab *lab, size_t size, struct err *e)
{
	size_t start = (lab->used + 63) & ~(size_t)63;
	if (size > LAB_ARENA || start > LAB_ARENA - size) {
		err_set(e, ENOMEM, "lab: the %zu bytes of shared memory are in use", LAB_ARENA);
		return NULL;
	}
	lab->used = start + size;
	return (char *)lab->shared + start;
}

size_t lab_mark(const struct lab *lab) { return lab->used; }

void lab_release(struct lab *lab, size_t mark)
{
	memset((char *)lab->shared + mark, 0, lab->used - mark);
	lab->used = mark;
}

static int lab_request(struct lab *lab, enum lab_host host, const struct agent_request *request,
		       int fd, struct err *e)
{
	struct task *agent = &lab->agents[host];
	int rc = task_send(agent, request, sizeof(*request), e);
	if (!rc && fd >= 0)
		rc = task_send_fds(agent->channel, &fd, 1, e);
	if (rc) {
		err_prefix(e, "lab: the %s's host", host_name(host));
		return rc;
	}
	return lab_await(lab, host, e);
}

int lab_fork(struct lab *lab, enum lab_host host, task_main main, void *arg, int channel,
	     struct err *e)
{
	const struct agent_request request = {
		.main = main, .arg = arg, .alone = host == LAB_COMMAND};
	return lab_request(lab, host, &request, channel, e);
}

static int call_nothing(struct host *h, void *unused, struct err *e) { return 0; }

void lab_clear(struct lab *lab)
{
	const struct agent_request request = {.function = call_nothing, .alone = true};
	lab_request(lab, LAB_COMMAND, &request, -1, NULL);
}

int lab_call(struct lab *lab, enum lab_host host, lab_function fn, void *arg, struct err *e)
{
	const struct agent_request request = {.function = fn, .arg = arg};
	return lab_request(lab, host, &request, -1, e);
}

static int call_knob_get(struct host *h, void *arg, struct err *e)
{
	struct lab_knob *knob = arg;
	const struct knob *k = knob_find(knob->name);
	if (!k)
		return err_set(e, ENOENT, "%s: no such knob", knob->name);
	return knob_read(k, h, knob->value, e);
}

static int call_knob_set(struct host *h, void *arg, struct err *e)
{
	const struct lab_knob *knob = arg;
	const struct knob *k = knob_find(knob->name);
	if (!k)
		return err_set(e, ENOENT, "%s: no such knob", knob->name);
	char silent[KNOB_VALUE];
	return knob_write(k, h, knob_silent(knob->name, knob->value, silent), e);
}

int lab_knob_get(struct lab *lab, enum lab_host host, const char *name, char *value, size_t size,
		 struct err *e)
{
	struct lab_knob *knob = &lab->shared->knobs[host];
	int rc = host_settle(lab, host, e);
	if (rc)
		return rc;
	snprintf(knob->name, sizeof(knob->name), "%s", name);
	rc = lab_call(lab, host, call_knob_get, knob, e);
	if (!rc)
		snprintf(value, size, "%s", knob->value);
	return rc;
}

static int settable(struct lab *lab, const char *name, struct err *e)
{
	return lab_private(lab)
		       ? 0
		       : err_set(e, EROFS, "%s: not set: this lab runs in the calling namespace",
				 name);
}

int lab_knob_set(struct lab *lab, enum lab_host host, const char *name, const char *value,
		 struct err *e)
{
	struct lab_knob *knob = &lab->shared->knobs[host];
	int rc = settable(lab, name, e);
	if (!rc)
		rc = host_settle(lab, host, e);
	if (rc)
		return rc;
	snprintf(knob->name, sizeof(knob->name), "%s", name);
	snprintf(knob->value, sizeof(knob->value), "%s", value);
	return lab_call(lab, host, call_knob_set, knob, e);
}

static int call_sysctl_swap(struct host *h, void *arg, struct err *e)
{
	struct lab_sysctl *s = arg;
	char path[SYSCTL_PATH], was[LAB_SYSCTL_TEXT], silent[KNOB_VALUE];
	sysctl_path(s->name, path);
	ssize_t rc = host_read(h, path, was, sizeof(was), e);
	if (rc >= 0)
		rc = host_write(h, path, knob_silent(s->name, s->text, silent), e);
	if (rc >= 0)
		memcpy(s->text, was, sizeof(was));
	return rc < 0 ? (int)rc : 0;
}

int lab_sysctl_swap(struct lab *lab, enum lab_host host, struct lab_sysctl *s, struct err *e)
{
	int rc = settable(lab, s->name, e);
	return rc ? rc : lab_call(lab, host, call_sysctl_swap, s, e);
}

static int call_counters(struct host *h, void *arg, struct err *e)
{
	return host_counters(h, arg, e);
}

int lab_counters(struct lab *lab, enum lab_host host, struct host_counters *out, struct err *e)
{
	int rc = lab_call(lab, host, call_counters, &lab->shared->counters[host], e);
	if (!rc)
		*out = lab->shared->counters[host];
	return rc;
}

union endpoint lab_address(const struct lab *lab, enum lab_host host, unsigned i)
{
	if (lab_private(lab))
		return wire_endpoint(lab->options.ipv6, host, i);
	if (lab->options.ipv6)
		return endpoint_ipv6(in6addr_loopback);
	/* All of 127/8 is local to loopback. */
	return endpoint_ipv4(
		(struct in_addr){htonl(INADDR_LOOPBACK + (host == LAB_CLIENT ? i : 0))});
}

unsigned lab_addresses(const struct lab *lab, enum lab_host host) { return lab_count(lab, host); }
