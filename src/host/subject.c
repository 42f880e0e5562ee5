/* Finds the server that the operator names: by process, unit or address. */
#include "epolltune/subject.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "host/descriptors.h"
#include "host/machine.h"
#include "host/processes.h"

/* Descriptors to look at: of a process that holds no listener, first and then, and of all. What a
 * server opens at its start has low ones: of those beyond SCAN_HELD all are taken for connections.
 */
#define SCAN_LOW 128
#define SCAN_HELD 1024
#define SCAN_ONE 16384
#define SCAN_ALL 131072
/* Candidates that an error lists. */
#define CANDIDATES 4
#define CANDIDATE 160

/* Of the address of a UNIX listener. */
static const char unix_prefix[] = "unix:";

enum query_kind { BY_PID, BY_UNIT, BY_NAME, BY_ADDRESS, BY_PATH };

struct query {
	enum query_kind kind;
	const char *who;
	const char *path; /* of a UNIX socket, or "@name" */
	pid_t pid;
	uint16_t port;
	char address[INET6_ADDRSTRLEN + 3]; /* as listeners write it, "[::1]"; "": any */
	uint64_t file, file_device;         /* of a path that exists */
};

/* A process that the query names, or one of its tree. */
struct member {
	pid_t pid, root;
	char name[16];
	uint64_t started;
	bool elsewhere; /* in another network namespace */
	bool holds;     /* a listener of this one */
	bool denied;    /* its descriptors are not visible */
};

struct search {
	const struct host *host;
	const struct query *query;
	struct listeners *all; /* of this network namespace */
	bool *held;            /* of each listener, by the tree in question */
	struct member *members;
	size_t count;
	unsigned descriptors; /* that may still be looked at */
	unsigned each;        /* of a process */
};

static bool ends_with(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);
	return n > m && !strcmp(text + n - m, suffix);
}

static bool all_digits(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* The address as inet_ntop(3) writes it. */
static bool address_normal(const char *text, size_t length, char out[INET6_ADDRSTRLEN + 3])
{
	char given[INET6_ADDRSTRLEN + 3], normal[INET6_ADDRSTRLEN];
	struct in6_addr binary;
	bool v6 = length > 2 && text[0] == '[' && text[length - 1] == ']';
	if (length >= sizeof(given))
		return false;
	snprintf(given, sizeof(given), "%.*s", (int)(v6 ? length - 2 : length), text + v6);
	if (inet_pton(v6 ? AF_INET6 : AF_INET, given, &binary) != 1 ||
	    !inet_ntop(v6 ? AF_INET6 : AF_INET, &binary, normal, sizeof(normal)))
		return false;
	snprintf(out, INET6_ADDRSTRLEN + 3, v6 ? "[%s]" : "%s", normal);
	return true;
}

static int query_address(struct query *q, const char *colon, struct err *e)
{
	unsigned long port =
		all_digits(colon + 1) && strlen(colon + 1) <= 5 ? strtoul(colon + 1, NULL, 10) : 0;
	size_t length = (size_t)(colon - q->who);
	q->kind = BY_ADDRESS;
	if (!port || port > UINT16_MAX || (length && !address_normal(q->who, length, q->address)))
		return err_set(e, EINVAL,
			       "--server %s: not :PORT, ADDRESS:PORT or [ADDRESS]:PORT with a port "
			       "from 1 to 65535",
			       q->who);
	q->port = (uint16_t)port;
	return 0;
}

static int query_make(const char *who, struct query *q, struct err *e)
{
	struct stat st;
	const char *colon = strrchr(who, ':');
	*q = (struct query){.kind = BY_NAME, .who = who};
	if (!*who)
		return err_set(e, EINVAL, "--server needs a pid, unit, address or name");
	if (!strncmp(who, unix_prefix, sizeof(unix_prefix) - 1) || who[0] == '/') {
		q->kind = BY_PATH;
		q->path = who[0] == '/' ? who : who + sizeof(unix_prefix) - 1;
		if (q->path[0] == '/' && !stat(q->path, &st)) {
			q->file = st.st_ino;
			q->file_device = st.st_dev;
		}
	} else if (all_digits(who)) {
		char *end;
		unsigned long pid = strtoul(who, &end, 10);
		q->kind = BY_PID;
		if (!pid || pid > INT32_MAX)
			return err_set(e, EINVAL, "--server %s: not a pid", who);
		q->pid = (pid_t)pid;
	} else if (colon) {
		return query_address(q, colon, e);
	} else if (ends_with(who, ".service") || ends_with(who, ".scope")) {
		q->kind = BY_UNIT;
	}
	return 0;
}

static bool listener_asked(const struct query *q, const struct listener *l, const char *address)
{
	char name[sizeof(l->address)];
	if (q->kind == BY_PATH)
		return l->kind == LISTENER_UNIX &&
		       (!strcmp(l->address + sizeof(unix_prefix) - 1, q->path) ||
			(q->file && l->file == q->file && l->file_device == q->file_device));
	if (l->kind != LISTENER_TCP || l->port != q->port)
		return false;
	snprintf(name, sizeof(name), "%s:%u", address, q->port);
	return !*address || !strcmp(l->address, name);
}

static size_t keep_asked(struct listeners *l, const struct query *q, const char *address)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->count; i++)
		kept += listener_asked(q, &l->at[i], address);
	if (!kept)
		return 0;
	kept = 0;
	for (size_t i = 0; i < l->count; i++)
		if (listener_asked(q, &l->at[i], address))
			l->at[kept++] = l->at[i];
	return l->count = kept;
}

/* Those of the address itself, otherwise those of all addresses, which receive for it. */
static int keep_address(struct listeners *l, const struct query *q, struct err *e)
{
	if (keep_asked(l, q, q->address))
		return 0;
	if (q->address[0] && q->address[0] != '[' && keep_asked(l, q, "0.0.0.0"))
		return 0;
	if (q->address[0] && keep_asked(l, q, "[::]"))
		return 0;
	return err_set(e, ENOENT,
		       "--server %s: nothing listens there in this network namespace; for another "
		       "one add --netns PATH or --netns PID",
		       q->who);
}

static bool any_listener(const struct listener *l, void *unused)
{
	(void)l;
	(void)unused;
	return true;
}

/* "nginx (pid 812) on 0.0.0.0:80; nginx (pid 990) on …" */
static int several(const struct query *q, char list[CANDIDATES][CANDIDATE], size_t count,
		   struct err *e)
{
	char text[360] = "";
	size_t used = 0;
	for (size_t i = 0; i < count && i < CANDIDATES && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.78s", i ? "; " : "",
					 list[i]);
	if (count > CANDIDATES && used < sizeof(text))
		snprintf(text + used, sizeof(text) - used, " and %zu more", count - CANDIDATES);
	return err_set(e, ENOTUNIQ, "--server %s: several servers: %s; give a pid or an address",
		       q->who, text);
}

/* The owners must be of one tree. */
static int owners_agree(const struct listeners *l, const struct query *q, struct err *e)
{
	char list[CANDIDATES][CANDIDATE];
	pid_t roots[CANDIDATES + 1];
	size_t count = 0;
	for (size_t i = 0; i < l->count && count <= CANDIDATES; i++) {
		pid_t root = l->at[i].owner < 0 ? 0 : l->processes[l->at[i].owner].root;
		bool known = !root;
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

static int find_by_listener(const struct host *h, const struct query *q, struct subject *out,
			    struct err *e)
{
	struct listeners *l = &out->listeners;
	int rc = keep_address(l, q, e);
	if (!rc)
		rc = listeners_own(h, l, any_listener, NULL, e);
	return rc ? rc : owners_agree(l, q, e);
}

static const struct process_stat *stat_find(const struct process_stat *all, size_t count, pid_t pid)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (all[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && all[low].pid == pid ? &all[low] : NULL;
}

/* The topmost ancestor of the same name. */
static pid_t root_find(const struct process_stat *all, size_t count, const struct process_stat *p)
{
	const struct process_stat *above;
	for (size_t depth = 0; depth < count; depth++) {
		above = p->parent > 1 ? stat_find(all, count, p->parent) : NULL;
		if (!above || strcmp(above->name, p->name) != 0)
			break;
		p = above;
	}
	return p->pid;
}

static bool process_asked(const struct search *s, const struct process_stat *p)
{
	const struct query *q = s->query;
	char unit[64];
	if (q->kind == BY_PID)
		return p->pid == q->pid;
	if (q->kind == BY_NAME)
		return server_named(q->who, p->name);
	CLEAN(close_fd) int process = process_open(s->host, p->pid, NULL);
	if (process < 0)
		return false;
	process_unit(process, unit, sizeof(unit));
	return !strcmp(unit, q->who);
}

/* Looks at the descriptors of a process: whether it holds one of the listeners, which it marks, and
 * how many it holds that are no connections. False: they are not visible. */
static bool descriptors_look(struct search *s, int process, struct listeners *l, bool *marks,
			     bool *holds, uint64_t *held)
{
	CLEAN(descriptors_close) struct descriptors all;
	struct descriptor d;
	bool visible = true; /* root without CAP_SYS_PTRACE sees the numbers, not the links */
	*holds = false;
	*held = 0;
	if (descriptors_open(&all, process) < 0)
		return false;
	for (unsigned n = 0; n < (*holds && s->each < SCAN_HELD ? SCAN_HELD : s->each) &&
			     s->descriptors && descriptors_next(&all, &d);
	     n++) {
		bool other = !d.socket;
		visible = d.link[0];
		s->descriptors--;
		for (size_t i = 0; i < l->count && !other; i++)
			if (l->at[i].inode == d.socket)
				marks[i] = *holds = other = true;
		*held += other;
	}
	return visible;
}

/* Names the processes that listen here, for an operator who has mistyped one: "nginx, redis". */
static void listening_name(const struct search *s, char *text, size_t size)
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

static int no_process(const struct search *s, struct err *e)
{
	const struct query *q = s->query;
	char names[160];
	if (q->kind == BY_UNIT)
		return err_set(e, ESRCH, "--server %s: no process runs in this unit", q->who);
	err_set(e, ESRCH, "--server %s: no such process", q->who);
	if (q->kind == BY_PID)
		return q->pid <= UINT16_MAX ? err_remedy(e, "for a port write :%d", (int)q->pid)
					    : -ESRCH;
	listening_name(s, names, sizeof(names));
	return names[0] ? err_remedy(e, "here listen: %s", names) : -ESRCH;
}

static int members_find(struct search *s, struct err *e)
{
	CLEAN(free_pointer) struct process_stat *all = NULL;
	CLEAN(free_pointer) pid_t *roots = NULL;
	size_t count, root_count = 0;
	int rc = process_list(s->host, &all, &count, e);
	if (rc)
		return rc;
	s->members = calloc(count + 1, sizeof(*s->members));
	roots = calloc(count + 1, sizeof(*roots));
	if (!s->members || !roots)
		return err_set(e, ENOMEM, "cannot list processes: out of memory");
	for (size_t i = 0; i < count; i++)
		if (process_asked(s, &all[i]))
			roots[root_count++] = root_find(all, count, &all[i]);
	for (size_t i = 0; i < count && root_count; i++) {
		pid_t root = root_find(all, count, &all[i]);
		for (size_t k = 0; k < root_count; k++) {
			if (roots[k] != root)
				continue;
			struct member *m = &s->members[s->count++];
			*m = (struct member){
				.pid = all[i].pid, .root = root, .started = all[i].started};
			snprintf(m->name, sizeof(m->name), "%s", all[i].name);
			break;
		}
	}
	return s->count ? 0 : no_process(s, e);
}

static void member_look(struct search *s, struct member *m, uint64_t here)
{
	uint64_t held;
	CLEAN(close_fd) int process = process_open(s->host, m->pid, NULL);
	if (process < 0)
		return;
	uint64_t netns = process_netns(process);
	m->elsewhere = netns && here && netns != here;
	if (!m->elsewhere)
		m->denied = !descriptors_look(s, process, s->all, s->held, &m->holds, &held);
}

static void members_look(struct search *s, uint64_t here)
{
	for (size_t i = 0; i < s->count; i++)
		member_look(s, &s->members[i], here);
}

/* A unit is one server, also with processes of several names. */
static pid_t tree_of(const struct search *s, const struct member *m)
{
	return s->query->kind == BY_UNIT ? s->members[0].root : m->root;
}

static bool member_holds(const struct member *m) { return m->holds; }
static bool member_elsewhere(const struct member *m) { return m->elsewhere; }
static bool member_denied(const struct member *m) { return m->denied; }

/* The first member of the trees of which one is so; *count: of how many. Lists them. */
static const struct member *trees_find(const struct search *s, bool (*is)(const struct member *),
				       size_t *count, char list[CANDIDATES][CANDIDATE])
{
	const struct member *first = NULL;
	*count = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct member *m = &s->members[i];
		bool known = !is(m);
		for (size_t k = 0; k < i && !known; k++)
			known = is(&s->members[k]) && tree_of(s, &s->members[k]) == tree_of(s, m);
		if (known)
			continue;
		if (*count < CANDIDATES)
			snprintf(list[*count], CANDIDATE, "%s (pid %d)", m->name, (int)m->root);
		++*count;
		first = first ? first : m;
	}
	return first;
}

/* Adds to each candidate where it listens. */
static void candidates_name(struct search *s, const struct listeners *all,
			    char list[CANDIDATES][CANDIDATE])
{
	pid_t named[CANDIDATES];
	size_t count = 0;
	for (size_t i = 0; i < s->count && count < CANDIDATES; i++) {
		const struct member *m = &s->members[i];
		bool known = !m->holds, holds;
		uint64_t held;
		for (size_t k = 0; k < count; k++)
			known |= named[k] == tree_of(s, m);
		CLEAN(close_fd) int process = known ? -1 : process_open(s->host, m->pid, NULL);
		if (process < 0)
			continue;
		memset(s->held, 0, all->count * sizeof(*s->held));
		descriptors_look(s, process, s->all, s->held, &holds, &held);
		for (size_t l = 0; l < all->count; l++)
			if (s->held[l]) {
				snprintf(list[count], CANDIDATE, "%s (pid %d) on %s", m->name,
					 (int)m->root, all->at[l].address);
				break;
			}
		named[count++] = tree_of(s, m);
	}
}

static void keep_held(struct listeners *l, const bool *held)
{
	size_t kept = 0;
	for (size_t i = 0; i < l->count; i++)
		if (held[i])
			l->at[kept++] = l->at[i];
	l->count = kept;
}

static int no_listener(const struct search *s, struct subject *out, struct err *e)
{
	char list[CANDIDATES][CANDIDATE];
	size_t count;
	const struct member *m = trees_find(s, member_elsewhere, &count, list);
	if (count > 1)
		return several(s->query, list, count, e);
	if (m) {
		out->pid = m->pid;
		return err_set(e, EXDEV, "%s (pid %d) is in another network namespace", m->name,
			       (int)m->root);
	}
	m = trees_find(s, member_denied, &count, list);
	if (m) {
		err_set(e, EACCES, "the descriptors of %s (pid %d) are not visible to this user",
			m->name, (int)m->root);
		return err_remedy(e, "run the check as root, or give the address: --server :PORT");
	}
	return err_set(e, ENOENT, "%s (pid %d) does not listen in this network namespace",
		       s->members[0].name, (int)s->members[0].root);
}

static int find_by_process(struct search *s, struct subject *out, struct err *e)
{
	char list[CANDIDATES][CANDIDATE];
	size_t count;
	uint64_t here = 0;
	CLEAN(close_fd) int self = process_open(s->host, getpid(), NULL);
	if (self >= 0)
		here = process_netns(self);
	int rc = members_find(s, e);
	if (rc)
		return rc;
	members_look(s, here);
	trees_find(s, member_holds, &count, list);
	if (!count) {
		s->each = SCAN_ONE;
		members_look(s, here);
		trees_find(s, member_holds, &count, list);
	}
	if (!count)
		return no_listener(s, out, e);
	if (count > 1) {
		candidates_name(s, s->all, list);
		return several(s->query, list, count, e);
	}
	keep_held(s->all, s->held);
	return listeners_own(s->host, s->all, any_listener, NULL, e);
}

/* What the processes of the tree that accept may open, and hold besides connections. */
static void accepting_count(struct search *s, struct subject *out, const struct member *m)
{
	struct process p;
	bool holds;
	uint64_t held;
	CLEAN(close_fd) int process = process_open(s->host, m->pid, NULL);
	if (process < 0 || process_read_at(process, m->pid, &p, NULL) < 0 ||
	    p.started != m->started)
		return;
	if (!descriptors_look(s, process, &out->listeners, s->held, &holds, &held) || !holds)
		return;
	if (!out->accepting++ || p.soft < out->soft) {
		out->soft = p.soft;
		out->hard = p.hard;
	}
	if (held > out->held)
		out->held = held;
}

/* A master that has workers does not accept. */
static void accepting_find(struct search *s, struct subject *out)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->members[i].pid != out->pid)
			accepting_count(s, out, &s->members[i]);
	for (size_t i = 0; i < s->count && !out->accepting; i++)
		if (s->members[i].pid == out->pid)
			accepting_count(s, out, &s->members[i]);
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
	/* Readable for other users too. */
	out->soft = p.soft;
	out->hard = p.hard;
}

static int subject_describe(struct search *s, struct subject *out, struct err *e)
{
	const struct listeners *l = &out->listeners;
	struct query by_pid = {.kind = BY_PID, .who = s->query->who};
	int owner = -1;
	for (size_t i = 0; i < l->count && owner < 0; i++)
		owner = l->at[i].owner;
	if (owner < 0)
		return 0;
	by_pid.pid = l->processes[owner].pid;
	root_describe(s->host, out, l->processes[owner].root);
	if (!s->members) {
		s->query = &by_pid;
		int rc = members_find(s, e);
		if (rc)
			return rc == -ESRCH ? 0 : rc;
	}
	accepting_find(s, out);
	return 0;
}

int subject_find(const struct host *h, const char *who, struct subject *out, struct err *e)
{
	struct query q;
	memset(out, 0, sizeof(*out));
	int rc = query_make(who, &q, e);
	if (!rc)
		rc = listeners_read(h, &out->listeners, e);
	if (rc)
		return rc;
	CLEAN(free_pointer) bool *held = calloc(out->listeners.count + 1, sizeof(*held));
	struct search s = {.host = h,
			   .query = &q,
			   .all = &out->listeners,
			   .held = held,
			   .descriptors = SCAN_ALL,
			   .each = SCAN_LOW};
	if (!held)
		return err_set(e, ENOMEM, "cannot find the server: out of memory");
	rc = q.kind == BY_ADDRESS || q.kind == BY_PATH ? find_by_listener(h, &q, out, e)
						       : find_by_process(&s, out, e);
	if (!rc)
		rc = subject_describe(&s, out, e);
	free(s.members);
	return rc;
}

void subject_free(struct subject *s) { listeners_free(&s->listeners); }
