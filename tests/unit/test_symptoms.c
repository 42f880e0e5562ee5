/* Symptoms: a message is explained by the row of what printed it, not by another's whose pattern it
 * has as well. */
#include "../support/support.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "epolltune/catalogue.h"
#include "epolltune/list.h"
#include "topics/recognise.h"

static int open_log(void **state)
{
	return recogniser_open((struct recogniser **)state, true, NULL);
}

static int close_recogniser(void **state)
{
	recogniser_closep((struct recogniser **)&state[0]);
	return 0;
}

/* The name of the row that a line of a log is explained by; "" if none. */
static const char *explained(struct recogniser *r, const char *line)
{
	struct topic_hit hit;
	return recognise(r, line, &hit, 1) ? hit.kind->name_at(hit.at) : "";
}

/* Takes the next pattern of a row: its name, then each of its own. */
static bool pattern_next(const struct clue_row *row, const char **rest, char pattern[256])
{
	const char *from = *rest ? *rest : row->name;
	size_t length = strcspn(from, "\n");
	if (*rest && !*from)
		return false;
	snprintf(pattern, 256, "%.*s", (int)length, from);
	*rest = *rest ? from + length + (from[length] == '\n') : row->match;
	return true;
}

/* Writes a pattern with each "*" as a text. */
static void example(const char *pattern, char text[512])
{
	size_t used = 0;
	for (text[0] = 0; *pattern; pattern++)
		used += (size_t)snprintf(text + used, 512 - used, "%.*s", *pattern == '*' ? 5 : 1,
					 *pattern == '*' ? " 12: " : pattern);
}

/* The length of the name of what prints the message of a row, which its explanation begins with:
 * "Redis: …", "Kernel log: …"; 0: several may. */
static size_t printer_of(const struct clue_row *row)
{
	char name[64];
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(row->what, ":."), row->what);
	bool named = row->what[strlen(name)] == ':' && strlen(name) < 40;
	if (!named || strstr(name, "()") || !strncmp(name, "A ", 2) || !strncmp(name, "The ", 4))
		return 0;
	return strcspn(name, ", (");
}

/* The words that a pattern has behind one of another row, "in system" of "Too many open files in
 * system", count behind each pattern that ends so, but for those of a server's own messages. */
static void words_behind_count(struct recogniser *r, const struct clue_row *row,
			       const char *pattern, const char *words)
{
	for (size_t i = 0; i < symptom_row_count(); i++) {
		const struct clue_row *other = symptom_row_at(i);
		const char *rest = NULL;
		char longer[256], line[512], text[1024];
		while (pattern_next(other, &rest, longer)) {
			const char *at = strcasestr(longer, pattern);
			if (other == row || !at || strcasestr(longer, words) || printer_of(other))
				continue;
			example(longer, line);
			snprintf(text, sizeof(text), "%s%s", line, words);
			const char *name = explained(r, text);
			if (at[strlen(pattern)] == 0 && !strcmp(name, other->name))
				fail_msg("\"%s\" is explained by \"%s\", not as \"%s%s\"", text,
					 name, pattern, words);
		}
	}
}

static void a_longer_message_is_no_other(void **state)
{
	for (size_t i = 0; i < symptom_row_count(); i++)
		for (size_t k = 0; k < symptom_row_count(); k++) {
			const char *rest = NULL, *more;
			char pattern[256], longer[256];
			while (k != i && pattern_next(symptom_row_at(i), &rest, pattern)) {
				size_t length = strlen(pattern);
				for (more = NULL; pattern_next(symptom_row_at(k), &more, longer);)
					if (!strchr(longer, '*') &&
					    !strncasecmp(longer, pattern, length) &&
					    longer[length] == ' ' &&
					    pattern_word(longer[length + 1]))
						words_behind_count(*state, symptom_row_at(k),
								   pattern, longer + length);
			}
		}
}

static bool same_printer(const struct clue_row *a, const struct clue_row *b)
{
	size_t length = printer_of(a);
	return length == printer_of(b) && !strncmp(a->what, b->what, length);
}

/* A text that several servers print names none of them. */
static void no_server_explains_the_message_of_another(void **state)
{
	char pattern[256], other[256], text[512];
	for (size_t i = 0; i < symptom_row_count(); i++)
		for (size_t k = 0; k < symptom_row_count(); k++) {
			const struct clue_row *a = symptom_row_at(i), *b = symptom_row_at(k);
			const char *rest = NULL, *more;
			if (!printer_of(a) || !printer_of(b) || same_printer(a, b))
				continue;
			while (pattern_next(b, &rest, other)) {
				example(other, text);
				for (more = NULL; pattern_next(a, &more, pattern);)
					if (pattern_find(pattern, text))
						fail_msg("\"%s\" of \"%s\" is in \"%s\" of \"%s\"",
							 pattern, a->name, other, b->name);
			}
		}
}

/* A server's own timer prints the text of an error that no system call has returned. */
static void a_timer_is_no_error_of_a_call(void **state)
{
	static const char *const timers[] = {
		"*7 client timed out (110: Connection timed out) while waiting for request",
		"*7 client timed out (110: Connection timed out) while SSL handshaking",
		"*7 peer timed out (110: Connection timed out) while reading PROXY protocol",
		"*7 connection timed out (110: Connection timed out) while proxying connection",
		"*7 upstream timed out (110: Connection timed out) while reading response header",
		"OCSP responder timed out (110: Operation timed out)",
		"backend.example could not be resolved (110: Operation timed out)",
		"AxiosError: timeout of 1000ms exceeded { code: 'ECONNABORTED' }",
		"dial tcp: lookup db on 10.96.0.10:53: read udp 10.0.0.1:9->10.96.0.10:53: i/o timeout",
		"ESOCKETTIMEDOUT",
		"curl: (28) SSL connection timeout",
		"Connection timed out during banner exchange",
	};
	for (size_t i = 0; i < sizeof(timers) / sizeof(*timers); i++) {
		const char *name = explained(*state, timers[i]);
		if (name[0] == 'E' && strcspn(name, " :") == strlen(name))
			fail_msg("\"%s\" is explained by %s", timers[i], name);
	}
}

/* What is printed at one event: no line of it accuses a wall that has no part in it. */
static void each_line_of_an_event_names_its_walls(void **state)
{
	static const struct {
		const char *lines[8], *innocent;
	} events[] = {
		/* A control group at its limit. */
		{{"nginx invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
		  "memory: usage 102400kB, limit 102400kB, failcnt 55",
		  "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/a,task=nginx,pid=9",
		  "Memory cgroup out of memory: Killed process 9 (nginx) total-vm:9kB, anon-rss:9kB",
		  "oom_reaper: reaped process 9 (nginx), now anon-rss:0kB"},
		 "buffers.memory"},
		/* The machine without memory. */
		{{"nginx invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
		  "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),task=nginx,pid=9",
		  "Out of memory: Killed process 9 (nginx) total-vm:9kB, anon-rss:9kB"},
		 "cgroup.pids"},
		/* fs.file-max. */
		{{"VFS: file-max limit 9000 reached",
		  "http: Accept error: accept tcp [::]:80: accept4: too many open files in system",
		  "accept4() failed (23: Too many open files in system)",
		  "dial tcp 10.0.0.1:80: socket: too many open files in system",
		  "inotify_init: Too many open files in system",
		  "java.io.IOException: Too many open files in system at "
		  "sun.nio.ch.ServerSocketChannelImpl.accept0(Native Method)"},
		 "descriptors.process"},
		/* Idle clients. */
		{{"*7 client timed out (110: Connection timed out) while waiting for request"},
		 "accept-queue,syn-queue"},
		/* One client at the limit of its address. */
		{{"warning: Connection concurrency limit exceeded: 51 from a[192.0.2.7] for service smtp",
		  "421 4.7.0 mx1 Error: too many connections from 192.0.2.7",
		  "imap-login: Maximum number of connections from user+IP exceeded",
		  "drop connection #0 from [192.0.2.7]:9 on [192.0.2.1]:22 penalty: failed "
		  "authentication"},
		 "application.connections,descriptors.process"},
	};
	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
		for (const char *const *line = events[i].lines; *line; line++) {
			struct topic_hit hit;
			struct list_item item;
			const char *walls;
			if (!recognise(*state, *line, &hit, 1))
				continue;
			for (walls = symptom_row_at(hit.at)->walls; list_next(&walls, &item);) {
				char wall[64];
				snprintf(wall, sizeof(wall), "%.*s", item.length, item.text);
				if (item.length && list_has(events[i].innocent, wall))
					fail_msg("\"%s\" is explained by %s", *line, wall);
			}
		}
}

/* The remedy of a message is the line that the row of the server has. */
static void remedies_agree_with_the_servers(void **state)
{
	static const char message[] = "sockets disabled, connection limit reached";
	size_t i = 0;
	while (strcmp(symptom_row_at(i)->name, message) != 0)
		i++;
	assert_non_null(strstr(server_row_find("lighttpd")->clients_line, "10 times"));
	assert_non_null(strstr(symptom_row_at(i)->action, "10 * N"));
}

/* What only some shells have: lists in braces, [[, $'…' and <(…). */
static const char *only_of_bash(const char *command)
{
	for (const char *at = command; *at; at++) {
		size_t word = at[0] == '{' ? strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_.") : 0;
		if ((word && at[1 + word] == ',') || !strncmp(at, "[[ ", 3) ||
		    !strncmp(at, "$'", 2) || !strncmp(at, "<(", 2))
			return at;
	}
	return NULL;
}

/* An operator pastes them on Debian's dash and Alpine's ash, too. */
static void commands_run_in_every_shell(void **state)
{
	static const struct {
		size_t (*count)(void);
		const struct clue_row *(*at)(size_t);
	} tables[] = {{symptom_row_count, symptom_row_at},
		      {complaint_row_count, complaint_row_at},
		      {directive_row_count, directive_row_at}};
	for (size_t k = 0; k < sizeof(tables) / sizeof(*tables); k++)
		for (size_t i = 0; i < tables[k].count(); i++) {
			const struct clue_row *row = tables[k].at(i);
			const char *texts[] = {row->show, row->action};
			for (size_t t = 0; t < 2; t++)
				if (only_of_bash(texts[t]))
					fail_msg("%s: %s", row->name, only_of_bash(texts[t]));
		}
	for (size_t i = 0; i < counter_row_count(); i++)
		if (only_of_bash(counter_row_at(i)->show))
			fail_msg("%s: %s", counter_row_at(i)->name, counter_row_at(i)->show);
}

/* "[Service] LimitNOFILE=N" in one line is no drop-in: systemd takes all of it for a header. */
static void has_no_section_before_a_line(const char *name, const char *text)
{
	for (const char *at = text; at && (at = strstr(at, "] ")); at++) {
		size_t key = strspn(at + 2, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
		if (key && at[2 + key] == '=')
			fail_msg("%s: %s", name, text);
	}
}

static void a_section_of_a_unit_has_a_line_of_its_own(void **state)
{
	for (size_t i = 0; i < symptom_row_count(); i++)
		has_no_section_before_a_line(symptom_row_at(i)->name, symptom_row_at(i)->action);
	for (size_t i = 0; i < directive_row_count(); i++)
		has_no_section_before_a_line(directive_row_at(i)->name,
					     directive_row_at(i)->action);
	for (size_t i = 0; i < finding_row_count(); i++)
		has_no_section_before_a_line(finding_row_at(i)->id, finding_row_at(i)->advice);
	for (size_t i = 0; i < server_row_count(); i++) {
		const struct server_row *row = server_row_at(i);
		has_no_section_before_a_line(row->name, row->backlog_line);
		has_no_section_before_a_line(row->name, row->clients_line);
		has_no_section_before_a_line(row->name, row->files_line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_longer_message_is_no_other, open_log,
						close_recogniser),
		cmocka_unit_test_setup_teardown(no_server_explains_the_message_of_another, open_log,
						close_recogniser),
		cmocka_unit_test_setup_teardown(a_timer_is_no_error_of_a_call, open_log,
						close_recogniser),
		cmocka_unit_test_setup_teardown(each_line_of_an_event_names_its_walls, open_log,
						close_recogniser),
		cmocka_unit_test(remedies_agree_with_the_servers),
		cmocka_unit_test(commands_run_in_every_shell),
		cmocka_unit_test(a_section_of_a_unit_has_a_line_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
