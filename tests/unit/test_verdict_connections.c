/* What is proposed for a server of check --run that holds too few connections. */
#include "../support/support.h"
#include "../support/verdict.h"

#include <stdio.h>
#include <string.h>

struct held_case {
	const char *process, *values;
	bool at_nofile, at_own;
	int64_t reached;
	const char *proposals;
	enum finding_remedy remedy;
	const char *advice; /* a part of it */
};

#define NOFILE "RLIMIT_NOFILE=1024 1048576"

/* 400 connections, and 500 with the margin. */
static const struct held_case cases[] = {
	/* Its own limit, that it has, by default or in its configuration. */
	{"nginx", NOFILE "; server.max_connections=256", false, true, 240,
	 "server.max_connections 256 -> 576", REMEDY_APPLICATION,
	 "nginx: events { worker_connections 576; }"},
	{"nginx", NOFILE, false, true, 240, "server.max_connections  -> 576", REMEDY_APPLICATION,
	 "(default: 512 for each worker)"},
	{"redis-server", NOFILE "; server.max_connections=100", false, true, 100,
	 "server.max_connections 100 -> 576", REMEDY_APPLICATION, "Redis: maxclients 576"},
	/* memcached counts descriptors, and sets their limit. */
	{"memcached", "RLIMIT_NOFILE=64 64; server.max_connections=64", false, true, 39,
	 "server.max_connections 64 -> 576", REMEDY_APPLICATION, "memcached -c 576"},
	/* Descriptors for them: the soft limit, unless the server raises that. */
	{"nginx", "RLIMIT_NOFILE=300 1048576; server.max_connections=256", false, true, 240,
	 "server.max_connections 256 -> 576, RLIMIT_NOFILE soft 300 -> 1024", REMEDY_APPLICATION,
	 "Set LimitNOFILE=1024:1048576 in the systemd unit of the server, or run ulimit -Sn 1024 in "},
	{"redis-server", "RLIMIT_NOFILE=300 1048576; server.max_connections=100", false, true, 100,
	 "server.max_connections 100 -> 576", REMEDY_APPLICATION, "maxclients 576"},
	{"redis-server", "RLIMIT_NOFILE=300 300; server.max_connections=100", false, true, 100,
	 "server.max_connections 100 -> 576, RLIMIT_NOFILE hard 300 -> 1024", REMEDY_APPLICATION,
	 "maxclients 576"},
	/* The process' limit, and its own where that is below, too. */
	{"nginx", "RLIMIT_NOFILE=300 300; server.max_connections=1024", true, false, 290,
	 "RLIMIT_NOFILE hard 300 -> 1024", REMEDY_PROCESS, "LimitNOFILE=1024"},
	{"nginx", "RLIMIT_NOFILE=300 300; server.max_connections=512", true, false, 290,
	 "RLIMIT_NOFILE hard 300 -> 1024, server.max_connections 512 -> 576", REMEDY_PROCESS,
	 "worker_connections 576"},
	{"nginx", "RLIMIT_NOFILE=300 300", true, false, 290, "RLIMIT_NOFILE hard 300 -> 1024",
	 REMEDY_PROCESS, "LimitNOFILE=1024"},
	{"python3", "RLIMIT_NOFILE=300 300", true, false, 290, "RLIMIT_NOFILE hard 300 -> 1024",
	 REMEDY_PROCESS, "LimitNOFILE=1024"},
	/* Neither. */
	{"haproxy", NOFILE "; server.max_connections=1000", false, true, 50, "", REMEDY_APPLICATION,
	 "HAProxy already has maxconn 1000 in section global: another limit"},
	{"node", NOFILE, false, false, 40, "", REMEDY_APPLICATION,
	 "epolltune cannot set that line"},
	{"python3", NOFILE, false, false, 40, "", REMEDY_APPLICATION,
	 "look for one in the application"},
};

/* "server.max_connections 256 -> 576, RLIMIT_NOFILE soft 300 -> 1024" */
static void proposals_name(const struct finding *f, char *text, size_t size)
{
	text[0] = 0;
	for (size_t i = 0; i < f->proposal_count && finding_proposes(f); i++) {
		const struct proposal *p = &f->proposals[i];
		report_append_to(text, size, "%s%s %s%s%s -> %s", i ? ", " : "", p->knob,
				 p->field ? limit_field_name(p->field) : "", p->field ? " " : "",
				 p->current, p->proposed);
	}
}

static void the_limit_and_what_it_needs_are_proposed(void **state)
{
	const struct experiment *x = verdict_experiment("application", "application.connections");
	struct target t = target_default();
	t.connections = 400;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct held_case *c = &cases[i];
		struct subject subject = {.accepting = 1};
		struct outcome o = verdict_outcome(c->reached, true);
		char proposals[200];
		struct settings s = verdict_settings(x, c->values);
		snprintf(subject.name, sizeof(subject.name), "%s", c->process);
		s.subject = &subject;
		s.taken.at_nofile = c->at_nofile;
		s.taken.at_own = c->at_own;
		s.taken.held = 10;
		print_message("%s %s\n", c->process, c->values);
		const struct report *r = verdict_of(x, &t, &s, &o);
		assert_int_equal(r->finding_count, 1);
		findings_are(c->values, r, "application.connections.short critical");
		proposals_name(&r->findings[0], proposals, sizeof(proposals));
		assert_string_equal(proposals, c->proposals);
		assert_int_equal(r->findings[0].remedy, c->remedy);
		if (!strstr(r->findings[0].advice, c->advice))
			fail_msg("advice: %s", r->findings[0].advice);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_limit_and_what_it_needs_are_proposed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
