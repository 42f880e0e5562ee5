/* Finds the server that the operator names: by process, unit or address. */
#include "epolltune/subject.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue/server_command.h"
#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/ports.h"
#include "host/acceptors.h"
#include "host/machine.h"
#include "host/processes.h"
#include "host/subject_search.h"

static bool any_listener(const struct listener *l, void *unused) { return true; }

/* "nginx (pid 812) on 0.0.0.0:80; nginx (pid 990) on …" */
static int several(const struct server_query *q, char list[CANDIDATES][CANDIDATE], size_t count,
		   struct err *e)
{
	static const char end[] = " and 99999 more; give a pid or an address";
	size_t named = 0;
	err_set(e, ENOTUNIQ, "--server %s: several servers: ", q->who);
	while (named < count && named < CANDIDATES &&
	       err_append_before(e, end, "%s%.78s", named ? "; " : "", list[named]))
		named++;
	if (count > named)
		err_append(e, " and %zu more", count - named);
	err_append(e, "; give a pid or an address");
	return -ENOTUNIQ;
}

/* Without their owners, listeners of one user at several addresses may be several servers; 0.0.0.0
 * and [::] are one. */
static bool hidden_agree(const struct listener *a, const struct listener *b)
{
	return a->uid == b->uid &&
	       (listener_shares_arrivals(a, b) ||
		(a->device == b->device && listener_is_wild(a) && listener_is_wild(b)));
}

static int hidden_check(const struct listeners *l, const struct server_query *q, struct err *e)
{
	char list[CANDIDATES][CANDIDATE];
	const struct listener *first = NULL;
	for (size_t i = 0; i < l->count; i++) {
		const struct listener *at = &l->at[i];
		if (at->owner >= 0)
			return 0;
		first = first ? first : at;
		if (hidden_agree(first, at))
			continue;
		snprintf(list[0], CANDIDATE, "%s", first->address);
		snprintf(list[1], CANDIDATE, "%s", at->address);
		return several(q, list, 2, e);
	}
	return 0;
}

static pid_t root_of(const struct listeners *l, const struct listener *at)
{
	return at->owner < 0 ? 0 : l->processes[at->owner].root;
}

/* Whether two listeners are of one server: of one tree, or of those that share an address by
 * SO_REUSEPORT, which need no common ancestor. */
static bool one_server(const struct listeners *l, const struct listener *a,
		       const struct listener *b)
{
	return root_of(l, a) == root_of(l, b) || listener_shares_arrivals(a, b);
}

/* Marks those that are of one server with the first, directly or by others. */
static void server_mark(const struct listeners *l, bool *mine)
{
	bool more = l->count;
	mine[0] = true;
	while (more) {
		more = false;
		for (size_t i = 0; i < l->count; i++)
			for (size_t k = 0; k < l->count && !mine[i]; k++)
				if (mine[k] && one_server(l, &l->at[i], &l->at[k]))
					more = mine[i] = true;
	}
}

/* The owners must be one server. */
static int owners_agree(const struct listeners *l, const struct server_query *q, struct err *e)
{
	char list[CANDIDATES][CANDIDATE];
	pid_t roots[CANDIDATES + 1];
	size_t count = 0;
	CLEAN(free_pointer) bool *mine = calloc(l->count + 1, sizeof(*mine));
	if (!mine)
		return err_set(e, ENOMEM, "cannot find the server: out of memory");
	server_mark(l, mine);
	for (size_t i = 0; i < l->count && count <= CANDIDATES; i++) {
		pid_t root = root_of(l, &l->at[i]);
		bool known = !root || (count && mine[i]);
		for (size_t k = 0; k < count; k++)
			known |= roots[k] == root;
		if (known)
			continue;
		if (count < CANDIDATES)
			listener_name(l, &l->at[i], list[count], CANDIDATE);
		roots[count++] = root;
	}
	return count > 1 ? several(q, list, count, e) : 0;
}

/* Where the kernel forwards the clients of all that listens past it, that has nothing to judge. */
static int bypass_check(const struct listeners *l, const struct server_query *q, struct err *e)
{
	const struct forwarder_row *row = NULL;
	const struct process *first = NULL;
	const struct listener *held = NULL;
	for (size_t i = 0; i < l->count; i++) {
		const struct listener *at = &l->at[i];
		if (at->owner < 0 || !at->port)
			continue;
		row = forwarder_row_find(l->processes[at->owner].name, at->port);
		if (!row || !row->bypassed || (row->copies_local && listener_on_loopback(at)))
			return 0;
		held = held ? held : at;
		first = first ? first : &l->processes[at->owner];
	}
	if (!first)
		return 0;
	int rc = err_set(
		e, EREMOTE,
		"--server %s: %s (pid %d) only holds the published port %s, and the kernel forwards "
		"clients of other hosts past it",
		q->who, first->name, (int)first->pid, held->address);
	err_remedy(e, "give the pid of the server behind it, as of: %s", row->pid);
	return rc;
}

static int find_by_listener(const struct host *h, const struct server_query *q, struct subject *out,
			    struct err *e)
{
	struct listeners *l = &out->listeners;
	int rc = server_query_keep(l, q, e);
	if (!rc)
		rc = listeners_own(h, l, any_listener, NULL, e);
	if (!rc)
		rc = hidden_check(l, q, e);
	if (!rc)
		rc = bypass_check(l, q, e);
	return rc ? rc : owners_agree(l, q, e);
}

/* Names the processes that listen here, for an operator who has mistyped one: "nginx, redis". */
static void listening_name(const struct subject_search *s, char *text, size_t size)
{
	struct listeners *l = s->all;
	size_t used = 0, named = 0;
	listeners_own(s->host, l, any_listener, NULL, NULL);
	text[0] = 0;
	for (size_t i = 0; i < l->process_count && named < CANDIDATES && used < size; i++) {
		bool known = false;
		for (size_t k = 0; k < i; k++)
			known |= !strcmp(l->processes[k].name, l->processes[i].name);
		if (known)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%s", named++ ? ", " : "",
					 l->processes[i].name);
	}
}

static int no_process(const struct subject_search *s, struct err *e)
{
	const struct server_query *q = s->query;
	char names[160];
	if (q->kind == BY_UNIT)
		return err_set(e, ESRCH, "--server %s: no process runs in this unit", q->who);
	int rc = err_set(e, ESRCH, "--server %s: no such process", q->who);
	if (q->kind == BY_PID) {
		if (q->pid <= UINT16_MAX)
			err_remedy(e, "for a port write :%d", (int)q->pid);
		return rc;
	}
	listening_name(s, names, sizeof(names));
	if (names[0])
		err_remedy(e, "processes that listen here: %s", names);
	return rc;
}

static bool member_holds(const struct member *m) { return m->holds; }
static bool member_elsewhere(const struct member *m) { return m->elsewhere; }
static bool member_denied(const struct member *m) { return m->denied; }

static int no_listener(const struct subject_search *s, struct subject *out, struct err *e)
{
	char list[CANDIDATES][CANDIDATE];
	size_t count;
	const struct member *m = subject_search_trees(s, member_elsewhere, &count, list);
	if (count > 1)
		return several(s->query, list, count, e);
	if (m) {
		out->pid = m->pid;
		return err_set(e, EXDEV, "%s (pid %d) is in another network namespace", m->name,
			       (int)m->root);
	}
	m = subject_search_trees(s, member_denied, &count, list);
	if (m) {
		int rc = err_set(e, EACCES,
				 "the descriptors of %s (pid %d) are not visible to this user",
				 m->name, (int)m->root);
		err_remedy(
			e,
			"run the check as root (with CAP_SYS_PTRACE), or give the address: --server :PORT");
		return rc;
	}
	if (s->cut) {
		int rc = err_set(e, E2BIG,
				 "%s (pid %d) has no listener among the first %d descriptors",
				 s->members[0].name, (int)s->members[0].root, SUBJECT_DESCRIPTORS);
		err_remedy(e, "give the address: --server :PORT");
		return rc;
	}
	return err_set(e, ENOENT,
		       "%s (pid %d) has no TCP, UNIX or UDP listener in this network "
		       "namespace",
		       s->members[0].name, (int)s->members[0].root);
}

static int find_by_process(struct subject_search *s, struct subject *out, struct err *e)
{
	char list[CANDIDATES + 1][CANDIDATE];
	size_t count, others;
	int rc = subject_search_members(s, e);
	if (rc)
		return rc;
	if (!s->count)
		return no_process(s, e);
	subject_search_look(s);
	subject_search_trees(s, member_holds, &count, list);
	if (!count)
		return no_listener(s, out, e);
	if (count > 1) {
		subject_search_name(s, list);
		return several(s->query, list, count, e);
	}
	const struct member *other = subject_search_trees(s, member_elsewhere, &others, list + 1);
	if (other) {
		subject_search_name(s, list);
		for (size_t i = 1; i <= others && i < CANDIDATES; i++)
			strncat(list[i], " in another network namespace",
				CANDIDATE - strlen(list[i]) - 1);
		return several(s->query, list, others + 1, e);
	}
	subject_search_keep(s);
	rc = listeners_own(s->host, s->all, any_listener, NULL, e);
	if (!rc && s->all->cut)
		rc = subject_search_own(s, e);
	return rc ? rc : bypass_check(s->all, s->query, e);
}

/* A server that an interpreter runs. */
static void program_read(const struct host *h, struct subject *out, pid_t pid)
{
	CLEAN(free_pointer) struct server_command *c = malloc(sizeof(*c));
	CLEAN(free_pointer) char *text = NULL;
	char path[64];
	snprintf(path, sizeof(path), "proc/%d/cmdline", (int)pid);
	if (!c || out->program[0] || server_row_find(out->name) ||
	    host_read_strings(h, path, &text, NULL) < 0)
		return;
	server_command_split(text, NULL, c);
	server_script_name(c, out->program, sizeof(out->program));
}

/* The first process of the tree. */
static void root_describe(const struct host *h, struct subject *out, pid_t pid)
{
	struct process p;
	if (process_read(h, pid, &p, NULL) < 0)
		return;
	out->pid = pid;
	out->started = p.started;
	snprintf(out->name, sizeof(out->name), "%s", p.name);
	snprintf(out->unit, sizeof(out->unit), "%s", p.unit);
	out->manager = p.manager;
	/* The limits of the service are those of its unit, not of the systemd that holds its
	 * socket. They are readable for other users too. */
	out->activated = !strcmp(p.name, "systemd");
	out->soft = out->activated ? 0 : p.soft;
	out->hard = out->activated ? 0 : p.hard;
	out->limited = out->activated ? 0 : pid;
}

/* The tree of which the server is described: of a socket that several trees hold, that of the
 * process which the operator names. */
static pid_t root_described(const struct subject_search *s, const struct process *owner)
{
	for (size_t i = 0; s->query->kind == BY_PID && i < s->count; i++)
		if (s->members[i].pid == s->query->pid && s->members[i].holds)
			return s->members[i].root;
	return owner->root;
}

static int subject_describe(struct subject_search *s, struct subject *out, struct err *e)
{
	const struct listeners *l = &out->listeners;
	int owner = -1;
	for (size_t i = 0; i < l->count && owner < 0; i++)
		owner = l->at[i].owner;
	if (owner < 0)
		return 0;
	root_describe(s->host, out, root_described(s, &l->processes[owner]));
	/* The first process may only start it, by an interpreter, too. */
	program_read(s->host, out, out->pid);
	program_read(s->host, out, l->processes[owner].pid);
	if (!s->members) {
		int rc = subject_search_members(s, e);
		if (rc || !s->count)
			return rc;
	}
	return out->activated ? 0 : acceptors_find(s->host, subject_search_has, s, out, e);
}

/* Among the listeners of `out`. */
static int find_in(const struct host *h, const struct server_query *q, bool here_only, bool udp,
		   struct subject *out, struct err *e)
{
	struct subject_search s = {
		.host = h, .query = q, .all = &out->listeners, .here_only = here_only, .udp = udp};
	int rc = subject_search_make(&s, e);
	if (!rc)
		rc = q->kind == BY_ADDRESS || q->kind == BY_PATH ? find_by_listener(h, q, out, e)
								 : find_by_process(&s, out, e);
	if (!rc)
		rc = subject_describe(&s, out, e);
	if (s.cut)
		out->cut = udp ? 1u << LISTENER_UDP : 1u << LISTENER_TCP | 1u << LISTENER_UNIX;
	subject_search_free(&s);
	return rc;
}

/* Of TCP and UNIX sockets, or of another kind. */
static int find_among(const struct host *h, const struct server_query *q, bool here_only,
		      enum listener_kind kind, struct subject *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	int rc = kind == LISTENER_UDP        ? listeners_read_udp(h, false, &out->listeners, e)
		 : kind == LISTENER_VSOCK    ? listeners_read_vsock(h, &out->listeners, e)
		 : kind == LISTENER_DATAGRAM ? listeners_read_datagram(h, &out->listeners, e)
					     : listeners_read(h, &out->listeners, e);
	return rc ? rc : find_in(h, q, here_only, kind == LISTENER_UDP, out, e);
}

/* A UNIX datagram socket that is asked for, or the only kind of the server that is. That of a path
 * is named without its owner, which may not be visible. */
static bool datagram_find(const struct host *h, const struct server_query *q, struct subject *out)
{
	if (q->kind != BY_PATH)
		return !find_among(h, q, true, LISTENER_DATAGRAM, out, NULL);
	*out = (struct subject){0};
	return !listeners_read_datagram(h, &out->listeners, NULL) &&
	       !server_query_keep(&out->listeners, q, NULL);
}

static int datagram_refuse(const struct host *h, const struct server_query *q, const char *address,
			   struct err *e)
{
	uint64_t length;
	char queue[48] = "";
	if (!host_read_u64(h, "proc/sys/net/unix/max_dgram_qlen", &length, NULL))
		snprintf(queue, sizeof(queue), " = %" PRIu64 " for new ones", length);
	return err_set(e, EOPNOTSUPP,
		       "--server %s: %s is a UNIX datagram socket, and epolltune does not check "
		       "those; the limit of its queue is net.unix.max_dgram_qlen%s",
		       q->who, address, queue);
}

/* A server that listens at what is not checked, or at what this kernel cannot list. Otherwise the
 * error `rc` remains: it has no listener. */
static int unchecked(const struct host *h, const struct server_query *q, unsigned unlisted, int rc,
		     struct err *e)
{
	CLEAN(subject_free) struct subject other = {0};
	CLEAN(subject_free) struct subject datagram = {0};
	if (q->kind == BY_ADDRESS)
		unlisted &= ~(1u << LISTENER_UNIX);
	if (q->kind == BY_PATH)
		unlisted &= ~(1u << LISTENER_UDP);
	else if (q->kind != BY_ADDRESS && !find_among(h, q, true, LISTENER_VSOCK, &other, NULL))
		return err_set(e, EOPNOTSUPP,
			       "--server %s: %s (pid %d) listens at %s only, and epolltune does "
			       "not check vsock",
			       q->who, other.name, (int)other.pid, other.listeners.at[0].address);
	if (q->kind != BY_ADDRESS && datagram_find(h, q, &datagram))
		return datagram_refuse(h, q, datagram.listeners.at[0].address, e);
	if (!unlisted)
		return rc;
	return err_set(e, EOPNOTSUPP,
		       "--server %s: nothing known listens there, but this kernel cannot list %s",
		       q->who, listeners_unlisted(unlisted));
}

int subject_among(const struct host *h, struct listeners *l, const char *who, struct subject *out,
		  struct err *e)
{
	struct server_query q;
	*out = (struct subject){.listeners = *l};
	*l = (struct listeners){0};
	int rc = server_query_make(who, &q, e);
	return rc ? rc : find_in(h, &q, true, false, out, e);
}

/* Whether a process is one of the server's. What systemd holds is of any service. */
static bool is_own(const struct server_query *q, const struct subject *s, const struct process *p)
{
	bool in_unit = q->kind == BY_UNIT && !strcmp(p->unit, q->who) && p->manager == s->manager;
	return !s->activated && (in_unit || subject_has_root(s, p->root));
}

/* Adds the UDP sockets of a server that was found by its other listeners: those that receive at the
 * address in question, of any process, or else those of its processes. */
static int datagrams_add(const struct host *h, const struct server_query *q, struct subject *s,
			 struct err *e)
{
	CLEAN(listeners_free) struct listeners udp = {0};
	size_t kept = 0;
	bool ownerless = false;
	if (listeners_read_udp(h, false, &udp, NULL)) {
		s->listeners.unlisted |= 1u << LISTENER_UDP;
		return 0;
	}
	bool named = q->kind == BY_ADDRESS && !server_query_keep(&udp, q, NULL);
	int rc = listeners_own(h, &udp, any_listener, NULL, e);
	if (!rc && udp.cut && s->pid)
		rc = subject_search_own_tree(h, s->pid, &udp, e);
	s->cut |= (unsigned)(udp.cut && !named) << LISTENER_UDP;
	for (size_t i = 0; i < udp.count; i++) {
		int owner = udp.at[i].owner;
		ownerless |= owner < 0;
		if (named || (owner >= 0 && is_own(q, s, &udp.processes[owner])))
			udp.at[kept++] = udp.at[i];
	}
	udp.count = kept;
	s->ownerless = !kept && (s->activated || (ownerless && (!s->pid || udp.hidden)));
	return rc ? rc : listeners_join(&s->listeners, &udp, e);
}

/* Of an address all sockets are those that the operator means. */
static void set_aside(const struct host *h, const struct server_query *q, struct subject *s)
{
	struct port_set ephemeral;
	if (q->kind == BY_ADDRESS || q->kind == BY_PATH)
		return;
	host_ephemeral_ports(h, &ephemeral);
	subject_set_aside(s, &ephemeral);
}

int subject_find(const struct host *h, const char *who, bool here_only, struct subject *out,
		 struct err *e)
{
	struct server_query q;
	struct err unfound = {0};
	memset(out, 0, sizeof(*out));
	int rc = server_query_make(who, &q, e);
	if (rc)
		return rc;
	rc = find_among(h, &q, here_only, LISTENER_TCP, out, e);
	if (!rc)
		rc = datagrams_add(h, &q, out, e);
	if (!rc) {
		set_aside(h, &q, out);
		subject_paused_read(h, out);
		return 0;
	}
	unsigned unlisted = out->listeners.unlisted;
	if (rc != -ENOENT)
		return rc;
	if (q.kind == BY_PATH)
		return unchecked(h, &q, unlisted, rc, e);
	subject_free(out);
	int found = find_among(h, &q, here_only, LISTENER_UDP, out, &unfound);
	if (found == -EOPNOTSUPP && h->live)
		unlisted |= 1u << LISTENER_UDP;
	if (found == -ENOENT || found == -EOPNOTSUPP)
		return unchecked(h, &q, unlisted, rc, e);
	if (!found)
		set_aside(h, &q, out);
	if (e)
		*e = unfound;
	return found;
}

void subject_free(struct subject *s)
{
	listeners_free(&s->listeners);
	free(s->acceptors);
	s->acceptors = NULL;
	s->acceptor_count = 0;
}
