/* The processes that accept a server's connections: by the connections that they hold, by their
 * epoll sets and by what their threads wait for. */
#include "host/acceptors.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/array.h"
#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "host/accepted_sockets.h"
#include "host/descriptors.h"
#include "host/inode_table.h"
#include "host/owners.h"
#include "host/processes.h"

/* Descriptors to look at: of another process, for a listener, of one of the server, of one when
 * none has a listener so low, and of all of the server and of all others. */
#define LOW 128
#define FIRST 1024
#define ONE 65536
#define ALL 1048576
#define OTHERS 262144
/* Of the descriptors beyond FIRST so many are looked at, evenly, to estimate the rest. */
#define SAMPLE 512
#define NUMBERS 16
#define THREADS 64

/* LEFT, OPENED_LEFT: connections that the other side closed long ago. */
enum kind { OTHER, LISTENER, CLIENT, ACCEPTED, OPENED, LEFT, OPENED_LEFT, KINDS };

/* Connections of clients, by the process that has them: a child inherits those of its parent. */
struct connection_held {
	uint64_t inode;
	size_t holder;
};

/* Descriptor numbers of a process. */
struct numbers {
	unsigned at[NUMBERS];
	size_t count;
};

struct looked {
	struct holder at;
	struct numbers listeners, sets; /* sets: that watch a listener */
	bool unlisted;                  /* its epoll sets are too large to list */
	bool veiled;                    /* its descriptors are not visible */
};

struct acceptor_search {
	const struct host *host;
	struct subject *subject;
	uint64_t *inodes; /* of its listeners */
	struct accepted_list accepted;
	struct looked *looked;
	size_t count;
	struct connection_held *held;
	size_t held_count;
	unsigned descriptors, first; /* that may still be looked at; of one process */
	bool cut;                    /* they were too few for the server's own */
	bool traces;                 /* what threads wait for can be read */
	bool others;                 /* those that are looked at are not of the server's tree */
	bool full;                   /* no memory */
	const struct process_stat *running; /* all processes */
	size_t running_count;
};

/* A server may have thousands of listeners. */
static int inodes_make(struct acceptor_search *s, struct err *e)
{
	const struct listeners *l = &s->subject->listeners;
	s->inodes = calloc(l->count + 1, sizeof(*s->inodes));
	if (!s->inodes)
		return err_set(e, ENOMEM, "cannot look at the server's processes: out of memory");
	for (size_t i = 0; i < l->count; i++)
		s->inodes[i] = l->at[i].inode;
	inode_table_sort(s->inodes, l->count, sizeof(*s->inodes));
	return 0;
}

static bool has_inode(const struct acceptor_search *s, uint64_t inode)
{
	return inode_table_find(s->inodes, s->subject->listeners.count, sizeof(*s->inodes), inode);
}

static void number_add(struct numbers *n, const char *fd)
{
	if (n->count < NUMBERS)
		n->at[n->count++] = (unsigned)strtoul(fd, NULL, 10);
}

static bool number_has(const struct numbers *n, uint64_t number)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->at[i] == number)
			return true;
	return false;
}

/* Of a socket that no listener accepted; net/socket.c, sockfs_xattr_get(). */
static bool is_tcp(const struct descriptors *all, const struct descriptor *d)
{
	char path[64], protocol[16] = "";
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", all->directory, d->fd);
	ssize_t n = getxattr(path, "system.sockprotoname", protocol, sizeof(protocol) - 1);
	return n > 0 && !strncmp(protocol, "TCP", 3);
}

static enum kind kind_of(const struct acceptor_search *s, const struct descriptors *all,
			 const struct descriptor *d)
{
	if (!d->socket)
		return OTHER;
	if (has_inode(s, d->socket))
		return LISTENER;
	const struct accepted *a = accepted_sockets_find(&s->accepted, d->socket);
	if (a && a->left && (a->opened || a->own))
		return a->opened ? OPENED_LEFT : LEFT;
	return a ? (a->own ? CLIENT : ACCEPTED) : is_tcp(all, d) ? OPENED : OTHER;
}

static bool is_denied(int error) { return error == EACCES || error == EPERM; }

struct watched {
	const struct acceptor_search *search;
	bool any;
};

static void watched_seen(uint64_t inode, void *arg)
{
	struct watched *w = arg;
	w->any |= has_inode(w->search, inode);
}

/* Those up to `first`, of each kind; notes the numbers that show whether it accepts. */
static void low_look(struct acceptor_search *s, int process, struct looked *l,
		     struct descriptors *all, uint64_t kinds[KINDS])
{
	struct descriptor d;
	for (unsigned n = 0; n < s->first && s->descriptors && descriptors_next(all, &d); n++) {
		/* Root without CAP_SYS_PTRACE sees the numbers only. */
		l->veiled |= !d.link[0] && is_denied(errno);
		enum kind kind = kind_of(s, all, &d);
		s->descriptors--;
		kinds[kind]++;
		if (kind == LISTENER)
			number_add(&l->listeners, d.fd);
		/* One that is left shows who accepted it. */
		if (kind == CLIENT || kind == LEFT) {
			struct connection_held *more =
				array_add(&s->held, &s->held_count, sizeof(*more));
			s->full |= !more;
			if (more)
				*more = (struct connection_held){d.socket, s->count};
		}
		if (strcmp(d.link, "anon_inode:[eventpoll]") != 0)
			continue;
		l->at.polls = true;
		if (l->unlisted)
			continue;
		struct watched w = {s, false};
		watched_walk(process, d.fd, watched_seen, &w);
		if (w.any)
			number_add(&l->sets, d.fd);
	}
}

/* Adds an estimate of those beyond, of which some could be looked at. */
static void rest_estimate(struct acceptor_search *s, struct descriptors *all, uint64_t open,
			  uint64_t kinds[KINDS])
{
	struct descriptor d;
	uint64_t seen = 0, of[KINDS] = {0};
	if (open <= s->first)
		return;
	uint64_t rest = open - s->first, step = rest / SAMPLE + 1;
	for (uint64_t n = s->first; n < open && s->descriptors; n += step) {
		if (!descriptors_at(all, (unsigned)n, &d))
			continue;
		s->descriptors--;
		seen++;
		of[kind_of(s, all, &d)]++;
	}
	for (size_t i = 0; i < KINDS && seen; i++)
		kinds[i] += rest * of[i] / seen;
}

/* What a thread waits for, by its line "CALL ARGUMENT …" (proc_pid_syscall(5)). */
static void thread_look(struct looked *l, const char *line)
{
	unsigned long long call, first;
	if (sscanf(line, "%llu %llx", &call, &first) != 2) {
		l->at.may_accept = true; /* "running" */
		return;
	}
	switch (call) {
	case SYS_read:
	case SYS_recvfrom:
	case SYS_recvmsg:
		l->at.reads++;
		break;
#ifdef SYS_accept
	case SYS_accept:
#endif
	case SYS_accept4:
		l->at.accepts |= number_has(&l->listeners, first);
		break;
#ifdef SYS_select
	case SYS_select:
#endif
	case SYS_pselect6: /* the number is above those that it waits for */
		l->at.reads++;
		for (size_t i = 0; i < l->listeners.count; i++)
			l->at.may_accept |= l->listeners.at[i] < first;
		break;
#ifdef SYS_poll
	case SYS_poll:
#endif
	case SYS_ppoll:
		l->at.reads++;
		l->at.may_accept = true;
		break;
	case SYS_io_uring_enter:
		l->at.may_accept = true;
		break;
	case SYS_flock:
#ifdef SYS_fcntl
	case SYS_fcntl:
#endif
#ifdef SYS_semop
	case SYS_semop:
#endif
#ifdef SYS_semtimedop
	case SYS_semtimedop:
#endif
		l->at.locks = true;
		break;
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
	case SYS_epoll_pwait:
		/* Of a set that its parent made, too. */
		l->at.accepts |= number_has(&l->sets, first);
		l->at.may_accept |= l->unlisted;
		break;
	}
}

static void threads_look(struct looked *l, int process)
{
	int fd = process_directory(process, "task");
	CLEAN(close_directory) DIR *threads = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	if (!threads) {
		close_fd(&fd);
		return;
	}
	for (int n = 0; n < THREADS && (entry = readdir(threads));) {
		char path[300], line[256];
		if (entry->d_name[0] == '.')
			continue;
		n++;
		snprintf(path, sizeof(path), "%s/syscall", entry->d_name);
		if (process_file(fd, path, line, sizeof(line)) <= 0) {
			l->at.may_accept = true;
			continue;
		}
		l->at.looked++;
		thread_look(l, line);
	}
}

/* Yama writes each refusal to the kernel log: security/yama/yama_lsm.c. */
static bool may_trace(const struct host *h)
{
	uint64_t scope;
	return host_read_u64(h, "proc/sys/kernel/yama/ptrace_scope", &scope, NULL) || !scope ||
	       (scope < 3 && host_capable(CAP_SYS_PTRACE));
}

/* Whether the set of that number is one that the process got from its parent by fork(). */
static bool is_inherited(const struct acceptor_search *s, const struct looked *l, unsigned set)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct looked *parent = &s->looked[i];
		if (parent->at.p.pid == l->at.parent && number_has(&parent->sets, set))
			return syscall(SYS_kcmp, parent->at.p.pid, l->at.p.pid, KCMP_FILE, set,
				       set) <= 0;
	}
	return false;
}

/* Whether the process, which this user may not look into, is still there: one that exits is not
 * visible either. */
static bool is_alive(int process, const struct process *p)
{
	struct process_stat now;
	return !process_stat_at(process, p->pid, &now, NULL) && now.started == p->started &&
	       !strchr("ZX", p->state) && !strchr("ZX", now.state);
}

static void looked_add(struct acceptor_search *s, const struct looked *l)
{
	struct looked *more = array_add(&s->looked, &s->count, sizeof(*more));
	s->full |= !more;
	if (more)
		*more = *l;
}

/* One of the server's tree may accept, and what it holds is unknown. */
static void veiled_add(struct acceptor_search *s, int process, struct looked *l)
{
	if (s->others || !is_alive(process, &l->at.p))
		return;
	l->veiled = l->at.listens = l->at.may_accept = true;
	looked_add(s, l);
}

/* `each`: the descriptors that a connection takes; 0: one. */
static void kinds_take(struct holder *at, const uint64_t kinds[KINDS], uint64_t each)
{
	uint64_t opened = kinds[OPENED], others = kinds[ACCEPTED], open = kinds[CLIENT] + others;
	uint64_t left = kinds[LEFT] + kinds[OPENED_LEFT];
	at->listens = kinds[LISTENER];
	at->accepted = open + kinds[LEFT];
	at->left = kinds[LEFT];
	at->others = others;
	at->held =
		acceptors_held(kinds[OTHER], open, each) + kinds[LISTENER] + others + opened + left;
	at->upstream = opened > others ? opened - others : 0;
	at->opened = opened + kinds[OPENED_LEFT];
}

static void holder_look(struct acceptor_search *s, int process, const struct process_stat *stat)
{
	struct looked l = {.at.parent = stat->parent};
	uint64_t kinds[KINDS] = {0};
	CLEAN(descriptors_close) struct descriptors all = {.directory = -1};
	if (process_read_at(process, stat->pid, &l.at.p, NULL) < 0 ||
	    l.at.p.started != stat->started)
		return;
	size_t held = s->held_count;
	int opened = descriptors_open(&all, process);
	l.unlisted = !may_list_watched(&l.at.p);
	if (!opened)
		low_look(s, process, &l, &all, kinds);
	if (l.veiled || opened) {
		s->held_count = held;
		if (l.veiled || is_denied(-opened))
			veiled_add(s, process, &l);
		return;
	}
	rest_estimate(s, &all, l.at.p.open, kinds);
	if (!kinds[LISTENER] && !kinds[CLIENT] && !kinds[LEFT])
		return;
	const struct server_row *row = subject_row(s->subject);
	kinds_take(&l.at, kinds, row ? row->files_per_client : 0);
	l.at.accepts = l.at.p.wait == WAIT_ACCEPT;
	if (s->traces)
		threads_look(&l, process);
	else
		l.at.may_accept = true;
	/* It is not visible which of its sets has the listener. */
	l.at.may_accept |= l.unlisted && l.at.listens && l.at.polls;
	looked_add(s, &l);
}

/* Whether a process that is not of the server's tree holds a listener. */
static bool holds_listener(struct acceptor_search *s, int process)
{
	CLEAN(descriptors_close) struct descriptors all = {.directory = -1};
	struct descriptor d;
	if (descriptors_open(&all, process) < 0)
		return false;
	for (unsigned n = 0; n < LOW && s->descriptors && descriptors_next(&all, &d); n++) {
		s->descriptors--;
		if (has_inode(s, d.socket))
			return true;
	}
	return false;
}

static int age_order(const void *a, const void *b)
{
	const struct process_stat *x = a, *y = b;
	return x->started != y->started ? ORDER(x->started, y->started) : ORDER(x->pid, y->pid);
}

static int held_order(const void *a, const void *b)
{
	const struct connection_held *x = a, *y = b;
	return x->inode != y->inode ? ORDER(x->inode, y->inode) : ORDER(x->holder, y->holder);
}

/* Of processes with the same connection the first one has it: `looked` is by age. */
static void held_count(struct acceptor_search *s)
{
	if (s->held_count)
		qsort(s->held, s->held_count, sizeof(*s->held), held_order);
	for (size_t i = 0; i < s->held_count; i++)
		if ((!i || s->held[i].inode != s->held[i - 1].inode) &&
		    s->held[i].holder < s->count)
			s->looked[s->held[i].holder].at.clients++;
}

/* Those of its tree first: what the others have does not age the list of connections. */
static void holders_look(struct acceptor_search *s, const struct process_stat *all, size_t count,
			 bool (*member)(pid_t pid, void *arg), void *arg)
{
	free(s->accepted.at);
	accepted_sockets_read(s->host, &s->subject->listeners, &s->accepted);
	for (int others = 0; others < 2; others++) {
		s->descriptors = others ? OTHERS : ALL;
		s->others = others;
		for (size_t i = 0; i < count; i++) {
			bool own = member(all[i].pid, arg);
			CLEAN(close_fd)
			int process = own != others ? process_open(s->host, all[i].pid, NULL) : -1;
			if (process >= 0 && (own || holds_listener(s, process)))
				holder_look(s, process, &all[i]);
		}
		s->cut |= !others && !s->descriptors;
	}
	for (size_t i = 0; i < s->count; i++)
		for (size_t k = 0; k < s->looked[i].sets.count; k++)
			s->looked[i].at.accepts |=
				!is_inherited(s, &s->looked[i], s->looked[i].sets.at[k]);
	held_count(s);
}

static void described(struct subject *out, const struct holder *h)
{
	struct process *more = array_add(&out->acceptors, &out->acceptor_count, sizeof(*more));
	if (more)
		*more = h->p;
	if (!out->accepting++ || h->p.soft < out->soft) {
		out->soft = h->p.soft;
		out->hard = h->p.hard;
		out->limited = h->p.pid;
	}
	if (!out->oldest || h->p.started < out->oldest)
		out->oldest = h->p.started;
	if (h->p.started > out->newest)
		out->newest = h->p.started;
	out->turns |= h->listens && h->polls && !h->accepts && !h->may_accept;
	out->opened += h->upstream;
	if (h->accepted + h->opened > out->fullest.accepted + out->fullest.opened)
		out->fullest =
			(struct subject_fullest){h->p.pid, h->p.open, h->accepted, h->opened};
	if (h->held > out->held) {
		out->held = h->held;
		out->upstream = h->upstream;
	}
}

static int chosen_describe(const struct acceptor_search *s, struct subject *out, struct err *e)
{
	CLEAN(free_pointer) struct holder *all = calloc(s->count + 1, sizeof(*all));
	if (!all || s->full)
		return err_set(e, ENOMEM, "cannot look at the server's processes: out of memory");
	for (size_t i = 0; i < s->count; i++)
		all[i] = s->looked[i].at;
	const struct server_row *row = subject_row(out);
	/* Of a known server the catalogue says it. */
	bool known = subject_server_row(out);
	out->forks = !known && acceptors_fork(all, s->count);
	out->threaded = !known && acceptors_thread(all, s->count, row);
	out->drained = acceptors_drained(all, s->count);
	out->handing = acceptors_hand(all, s->count);
	out->may_hand =
		row && row->hands_over && !out->handing &&
		acceptors_have_child(all, s->count, s->running, s->running_count, row->process);
	size_t count = acceptors_choose(all, s->count, &out->unshown, &out->in_turns);
	out->turns = out->in_turns;
	for (size_t i = 0; i < count; i++)
		described(out, &all[i]);
	for (size_t i = 0; i < s->count; i++)
		out->veiled += s->looked[i].veiled;
	out->unshown |= out->veiled;
	if (out->veiled)
		out->held = out->upstream = out->opened = 0;
	return 0;
}

int acceptors_find(const struct host *h, bool (*member)(pid_t pid, void *arg), void *arg,
		   struct subject *out, struct err *e)
{
	static const unsigned firsts[] = {FIRST, ONE};
	struct acceptor_search s = {.host = h, .subject = out, .traces = may_trace(h)};
	CLEAN(free_pointer) struct process_stat *all = NULL;
	size_t count;
	int rc = process_list(h, &all, &count, e);
	if (rc || (rc = inodes_make(&s, e)))
		return rc;
	qsort(all, count, sizeof(*all), age_order);
	s.running = all;
	s.running_count = count;
	for (size_t i = 0; i < 2 && !s.count && !s.full; i++) {
		s.first = firsts[i];
		holders_look(&s, all, count, member, arg);
	}
	if (s.cut) { /* one of those that were left out may have a lower limit */
		out->soft = out->hard = 0;
		out->limited = 0;
	} else {
		rc = chosen_describe(&s, out, e);
	}
	free(s.accepted.at);
	free(s.looked);
	free(s.inodes);
	free(s.held);
	return rc;
}
