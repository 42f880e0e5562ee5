#include "topics/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "epolltune/cleanup.h"
#include "epolltune/order.h"
#include "report/json_value.h"
#include "report/utf8.h"
#include "topics/recognise.h"

/* A longer line is judged by its beginning. */
#define LINE_BYTES 2048
#define READ_BYTES 65536
#define SHOWN 240 /* bytes of a line that are kept */

struct seen {
	struct topic_hit topic;
	uint64_t lines, first_line, last_line;
	char first[SHOWN], last[SHOWN];
};

struct log {
	struct recogniser *recogniser;
	struct seen *seen;
	size_t count;
	uint64_t lines, recognised;
	char line[LINE_BYTES];
	size_t used;
};

static struct seen *seen_find(struct log *l, const struct topic_hit *hit, struct err *e)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->seen[i].topic.kind == hit->kind && l->seen[i].topic.at == hit->at)
			return &l->seen[i];
	struct seen *more = array_add(&l->seen, &l->count, sizeof(*more));
	if (more)
		more->topic = *hit;
	else
		err_set(e, ENOMEM, "explain: out of memory");
	return more;
}

/* The line is complete. */
static int line_end(struct log *l, struct err *e)
{
	char text[LINE_BYTES + 1];
	struct topic_hit hit;
	text_clean(text, sizeof(text), l->line, l->used);
	l->used = 0;
	l->lines++;
	if (!recognise(l->recogniser, text, &hit, 1))
		return 0;
	struct seen *s = seen_find(l, &hit, e);
	if (!s)
		return -ENOMEM;
	utf8_copy_printable(s->last, sizeof(s->last), text);
	if (!s->lines)
		utf8_copy_printable(s->first, sizeof(s->first), text);
	s->last_line = l->lines;
	s->first_line = s->lines ? s->first_line : l->lines;
	s->lines++;
	l->recognised++;
	return 0;
}

static int bytes_take(struct log *l, const char *bytes, size_t length, struct err *e)
{
	while (length) {
		const char *end = memchr(bytes, '\n', length);
		size_t part = end ? (size_t)(end - bytes) : length, room = LINE_BYTES - l->used;
		memcpy(l->line + l->used, bytes, part < room ? part : room);
		l->used += part < room ? part : room;
		if (end && line_end(l, e))
			return -ENOMEM;
		part += end != NULL;
		bytes += part;
		length -= part;
	}
	return 0;
}

static const char *shown_name(const char *name)
{
	return strcmp(name, "-") ? name : "standard input";
}

/* Opens regular files only: reading another kind could wait forever. */
static int log_open(const char *name, int *fd, struct err *e)
{
	struct stat st;
	bool input = !strcmp(name, "-");
	*fd = input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
		    : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (*fd < 0 || fstat(*fd, &st) < 0)
		return err_errno(e, "explain: %s", shown_name(name));
	if (input || S_ISREG(st.st_mode))
		return 0;
	if (S_ISDIR(st.st_mode))
		return err_set(e, EISDIR, "explain: %s is a directory; give a file name", name);
	int rc = err_set(e, EINVAL, "explain: %s is not a regular file", name);
	err_remedy(e, "pass a pipe as: COMMAND | epolltune explain --log -");
	return rc;
}

static int log_read(struct log *l, const char *name, struct err *e)
{
	CLEAN(close_fd) int fd = -1;
	char bytes[READ_BYTES];
	int rc = log_open(name, &fd, e);
	if (rc < 0)
		return rc;
	for (;;) {
		ssize_t got = TEMP_FAILURE_RETRY(read(fd, bytes, sizeof(bytes)));
		if (got < 0)
			return err_errno(e, "explain: %s", shown_name(name));
		if (got == 0)
			return l->used ? line_end(l, e) : 0;
		if (bytes_take(l, bytes, (size_t)got, e))
			return -ENOMEM;
	}
}

static int seen_compare(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	return x->lines == y->lines ? ORDER(x->first_line, y->first_line)
				    : ORDER(y->lines, x->lines);
}

static json_t *seen_describe(const struct seen *s, const struct host *h, struct json_writer *w)
{
	json_t *topic = s->topic.kind->describe(s->topic.at, h);
	value_set(w, topic, "lines", value_count(s->lines));
	value_set(w, topic, "first_line", value_count(s->first_line));
	value_set(w, topic, "first", value_text(s->first));
	value_set(w, topic, "last_line", value_count(s->last_line));
	value_set(w, topic, "last", value_text(s->last));
	return topic;
}

static void log_close(struct log *l)
{
	recogniser_closep(&l->recogniser);
	free(l->seen);
}

json_t *explain_log(const char *name, const struct host *h, json_t **log, struct err *e)
{
	CLEAN(log_close) struct log l = {.used = 0};
	struct json_writer w = {false};
	if (recogniser_open(&l.recogniser, true, e) < 0 || log_read(&l, name, e) < 0)
		return NULL;
	if (l.count)
		qsort(l.seen, l.count, sizeof(*l.seen), seen_compare);
	json_t *topics = json_array();
	for (size_t i = 0; i < l.count; i++)
		value_add(&w, topics, seen_describe(&l.seen[i], h, &w));
	*log = json_object();
	value_set(&w, *log, "file", value_text(shown_name(name)));
	value_set(&w, *log, "lines", value_count(l.lines));
	value_set(&w, *log, "recognised", value_count(l.recognised));
	value_set(&w, *log, "unrecognised", value_count(l.lines - l.recognised));
	topics = value_complete(topics, &w);
	if (!topics)
		err_set(e, ENOMEM, "explain: out of memory");
	return topics;
}
