#include "tune/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "epolltune/report.h"
#include "report/document.h"
#include "tune/state.h"

#define JOURNAL_MAX ((off_t)64 << 20)
#define LOCK_PATIENCE_MS 1000
#define LOCK_STEP_MS 20
#define BUSY_GUESS_S 300
/* The end of the year 9999, the last of RFC 3339. */
#define JOURNAL_TIME_MAX 253402300799
/* The start of every record, by which a torn one is recognised. */
#define JOURNAL_HEAD "{\"v\":"

/* Records to runs. Each fold_…() applies one event to a run; false: the record does not fit, or,
 * with errno set, memory is short. */

static bool take_text(const json_t *o, const char *key, char *field, size_t size)
{
	const json_t *s = json_object_get(o, key);
	if (!json_is_string(s) || json_string_length(s) >= size)
		return false;
	memcpy(field, json_string_value(s), json_string_length(s) + 1);
	return strlen(field) == json_string_length(s);
}

static bool take_number(const json_t *o, const char *key, uint64_t max, uint64_t *value)
{
	const json_t *n = json_object_get(o, key);
	if (!json_is_integer(n) || json_integer_value(n) < 0 ||
	    (uint64_t)json_integer_value(n) > max)
		return false;
	*value = (uint64_t)json_integer_value(n);
	return true;
}

static struct change *take_item(const json_t *o, struct run *r)
{
	uint64_t n;
	if (!r || !r->count || !take_number(o, "n", r->count - 1, &n))
		return NULL;
	return &r->items[n];
}

static bool fold_begin(struct run *r, const json_t *o)
{
	const json_t *persist = json_object_get(o, "persist");
	r->status = RUN_UNFINISHED;
	r->persist = json_is_true(persist);
	return json_is_boolean(persist) && take_text(o, "by", r->by, sizeof(r->by)) &&
	       take_text(o, "command", r->command, sizeof(r->command)) &&
	       take_text(o, "boot", r->boot, sizeof(r->boot)) &&
	       take_text(o, "netns", r->netns, sizeof(r->netns)) &&
	       take_number(o, "confirm_s", UINT32_MAX, &r->confirm_s);
}

static bool fold_intent(struct run *r, const json_t *o)
{
	char scope[16];
	uint64_t n;
	struct change c = {.state = CHANGE_INTENDED, .cost_bytes = REPORT_NONE};
	if (r->count >= JOURNAL_RUN_ITEMS || !take_number(o, "n", r->count, &n) || n != r->count ||
	    !take_text(o, "kind", c.kind_name, sizeof(c.kind_name)) ||
	    !take_text(o, "scope", scope, sizeof(scope)) ||
	    change_scope_parse(scope, &c.scope) < 0 ||
	    !take_text(o, "name", c.name, sizeof(c.name)) ||
	    !take_text(o, "from", c.from, sizeof(c.from)) ||
	    !take_text(o, "to", c.to, sizeof(c.to)) || !take_text(o, "why", c.why, sizeof(c.why)))
		return false;
	if (json_object_get(o, "object") && !take_text(o, "object", c.object, sizeof(c.object)))
		return false;
	c.kind = change_kind_find(c.kind_name);
	struct change *more = array_add(&r->items, &r->count, sizeof(c));
	if (!more)
		return false;
	*more = c;
	r->status = RUN_UNFINISHED;
	return true;
}

static bool fold_done(struct run *r, const json_t *o)
{
	struct change *c = take_item(o, r);
	if (!c || c->state != CHANGE_INTENDED ||
	    !take_text(o, "became", c->became, sizeof(c->became)))
		return false;
	c->state = CHANGE_DONE;
	return true;
}

static bool fold_wait(struct run *r, const json_t *o)
{
	r->status = RUN_WAITING;
	return take_number(o, "deadline_ms", INT64_MAX, &r->deadline_ms);
}

static bool fold_confirm(struct run *r, const json_t *o)
{
	r->confirmed = true;
	r->status = RUN_UNFINISHED; /* until "end": files may have to be written */
	return true;
}

static bool fold_rollback(struct run *r, const json_t *o)
{
	r->status = RUN_UNFINISHED;
	r->rollback_boot[0] = 0;
	if (json_object_get(o, "boot") &&
	    !take_text(o, "boot", r->rollback_boot, sizeof(r->rollback_boot)))
		return false;
	bool has = take_text(o, "reason", r->reason, sizeof(r->reason));
	r->undo = undo_reason_find(r->reason);
	return has;
}

/* Version 1 had one event for both, with an empty value where none was readable. */
static bool fold_spared(struct run *r, const json_t *o)
{
	struct change *c = take_item(o, r);
	const char *found = json_string_value(json_object_get(o, "found"));
	if (c)
		c->state = found && !*found ? CHANGE_UNREACHABLE : CHANGE_CONFLICT;
	return c;
}

static bool fold_end(struct run *r, const json_t *o)
{
	if (r->undo == UNDO_NONE)
		r->status = RUN_APPLIED;
	else
		r->status = run_in_force(r) ? RUN_PARTLY : RUN_ROLLED_BACK;
	return true;
}

static const struct {
	const char *event;
	bool (*fold)(struct run *r, const json_t *o); /* NULL: gives an item the state */
	enum change_state state;
} folds[] = {
	{"begin", fold_begin, 0},
	{"intent", fold_intent, 0},
	{"done", fold_done, 0},
	{"wait", fold_wait, 0},
	{"confirm", fold_confirm, 0},
	{"rollback", fold_rollback, 0},
	{"revert", NULL, CHANGE_REVERTING},
	{"reverted", NULL, CHANGE_REVERTED},
	{"conflict", NULL, CHANGE_CONFLICT},
	{"unreachable", NULL, CHANGE_UNREACHABLE},
	{"stale", NULL, CHANGE_STALE},
	{"end", fold_end, 0},
	/* Of version 1. */
	{"undo", NULL, CHANGE_REVERTING},
	{"undone", NULL, CHANGE_REVERTED},
	{"spared", fold_spared, 0},
	{"gone", NULL, CHANGE_STALE},
};
#define FOLDS (sizeof(folds) / sizeof(*folds))

static bool fold_event(struct run *r, const char *event, const json_t *o)
{
	size_t i = 0;
	while (i < FOLDS && strcmp(event, folds[i].event) != 0)
		i++;
	if (i == FOLDS || folds[i].fold)
		return i < FOLDS && folds[i].fold(r, o);
	struct change *c = take_item(o, r);
	if (c)
		c->state = folds[i].state;
	return c;
}

/* The event of a record, its time, and its run, NULL for one that begins; NULL: it fits none. */
static const char *find_event(struct journal *j, const json_t *o, struct run **run, uint64_t *id,
			      time_t *time)
{
	uint64_t seconds;
	const char *event = json_string_value(json_object_get(o, "event"));
	if (!event || !take_number(o, "run", UINT32_MAX, id) ||
	    !take_number(o, "time", JOURNAL_TIME_MAX, &seconds))
		return NULL;
	*time = (time_t)seconds;
	bool begin = strcmp(event, "begin") == 0;
	*run = begin ? NULL : journal_find(j, (unsigned)*id);
	if (begin ? j->count && *id <= j->runs[j->count - 1].id : !*run)
		return NULL;
	return event;
}

static bool fold(struct journal *j, const json_t *o)
{
	struct run *run;
	uint64_t id;
	time_t time;
	const char *event = find_event(j, o, &run, &id, &time);
	if (!event)
		return false;
	if (!run) {
		run = array_add(&j->runs, &j->count, sizeof(*run));
		if (!run)
			return false;
		*run = (struct run){.id = (unsigned)id, .time = time};
	}
	run->ended = time;
	return fold_event(run, event, o);
}

/* What a record can change, to restore it where the record cannot be written. */
struct before {
	size_t count;
	struct run *run; /* NULL: the record begins one */
	struct run was;
	struct change item;
};

static void remember(struct before *b, const struct journal *j, unsigned run, const json_t *o)
{
	*b = (struct before){.count = j->count, .run = journal_find(j, run)};
	const struct change *c = take_item(o, b->run);
	if (b->run)
		b->was = *b->run;
	if (c)
		b->item = *c;
}

static void restore(const struct before *b, struct journal *j, const json_t *o)
{
	j->count = b->count;
	if (!b->run)
		return;
	struct change *items = b->run->items; /* an intent may have moved them */
	*b->run = b->was;
	b->run->items = items;
	struct change *c = take_item(o, b->run);
	if (c)
		*c = b->item;
}

/* Reading */

/* Whether a crash interrupted the write of a record: it starts like one and has no newline, or has
 * blocks that never reached the disk. A line with a newline was synced and acknowledged: if it is
 * wrong, it is damaged and must not be cut off. */
static bool looks_torn(const char *line, size_t length)
{
	size_t head = strlen(JOURNAL_HEAD);
	if (line[length - 1] == '\n')
		return memchr(line, 0, length);
	if (strncmp(line, JOURNAL_HEAD, length < head ? length : head) == 0)
		return true;
	while (length && line[length - 1] == 0)
		length--;
	return length == 0;
}

static int no_memory(const struct journal *j, struct err *e)
{
	return err_set(e, ENOMEM, "cannot read %s/%s: out of memory", j->path, JOURNAL_FILE);
}

static int read_line(struct journal *j, const char *line, size_t length, size_t number,
		     struct err *e)
{
	json_error_t why;
	CLEAN(json_decrefp) json_t *o = document_read(line, length, &why);
	if (!o && errno == ENOMEM)
		return no_memory(j, e);
	if (!json_is_object(o))
		return err_set(
			e, EBADMSG,
			"%s/%s: line %zu is not a journal record: repair the file or move it away",
			j->path, JOURNAL_FILE, number);
	const json_t *version = json_object_get(o, "v");
	if (json_is_integer(version) &&
	    (json_integer_value(version) < 1 || json_integer_value(version) > JOURNAL_VERSION))
		return err_set(e, EPROTO,
			       "%s/%s: line %zu has version %lld, this epolltune reads up to %d: "
			       "use the epolltune that wrote it",
			       j->path, JOURNAL_FILE, number, json_integer_value(version),
			       JOURNAL_VERSION);
	errno = 0;
	if (version && fold(j, o))
		return 0;
	if (errno == ENOMEM)
		return no_memory(j, e);
	return err_set(e, EBADMSG,
		       "%s/%s: line %zu is not a valid record: repair the file or move it away",
		       j->path, JOURNAL_FILE, number);
}

static int read_records(struct journal *j, FILE *in, off_t size, struct err *e)
{
	CLEAN(free_pointer) char *line = NULL;
	size_t room = 0, number = 0;
	ssize_t n;
	while (errno = 0, (n = getline(&line, &room, in)) > 0) {
		bool last = j->good + n >= size;
		bool whole = line[n - 1] == '\n';
		int rc = whole ? read_line(j, line, (size_t)n - 1, ++number, e) : -EBADMSG;
		if (rc == -EBADMSG && last && looks_torn(line, (size_t)n)) {
			j->torn = true;
			return 0;
		}
		if (rc < 0 && !whole)
			return err_set(e, EBADMSG,
				       "%s/%s: line %zu is not a journal record: "
				       "repair the file or move it away",
				       j->path, JOURNAL_FILE, number + 1);
		if (rc < 0)
			return rc;
		j->good += n;
	}
	if (errno)
		return err_errno(e, "cannot read %s/%s", j->path, JOURNAL_FILE);
	return 0;
}

static int read_all(struct journal *j, struct err *e)
{
	struct stat st;
	if (fstat(j->fd, &st) < 0)
		return err_errno(e, "cannot read %s/%s", j->path, JOURNAL_FILE);
	if (st.st_size > JOURNAL_MAX)
		return err_set(e, EFBIG, "%s/%s is larger than 64 MiB: move it away", j->path,
			       JOURNAL_FILE);
	int copy = fcntl(j->fd, F_DUPFD_CLOEXEC, 0);
	CLEAN(close_file) FILE *in = copy < 0 ? NULL : fdopen(copy, "r");
	if (!in)
		return err_errno(e, "cannot read %s/%s", j->path, JOURNAL_FILE);
	return read_records(j, in, st.st_size, e);
}

/* Retries: the kernel may still be cleaning up a killed epolltune that held the lock. */
static int lock(struct journal *j, struct err *e)
{
	j->lock = state_file(j->dir, j->path, JOURNAL_LOCK, O_RDONLY | O_CREAT, 0600, e);
	if (j->lock < 0)
		return j->lock;
	for (int waited = 0; flock(j->lock, LOCK_EX | LOCK_NB) < 0; waited += LOCK_STEP_MS) {
		if (errno == EWOULDBLOCK && waited >= LOCK_PATIENCE_MS)
			return err_set(e, EBUSY,
				       "another epolltune is changing this host (it locks %s/%s)",
				       j->path, JOURNAL_LOCK);
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(e, "cannot lock %s/%s", j->path, JOURNAL_LOCK);
		poll(NULL, 0, LOCK_STEP_MS);
	}
	return 0;
}

static int open_files(struct journal *j, const char *path, enum journal_access access,
		      struct err *e)
{
	if ((size_t)snprintf(j->path, sizeof(j->path), "%s", path) >= sizeof(j->path)) {
		j->path[0] = 0;
		return err_set(e, ENAMETOOLONG,
			       "the name of the state directory is too long: %.80s…", path);
	}
	j->dir = state_open(path, access == JOURNAL_MAKE, e);
	if (j->dir < 0)
		return j->dir;
	int flags = access == JOURNAL_READ ? O_RDONLY : O_RDWR | O_APPEND;
	j->fd = state_file(j->dir, path, JOURNAL_FILE,
			   flags | (access == JOURNAL_MAKE ? O_CREAT : 0), 0644, e);
	if (j->fd < 0)
		return j->fd;
	return access == JOURNAL_READ ? 0 : lock(j, e);
}

/* Cuts off a torn record if the journal is open for writing. */
static int read_and_cut(struct journal *j, struct err *e)
{
	int rc = read_all(j, e);
	if (rc == 0 && j->torn && j->lock >= 0 && ftruncate(j->fd, j->good) < 0)
		return err_errno(e, "cannot cut off the torn last record of %s/%s", j->path,
				 JOURNAL_FILE);
	return rc;
}

int journal_open(struct journal *j, const char *path, enum journal_access access, struct err *e)
{
	*j = (struct journal)JOURNAL_CLOSED;
	int rc = open_files(j, path, access, e);
	if (rc == 0)
		rc = read_and_cut(j, e);
	if (rc < 0)
		journal_close(j);
	return rc;
}

/* Whether a file is the journal as it was read: records are only ever appended. */
static bool same_file(const struct journal *j, const struct stat *now)
{
	struct stat read;
	return j->fd >= 0 && fstat(j->fd, &read) == 0 && read.st_dev == now->st_dev &&
	       read.st_ino == now->st_ino && now->st_size == j->good;
}

bool journal_changed(const struct journal *j)
{
	struct stat now;
	return fstatat(j->dir, JOURNAL_FILE, &now, AT_SYMLINK_NOFOLLOW) < 0 || !same_file(j, &now);
}

static void replace(struct journal *j, struct journal *next)
{
	journal_close(j);
	*j = *next;
}

int journal_refresh(struct journal *j, struct err *e)
{
	struct journal next;
	if (!journal_changed(j))
		return 0;
	int rc = journal_open(&next, j->path, JOURNAL_READ, e);
	if (rc == 0)
		replace(j, &next);
	return rc;
}

int journal_reread(const struct journal *j, struct journal *out, struct err *e)
{
	*out = (struct journal)JOURNAL_CLOSED;
	snprintf(out->path, sizeof(out->path), "%s", j->path);
	out->dir = fcntl(j->dir, F_DUPFD_CLOEXEC, 0);
	out->fd = fcntl(j->fd, F_DUPFD_CLOEXEC, 0);
	int rc = out->dir < 0 || out->fd < 0 || lseek(out->fd, 0, SEEK_SET) < 0
			 ? err_errno(e, "cannot read %s/%s", j->path, JOURNAL_FILE)
			 : read_all(out, e);
	if (rc < 0)
		journal_close(out);
	return rc;
}

int journal_lock(struct journal *j, const char *path, struct err *e)
{
	struct stat now;
	struct journal next = JOURNAL_CLOSED;
	int rc = open_files(&next, path, JOURNAL_MAKE, e);
	if (rc == 0 && fstat(next.fd, &now) == 0 && same_file(j, &now)) {
		next.good = j->good;
		next.runs = j->runs;
		next.count = j->count;
		j->runs = NULL;
		j->count = 0;
	} else if (rc == 0) {
		rc = read_and_cut(&next, e);
	}
	if (rc < 0)
		journal_close(&next);
	else
		replace(j, &next);
	return rc;
}

void journal_unlock(struct journal *j) { close_fd(&j->lock); }

void journal_close(struct journal *j)
{
	close_fd(&j->fd);
	close_fd(&j->lock);
	close_fd(&j->dir);
	for (size_t i = 0; i < j->count; i++)
		free(j->runs[i].items);
	free(j->runs);
	j->runs = NULL;
	j->count = 0;
}

/* -EWOULDBLOCK: a process has it open for writing. */
static int lock_test(const struct journal *j)
{
	/* Open the file again, so that a lock of this process counts too. */
	CLEAN(close_fd)
	int fd = openat(j->dir, JOURNAL_LOCK, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 || flock(fd, LOCK_SH | LOCK_NB) < 0 ? -errno : 0;
}

bool journal_locked(const struct journal *j) { return lock_test(j) == -EWOULDBLOCK; }

bool journal_busy(const struct journal *j)
{
	int rc = lock_test(j);
	if (rc != -EACCES)
		return rc == -EWOULDBLOCK;
	time_t last = j->count ? j->runs[j->count - 1].ended : 0;
	return time(NULL) - last < BUSY_GUESS_S;
}

/* One byte of the lock file for each run. flock() and these locks do not see each other. */
static struct flock watch_of(unsigned id, short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = id, .l_len = 1};
}

int journal_watch(const char *path, unsigned id, struct err *e)
{
	struct flock lock = watch_of(id, F_WRLCK);
	CLEAN(close_fd) int dir = state_open(path, false, e);
	if (dir < 0)
		return dir;
	int fd = state_file(dir, path, JOURNAL_LOCK, O_RDWR, 0600, e);
	if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) < 0) {
		int rc = err_errno(e, "cannot lock %s/%s", path, JOURNAL_LOCK);
		close(fd);
		return rc;
	}
	return fd < 0 ? fd : 0; /* open until this process ends */
}

bool journal_watched(const struct journal *j, unsigned id)
{
	struct flock lock = watch_of(id, F_RDLCK);
	CLEAN(close_fd)
	int fd = openat(j->dir, JOURNAL_LOCK, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno != ENOENT;
	return fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

struct run *journal_find(const struct journal *j, unsigned id)
{
	for (size_t i = j->count; i-- > 0;)
		if (j->runs[i].id == id)
			return &j->runs[i];
	return NULL;
}

unsigned journal_next(const struct journal *j)
{
	return j->count ? j->runs[j->count - 1].id + 1 : 1;
}

struct run *journal_open_run(const struct journal *j, const struct host_identity *here)
{
	for (size_t i = j->count; i-- > 0;)
		if (run_is_open(&j->runs[i]) && !(here && run_in_other_netns(&j->runs[i], here)))
			return &j->runs[i];
	return NULL;
}

/* Writing */

static int write_line(struct journal *j, const char *line, size_t length)
{
	size_t at = 0;
	while (at < length) {
		ssize_t n = write(j->fd, line + at, length - at);
		if (n < 0 && errno == EINTR && ftruncate(j->fd, j->good + (off_t)at) == 0)
			continue;
		if (n <= 0)
			return -1;
		at += (size_t)n;
	}
	return (int)TEMP_FAILURE_RETRY(fsync(j->fd));
}

/* Writes a record of `event` with the members of jansson's pack format. It is applied first, by the
 * code that reads it back later, so that nothing can fail after the fsync. */
static int record(struct journal *j, unsigned run, const char *event, struct err *e,
		  const char *fmt, ...)
{
	va_list args;
	json_error_t why = {0};
	va_start(args, fmt);
	CLEAN(json_decrefp) json_t *members = json_vpack_ex(&why, 0, fmt, args);
	va_end(args);
	CLEAN(json_decrefp)
	json_t *o = json_pack("{s:i, s:s, s:I, s:I}", "v", JOURNAL_VERSION, "event", event, "run",
			      (json_int_t)run, "time", (json_int_t)time(NULL));
	if (!members && json_error_code(&why) == json_error_invalid_utf8)
		return err_set(e, EINVAL, "cannot write \"%s\" into the journal: invalid UTF-8",
			       event);
	bool whole = members && o && json_object_update(o, members) == 0;
	CLEAN(free_pointer) char *text = whole ? document_text(o, JSON_COMPACT) : NULL;
	size_t length = text ? strlen(text) : 0;
	if (!text)
		return err_set(e, ENOMEM, "cannot write into the journal: out of memory");
	text[length] = '\n'; /* in place of the NUL: the length is known */
	struct before before;
	remember(&before, j, run, o);
	errno = 0;
	if (!fold(j, o)) {
		int code = errno == ENOMEM ? ENOMEM : EPROTO;
		restore(&before, j, o);
		return err_set(e, code, "cannot write into the journal: %s",
			       code == ENOMEM ? "out of memory"
					      : "the record does not fit the run");
	}
	if ((j->dirty && ftruncate(j->fd, j->good) < 0) || write_line(j, text, length + 1) < 0) {
		int rc = err_errno(e, "cannot write to %s/%s", j->path, JOURNAL_FILE);
		j->dirty = ftruncate(j->fd, j->good) < 0;
		restore(&before, j, o);
		return rc;
	}
	j->dirty = false;
	j->good += (off_t)length + 1;
	return 0;
}

int journal_begin(struct journal *j, const struct run *r, struct run **out, struct err *e)
{
	unsigned id = journal_next(j);
	int rc = record(j, id, "begin", e, "{s:s, s:s, s:s, s:s, s:I, s:b}", "by", r->by, "command",
			r->command, "boot", r->boot, "netns", r->netns, "confirm_s",
			(json_int_t)r->confirm_s, "persist", r->persist);
	*out = rc ? NULL : journal_find(j, id);
	return rc;
}

int journal_intent(struct journal *j, struct run *r, const struct change *c, size_t *n,
		   struct err *e)
{
	*n = r->count;
	return record(j, r->id, "intent", e, "{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "n",
		      (json_int_t)r->count, "kind", change_kind_name(c), "scope",
		      change_scope_name(c->scope), "name", c->name, "object", c->object, "from",
		      c->from, "to", c->to, "why", c->why);
}

int journal_done(struct journal *j, struct run *r, size_t n, const char *became, struct err *e)
{
	return record(j, r->id, "done", e, "{s:I, s:s}", "n", (json_int_t)n, "became", became);
}

int journal_wait(struct journal *j, struct run *r, uint64_t deadline_ms, struct err *e)
{
	return record(j, r->id, "wait", e, "{s:I}", "deadline_ms", (json_int_t)deadline_ms);
}

int journal_confirm(struct journal *j, struct run *r, const char *by, struct err *e)
{
	return record(j, r->id, "confirm", e, "{s:s}", "by", by);
}

int journal_rollback(struct journal *j, struct run *r, const char *by, const char *reason,
		     const char *boot, struct err *e)
{
	return record(j, r->id, "rollback", e, "{s:s, s:s, s:s}", "by", by, "reason", reason,
		      "boot", boot);
}

int journal_item(struct journal *j, struct run *r, size_t n, enum change_state state,
		 const char *found, struct err *e)
{
	size_t i = 0;
	while (folds[i].fold || folds[i].state != state)
		i++;
	if (found)
		return record(j, r->id, folds[i].event, e, "{s:I, s:s}", "n", (json_int_t)n,
			      "found", found);
	return record(j, r->id, folds[i].event, e, "{s:I}", "n", (json_int_t)n);
}

int journal_end(struct journal *j, struct run *r, struct err *e)
{
	return record(j, r->id, "end", e, "{}");
}
