/* Fills a capture from the running machine, without private data. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "epolltune/cleanup.h"
#include "epolltune/subject.h"
#include "host/capture.h"
#include "host/capture_hide.h"
#include "host/listener_file.h"
#include "host/machine.h"

struct filling {
	const struct host *live;
	struct capture_options options;
	struct hiding hiding;
	bool busy; /* it reads of the running machine itself */
};

const struct host *filling_live(const struct host *h)
{
	return h->filling ? h->filling->live : NULL;
}

void filling_free(struct filling *f)
{
	if (f)
		hiding_free(&f->hiding);
	free(f);
}

int capture_fill(struct host **out, struct capture *c, const struct host *live,
		 const struct capture_options *o, struct err *e)
{
	CLEAN(host_closep) struct host *h = machine_make("");
	*out = NULL;
	if (h)
		h->filling = calloc(1, sizeof(*h->filling));
	if (!h || !h->filling)
		return err_set(e, ENOMEM, "capture: out of memory");
	h->files = c;
	h->filling->live = live;
	h->filling->options = *o;
	h->filling->hiding.addresses = o->addresses;
	*out = h;
	h = NULL;
	return 0;
}

/* Adds a file, or that it was left out where there is no room. */
static int put(const struct host *h, const char *path, const struct capture_file *f, struct err *e)
{
	const struct capture_file none = {.error = EFBIG};
	int rc = capture_put(h->files, path, f, e);
	return rc == -E2BIG ? capture_put(h->files, path, &none, e) : rc;
}

#define LIMITS "proc/self/limits"

/* Whether the capture has that file of the server, as its own. */
static bool is_of_server(const struct filling *f, const char *path)
{
	return f->options.server && (!strcmp(path, LIMITS) || !strcmp(path, "proc/self/cgroup"));
}

/* What is there, but not in the capture. Other errors are the kernel's answer, and to another user
 * as well, but for a process: it is hidden, or has ended. */
static void unread_put(const struct host *h, const char *path, int error)
{
	const struct filling *from = h->filling;
	bool lacks = error == ENOMEM || (is_of_server(from, path) && host_has(from->live, path));
	const struct capture_file f = {.error = lacks ? EIO : error};
	if (capture_left_out_reason(f.error)[0])
		capture_put(h->files, path, &f, NULL);
}

int filling_reply(const struct host *h, const char *path, void *data, size_t size, struct err *e)
{
	const struct capture_file f = {
		.data = data, .size = size, .hidden = !h->filling->options.addresses};
	if (f.hidden)
		hide_links(data, size);
	return put(h, path, &f, e);
}

/* As subject_group() reads it. */
static pid_t group_pid(const struct subject *s)
{
	if (s->activated)
		return 0;
	for (size_t i = 0; i < s->acceptor_count; i++)
		if (s->acceptors[i].root == s->pid)
			return s->acceptors[i].pid;
	return s->pid;
}

/* Whether it has the groups of a process that accepts in others than those of group_pid(). */
static bool is_other_group(const struct filling *f, const char *path)
{
	const struct subject *s = f->options.server;
	char of[64];
	CLEAN(free_pointer) char *text = NULL;
	CLEAN(free_pointer) char *other = NULL;
	bool accepts = false;
	for (size_t i = 0; s && i < s->acceptor_count && !accepts; i++) {
		snprintf(of, sizeof(of), "proc/%d/cgroup", (int)s->acceptors[i].pid);
		accepts = !strcmp(path, of);
	}
	snprintf(of, sizeof(of), "proc/%d/cgroup", accepts ? (int)group_pid(s) : 0);
	return accepts && host_read_all(f->live, path, &other, NULL) > 0 &&
	       host_read_all(f->live, of, &text, NULL) > 0 && strcmp(other, text) != 0;
}

/* The path on the running machine; "": it is not read. */
static void live_path(const struct filling *f, const char *path, char out[PATH_MAX])
{
	const struct subject *s = f->options.server;
	snprintf(out, PATH_MAX, "%s", path);
	if (is_of_server(f, path))
		snprintf(out, PATH_MAX, "proc/%d/%s",
			 (int)(!strcmp(path, LIMITS) ? s->limited : group_pid(s)),
			 path + strlen("proc/self/"));
	else if ((!strncmp(path, "proc/", 5) && isdigit((unsigned char)path[5]) &&
		  !is_other_group(f, path)) ||
		 !strncmp(path, CAPTURE_EARLIER, strlen(CAPTURE_EARLIER)) ||
		 !strncmp(path, "netlink/", 8))
		out[0] = 0;
}

static void file_take(const struct host *h, const char *path, const char *from)
{
	CLEAN(free_pointer) char *text = NULL;
	ssize_t n = host_read_all(h->filling->live, from, &text, NULL);
	struct capture_file f = {.kind = CAPTURE_FILE};
	/* A link to /dev/null masks a file of the same name. */
	if (n < 0 && (n != -EINVAL || fnmatch("*.conf", path, 0))) {
		unread_put(h, path, (int)-n);
		return;
	}
	char *room = n > 0 ? realloc(text, (size_t)n + HIDE_ROOM) : NULL;
	if (room) {
		text = room;
		f.hidden = hide_text(&h->filling->hiding, path, text);
	} else if (n > 0) {
		unread_put(h, path, ENOMEM);
		return;
	}
	/* host_read_all() left out the last newline; `line` ends with it. */
	CLEAN(free_pointer) char *line = NULL;
	int length = n > 0 && text[0] ? asprintf(&line, "%s\n", text) : 0;
	f.data = length < 0 ? NULL : line;
	f.size = length < 0 ? 0 : (size_t)length;
	f.error = length < 0 ? EIO : 0;
	put(h, path, &f, NULL);
}

static void text_put(const struct host *h, const char *path, char *text, bool hides)
{
	const struct capture_file f = {.data = text, .size = strlen(text), .hidden = hides};
	put(h, path, &f, NULL);
}

static void identity_take(const struct host *h)
{
	struct host_identity i;
	char text[256];
	if (host_identity(h->filling->live, &i, NULL))
		return;
	snprintf(text, sizeof(text), HOST_IDENTITY_FORMAT, i.boot, i.netns, i.initial, i.first_pids,
		 i.first_cgroups, i.first_netns);
	text_put(h, HOST_IDENTITY_FILE, text, false);
}

static bool any_listener(const struct listener *l, void *arg) { return true; }

static void listeners_take(const struct host *h)
{
	CLEAN(listeners_free) struct listeners l = {0};
	CLEAN(listeners_free) struct listeners udp = {0};
	const struct host *live = h->filling->live;
	CLEAN(free_pointer) char *text = NULL;
	bool hides = !h->filling->options.addresses;
	if (listeners_read(live, &l, NULL)) {
		unread_put(h, LISTENER_FILE, EIO);
		return;
	}
	listeners_half_open(live, &l, NULL);
	if (listeners_read_udp(live, true, &udp, NULL))
		l.unlisted |= 1u << LISTENER_UDP;
	for (size_t i = 0; i < udp.count; i++)
		listeners_add(&l, &udp.at[i], NULL);
	listeners_own(live, &l, any_listener, NULL, NULL);
	for (size_t i = 0; i < l.count && hides; i++)
		hide_listener(&h->filling->hiding, &l.at[i]);
	if ((text = listener_file_text(&l)))
		text_put(h, LISTENER_FILE, text, hides);
	else
		unread_put(h, LISTENER_FILE, ENOMEM);
}

void filling_text(const struct host *h, const char *path, const char *text)
{
	const struct capture_file f = {.data = (char *)text, .size = strlen(text)};
	put(h, path, &f, NULL);
}

/* A link to nothing masks a file of the same name as well, and is kept as an empty one. */
static void mask_take(const struct host *h, const char *path, const char *from)
{
	CLEAN(close_fd)
	int fd = fnmatch("*.conf", path, 0)
			 ? -1
			 : machine_open(h->filling->live, from, O_PATH | O_NOFOLLOW, "read", NULL);
	const struct capture_file empty = {.kind = CAPTURE_FILE, .data = ""};
	if (fd >= 0)
		put(h, path, &empty, NULL);
}

void filling_take(const struct host *h, const char *path)
{
	char from[PATH_MAX];
	struct stat st;
	if (!strcmp(path, HOST_IDENTITY_FILE)) {
		identity_take(h);
		return;
	}
	if (!strcmp(path, LISTENER_FILE)) {
		listeners_take(h);
		return;
	}
	if (!strcmp(path, HOST_BYTE_ORDER_FILE)) {
		char order[] = "little\n";
		text_put(h, path, machine_big_endian(NULL) ? strcpy(order, "big\n") : order, false);
		return;
	}
	live_path(h->filling, path, from);
	CLEAN(close_fd)
	int fd = from[0] ? machine_open(h->filling->live, from, O_PATH, "read", NULL) : -1;
	if (fd == -ENOENT)
		mask_take(h, path, from);
	if (fd < 0 || fstat(fd, &st) < 0)
		unread_put(h, path, ENOENT);
	else if (S_ISDIR(st.st_mode))
		capture_put(h->files, path, &capture_directory, NULL);
	else
		file_take(h, path, from);
}

void filling_shadow(const struct host *h, const char *path)
{
	if (h->filling->busy || capture_find(h->files, path))
		return;
	h->filling->busy = true;
	filling_take(h, path);
	h->filling->busy = false;
}

void host_shadow(struct host *live, const struct host *filled) { live->shadow = filled; }

static int listed_take(const char *path, void *arg)
{
	const struct host *const *h = arg;
	filling_take(*h, path);
	return 0;
}

void filling_list(const struct host *h, const char *directory)
{
	host_walk(h->filling->live, directory, 1, listed_take, &h, NULL);
}

void filling_names(const struct host *h, const char *directory)
{
	host_names(h->filling->live, directory, listed_take, &h, NULL);
}
