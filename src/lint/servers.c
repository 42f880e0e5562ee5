/* Judges the lines of servers' configurations that set backlogs and limits. */
#include "lint/lint.h"

#include <stdlib.h>
#include <string.h>

/* The number after a word and any of `=: \t`; -1: the line does not have it. */
static long long number_after(const char *text, const char *word)
{
	const char *at = strstr(text, word);
	size_t length = strlen(word);
	if (!at || (at > text && !strchr(" \t;{", at[-1])))
		return -1;
	at += length;
	if (!strchr("= \t", *at))
		return -1;
	at += strspn(at, "= \t");
	return *at >= '0' && *at <= '9' ? atoll(at) : -1;
}

static void backlog_judge(struct lint *l, const struct lint_line *line, const char *word,
			  long long backlog)
{
	if (backlog > l->somaxconn && l->somaxconn && backlog < INT_MAX)
		lint_add(l, line, LINT_CAPPED, NULL,
			 "%s %lld is cut to net.core.somaxconn (%lld): raise that as well", word,
			 backlog, (long long)l->somaxconn);
}

static void nginx_judge(struct lint *l, const struct lint_line *line, const char *text,
			struct server_state *s)
{
	long long files = number_after(text, "worker_rlimit_nofile");
	long long connections = number_after(text, "worker_connections");
	if (files > 0)
		s->files = files;
	if (connections > 0) {
		s->connections = connections;
		s->connections_line = line->number;
		snprintf(s->connections_text, sizeof(s->connections_text), "%s", line->text);
	}
	if (!strncmp(text, "listen", 6))
		backlog_judge(l, line, "backlog", number_after(text, "backlog"));
}

/* Redis, php-fpm, Apache. */
static void keys_judge(struct lint *l, const struct lint_line *line, const char *text)
{
	static const char *const keys[] = {"tcp-backlog", "listen.backlog", "ListenBacklog"};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strncmp(text, keys[i], strlen(keys[i])))
			backlog_judge(l, line, keys[i], number_after(text, keys[i]));
}

void server_line_judge(struct lint *l, const struct lint_line *line, enum lint_kind kind,
		       struct server_state *s)
{
	char text[LINT_LINE];
	snprintf(text, sizeof(text), "%s", line->text + strspn(line->text, " \t"));
	text[strcspn(text, "#")] = 0;
	if (kind == FILE_NGINX)
		nginx_judge(l, line, text, s);
	else if (kind == FILE_SERVER)
		keys_judge(l, line, text);
	else if (kind == FILE_HAPROXY && !strncmp(text, "backlog", 7))
		backlog_judge(l, line, "backlog", number_after(text, "backlog"));
	else if (kind == FILE_HAPROXY && !strncmp(text, "ulimit-n", 8))
		lint_add(
			l, line, LINT_CLASSIC, NULL,
			"HAProxy computes its limit from maxconn, and ulimit-n can only be too low: "
			"remove the line");
}

void server_end_judge(struct lint *l, const char *file, const struct server_state *s)
{
	struct lint_line line = {file, s->connections_text, s->connections_line};
	if (s->files && s->connections > s->files)
		lint_add(l, &line, LINT_CAPPED, NULL,
			 "worker_connections %lld is above worker_rlimit_nofile %lld: a connection "
			 "takes a descriptor, a proxied one two; write worker_rlimit_nofile %lld",
			 s->connections, s->files, 2 * s->connections);
}
