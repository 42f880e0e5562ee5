#include "epolltune/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "base/settle.h"
#include "epolltune/cleanup.h"
#include "epolltune/clock.h"
#include "epolltune/list.h"
#include "epolltune/listener.h"

/* For the server to listen; when it listens elsewhere only; and to exit after SIGTERM. */
#define LISTEN_MS 10000
#define ELSEWHERE_MS 2000
#define GRACE_MS 2000
#define LOOK_MS 10
/* From the end of a process' connections to that of the process itself, as it is seen here. */
#define END_MS 100
/* With SO_REUSEPORT a server has one for each worker, or several. */
#define LISTENERS_MAX 4096
#define ADDRESSES 200
/* Of what --port names. */
#define WHERE 128
/* Source addresses of its clients: each has the ports of a wide range. */
#define ADDRESSES_FEW 4
#define ADDRESSES_MAX 240
#define PORTS 50000

/* The listeners of the server's host, and the file at the path of its socket. */
struct guest_listeners {
	const char *path; /* NULL: it listens on a port */
	bool there;       /* something is, also a link to nothing */
	ino_t file;       /* 0: none */
	dev_t file_device;
	bool made; /* a listener of the lab has it, or had it: the command made it */
	size_t count;
	struct listener at[LISTENERS_MAX];
};

static void file_look(struct guest_listeners *out)
{
	struct stat st;
	uint64_t file = 0, device = 0;
	bool exact, found = listener_path(out->path, &file, &device, &exact);
	out->made = out->made && found && file == out->file && device == out->file_device;
	out->file = file;
	out->file_device = device;
	out->there = !lstat(out->path, &st);
}

/* Servers also bind another name, and rename it. */
static bool has_file(const struct guest_listeners *all, const struct listener *l)
{
	return l->kind == LISTENER_UNIX && all->file && l->file == (uint32_t)all->file &&
	       l->file_device == all->file_device;
}

static int call_listeners(struct host *h, void *arg, struct err *e)
{
	struct guest_listeners *out = arg;
	CLEAN(listeners_free) struct listeners l = {0};
	int rc = out->path ? listeners_read(h, &l, e) : listeners_read_tcp(h, &l, e);
	out->count = 0;
	if (!rc && l.unlisted)
		rc = err_set(e, EOPNOTSUPP, "--port unix:%s: this kernel cannot list %s", out->path,
			     listeners_unlisted(l.unlisted));
	if (out->path)
		file_look(out);
	if (!rc && l.count > LISTENERS_MAX)
		rc = err_set(e, E2BIG,
			     "--run: the command has %zu listeners, at most %d are supported",
			     l.count, LISTENERS_MAX);
	for (size_t i = 0; !rc && i < l.count; i++)
		out->at[out->count++] = l.at[i];
	for (size_t i = 0; i < out->count; i++)
		if (has_file(out, &out->at[i])) {
			out->made = true;
			snprintf(out->at[i].address, sizeof(out->at[i].address), "unix:%s",
				 out->path);
		}
	return rc;
}

static int look(struct guest *r, struct err *e)
{
	return lab_call(r->lab, LAB_SERVER, call_listeners, r->listeners, e);
}

/* What the server has left at the path of its socket would be in the way of the next one. */
static int call_file_remove(struct host *h, void *arg, struct err *e)
{
	struct guest_listeners *all = arg;
	file_look(all);
	int rc = all->made && unlink(all->path) ? err_errno(e, "--run: %s", all->path) : 0;
	/* The next file there may have its inode number, and be of a server of this host. */
	all->made = false;
	all->file = 0;
	return rc;
}

static int file_remove(struct guest *r, struct err *e)
{
	if (!r->socket || !r->listeners)
		return 0;
	return lab_call(r->lab, LAB_SERVER, call_file_remove, r->listeners, e);
}

/* Whether it is one that --port names. */
static bool is_asked(const struct guest *r, const struct listener *l)
{
	return r->socket ? has_file(r->listeners, l) : l->port == r->port;
}

/* "port 80", "unix:/run/app.sock" */
static const char *where_text(const struct guest *r, char text[WHERE])
{
	if (r->socket)
		snprintf(text, WHERE, "unix:%s", r->socket);
	else
		snprintf(text, WHERE, "port %u", (unsigned)r->port);
	return text;
}

int guest_port_parse(const char *value, void *field, struct err *e)
{
	static const char prefix[] = "unix:";
	const char *path = value + sizeof(prefix) - 1;
	struct guest *r = field;
	char *end;
	bool local = !strncmp(value, prefix, sizeof(prefix) - 1);
	r->socket = local ? path : NULL;
	r->port = local ? 0 : strtoul(value, &end, 10);
	if (local &&
	    (path[0] != '/' || strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)))
		return err_set(e, EINVAL,
			       "--port %.200s: not the absolute path of a UNIX socket, of at most "
			       "%zu bytes",
			       value, sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	if (!local && (!value[0] || strspn(value, "0123456789") != strlen(value) || !r->port ||
		       r->port > UINT16_MAX))
		return err_set(e, EINVAL, "--port %.40s: not a port from 1 to 65535, or unix:PATH",
			       value);
	return 0;
}

/* Chooses from where clients reach the server; false: it does not listen there. */
static bool way_find(struct guest *r)
{
	bool ipv6 = r->to.any.sa_family == AF_INET6, found = false;
	r->from = LAB_SERVER;
	for (size_t i = 0; i < r->listeners->count; i++) {
		const struct listener *l = &r->listeners->at[i];
		if (!is_asked(r, l))
			continue;
		found = true;
		if (!r->socket && !listener_on_loopback(l))
			r->from = LAB_CLIENT;
	}
	if (r->from == LAB_CLIENT)
		r->to = lab_address(r->lab, LAB_SERVER, 0);
	else
		r->to = ipv6 ? endpoint_ipv6(in6addr_loopback)
			     : endpoint_ipv4((struct in_addr){htonl(INADDR_LOOPBACK)});
	endpoint_set_port(&r->to, (uint16_t)r->port);
	return found;
}

/* Whether each address of `some` on the server's port is one of `all`. */
static bool has_addresses(const struct guest *r, const struct guest_listeners *all,
			  const struct guest_listeners *some)
{
	for (size_t i = 0; i < some->count; i++) {
		bool found = !is_asked(r, &some->at[i]);
		for (size_t k = 0; !found && k < all->count; k++)
			found = !strcmp(some->at[i].address, all->at[k].address);
		if (!found)
			return false;
	}
	return true;
}

/* A server that could bind only some of its addresses may run on for seconds. */
static bool is_like(const struct guest *r)
{
	return !r->like || r->socket ||
	       (has_addresses(r, r->like, r->listeners) && has_addresses(r, r->listeners, r->like));
}

/* "0.0.0.0:81, 0.0.0.0:82"; "" for none. */
static void addresses_name(const struct guest_listeners *all, char text[ADDRESSES])
{
	size_t used = 0;
	text[0] = 0;
	for (size_t i = 0; i < all->count && used < ADDRESSES; i++)
		if (!i || strcmp(all->at[i].address, all->at[i - 1].address))
			used += (size_t)snprintf(text + used, ADDRESSES - used, "%s%s",
						 i ? ", " : "", all->at[i].address);
}

static int unlike(const struct guest *r, struct err *e)
{
	char now[ADDRESSES], before[ADDRESSES];
	addresses_name(r->listeners, now);
	addresses_name(r->like, before);
	return err_set(e, ENOTSUP, "the server listens on %s instead of %s", now, before);
}

void guest_output(const struct guest *r, char text[PROGRAM_OUTPUT])
{
	text[0] = 0;
	if (r->program.part)
		program_output(&r->program, text);
}

static int not_listening(const struct guest *r, struct err *e)
{
	char addresses[ADDRESSES], end[PROGRAM_END], output[PROGRAM_OUTPUT], where[WHERE];
	int status;
	if (!program_lives(&r->program)) {
		err_set(e, ECHILD, "--run: the command %s before it listened on %s",
			program_end_text(&r->program, end), where_text(r, where));
		program_exited(&r->program, &status);
		guest_output(r, output);
		if (strstr(output, strerror(EROFS)) || strstr(output, strerror(ENOSPC)))
			err_remedy(
				e,
				"the host's files are read-only in the lab, except for "
				"copies of /tmp, /run and /var, where 64 MiB may be written; "
				"--writable DIRECTORY lets the command write to one of the host");
		else if (status && geteuid())
			err_remedy(e, "for an ordinary user the lab has one user id: a server that "
				      "changes its user needs root");
		return -ECHILD;
	}
	addresses_name(r->listeners, addresses);
	return err_set(e, ETIMEDOUT, "--run: the command does not listen on %s; it listens on %s",
		       where_text(r, where),
		       addresses[0] ? addresses
		       : r->socket  ? "no TCP port or UNIX socket"
				    : "no TCP port");
}

static int listening_await(struct guest *r, struct err *e)
{
	uint64_t began = clock_ms(), elsewhere = 0;
	for (;;) {
		bool lives = program_lives(&r->program);
		int rc = look(r, e);
		if (rc)
			return rc;
		bool found = way_find(r);
		if (found && is_like(r))
			return 0;
		if (interrupt_came())
			return err_set(e, EINTR, "--run: interrupted");
		uint64_t now = clock_ms();
		elsewhere = r->listeners->count ? (elsewhere ? elsewhere : now) : 0;
		if (!lives || now - began > LISTEN_MS ||
		    (elsewhere && now - elsewhere > ELSEWHERE_MS))
			return found && lives ? unlike(r, e) : not_listening(r, e);
		clock_sleep_ms(LOOK_MS);
	}
}

int guest_restart(struct guest *r, uint64_t nofile, struct err *e)
{
	const struct program_config config = {
		.shell = r->line && r->line->command ? r->line->command : r->command,
		.captured = true,
		.nofile = nofile,
		.grace_ms = GRACE_MS};
	program_end(&r->program);
	r->first = (struct guest_first){0};
	int rc = file_remove(r, e);
	if (!rc)
		rc = program_start(&r->program, r->lab, LAB_COMMAND, &config, e);
	return rc ? rc : listening_await(r, e);
}

/* What is there before the command starts is not its own: a server of this host may use it. */
static int path_check(struct guest *r, struct err *e)
{
	int rc = r->socket ? look(r, e) : 0;
	r->free = !rc && r->socket && !r->listeners->there;
	if (rc || !r->socket || r->free)
		return rc;
	rc = err_set(e, EEXIST, "--run: %s exists before the command starts", r->socket);
	err_remedy(e, "choose another path, or remove what a server has left there");
	return rc;
}

/* In a new lab with the options `wire`, and those that all have. */
static int open_in(struct guest *r, const struct host *calling, struct err *e)
{
	struct lab_options options = r->wire;
	char host[ENDPOINT_TEXT] = "localhost";
	options.wide_ports = options.files = options.command = true;
	options.directories = r->directories;
	options.socket = r->socket;
	options.overlays = r->line ? r->line->file : NULL;
	options.overlay_count = r->line ? r->line->file_count : 0;
	int rc = lab_open(&r->lab, &options, calling, e);
	if (rc)
		return err_prefix(e, "--run");
	r->to = lab_address(r->lab, LAB_SERVER, 0);
	endpoint_set_port(&r->to, (uint16_t)r->port);
	if (!r->socket)
		endpoint_format(host, &r->to);
	rc = protocol_request_make(&r->request, r->protocol, host, r->path, false, e);
	if (!rc && !(r->listeners = lab_alloc(r->lab, sizeof(*r->listeners), e)))
		rc = -ENOMEM;
	if (!rc)
		r->listeners->path = r->socket;
	if (!rc)
		rc = path_check(r, e);
	return rc ? rc : guest_restart(r, 0, e);
}

int guest_open(struct guest *r, const struct host *calling, bool ipv6, uint64_t clients,
	       struct err *e)
{
	uint64_t addresses = ADDRESSES_FEW + clients / PORTS;
	r->wire = (struct lab_options){.ipv6 = ipv6,
				       .client_addresses = addresses < ADDRESSES_MAX
								   ? (unsigned)addresses
								   : ADDRESSES_MAX};
	return open_in(r, calling, e);
}

/* The end of the server makes way for that of `other`. */
static void other_begin(struct guest *other, struct guest *near)
{
	guest_end(near);
	*other = *near;
	other->lab = NULL;
	other->program = (struct program){0};
	other->listeners = NULL;
}

int guest_open_far(struct guest *far, struct guest *near, const struct host *calling,
		   const struct lab_options *wire, struct err *e)
{
	other_begin(far, near);
	far->wire = *wire;
	return open_in(far, calling, e);
}

int guest_open_line(struct guest *tried, struct guest *near, const struct host *calling,
		    const struct guest_line *line, struct err *e)
{
	int rc = program_lives(&near->program) ? look(near, e) : 0;
	if (rc)
		return rc;
	other_begin(tried, near);
	tried->like = near->listeners;
	tried->line = line;
	return open_in(tried, calling, e);
}

void guest_end(struct guest *r)
{
	program_end(&r->program);
	/* A process that was killed may have started the last one. */
	lab_clear(r->lab);
	file_remove(r, NULL);
}

void guest_close(struct guest *r)
{
	if (!r->lab)
		return;
	guest_end(r);
	lab_close(r->lab);
	r->lab = NULL;
}

/* Whether it is the socket of no server: one that was killed has left it. */
static bool is_stale(const char *path)
{
	struct stat st;
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	if (lstat(path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	CLEAN(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) && errno == ECONNREFUSED;
}

void guest_socket_remove(const struct guest *r)
{
	struct list_item item;
	for (const char *all = r->directories; r->free && list_next(&all, &item);) {
		size_t length = (size_t)item.length;
		if (!strncmp(item.text, r->socket, length) && r->socket[length] == '/' &&
		    is_stale(r->socket))
			unlink(r->socket);
	}
}

int guest_subject(struct guest *r, const struct host *calling, struct subject *out, struct err *e)
{
	char who[WHERE];
	struct listeners l = {0};
	int rc = look(r, e);
	for (size_t i = 0; !rc && i < r->listeners->count; i++)
		if (is_asked(r, &r->listeners->at[i]))
			rc = listeners_add(&l, &r->listeners->at[i], e);
	*out = (struct subject){0};
	if (rc) {
		listeners_free(&l);
		return rc;
	}
	if (r->socket)
		where_text(r, who);
	else
		snprintf(who, sizeof(who), ":%u", (unsigned)r->port);
	return subject_among(calling, &l, who, out, e);
}

int guest_queue_read(struct guest *r, struct guest_queue *out, struct err *e)
{
	int rc = look(r, e);
	*out = (struct guest_queue){0};
	for (size_t i = 0; !rc && i < r->listeners->count; i++) {
		const struct listener *l = &r->listeners->at[i];
		if (!is_asked(r, l))
			continue;
		out->depth += l->depth;
		out->limit += l->limit;
		if (!out->sockets || l->limit < out->limit_min)
			out->limit_min = l->limit;
		out->drops += l->drops;
		out->sockets++;
	}
	return rc;
}

int guest_check(struct guest *r, struct err *e)
{
	char end[PROGRAM_END], where[WHERE];
	struct guest_queue queue;
	int status;
	clock_sleep_ms(END_MS);
	int rc = guest_queue_read(r, &queue, e);
	if (rc || (program_lives(&r->program) && queue.sockets && is_like(r)))
		return rc;
	if (!program_exited(&r->program, &status))
		return queue.sockets ? unlike(r, e)
				     : err_set(e, ECHILD, "the server no longer listens on %s",
					       where_text(r, where));
	return err_set(e, ECHILD, "the server %s", program_end_text(&r->program, end));
}

int guest_queue_settle(struct guest *r, uint64_t sent, struct guest_queue *out, struct err *e)
{
	struct settle s = {0};
	for (;;) {
		int rc = guest_queue_read(r, out, e);
		if (rc || !settle_waits(&s, out->depth + out->drops, sent))
			return rc;
		clock_sleep_ms(SETTLE_STEP_MS);
	}
}
