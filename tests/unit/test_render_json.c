/* The JSON renderer, field by field against the contract epolltune.report/1. */
#include "../support/support.h"
#include "report/render.h"
#include "sample_report.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text;

static json_t *render(const struct report *r)
{
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_non_null(out);
	struct err e = {0};
	if (render_json(out, r, NULL, &e))
		fail_msg("%s", e.text);
	fclose(out);
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("line %d: %s", error.line, error.text);
	return root;
}

static void done(json_t *root)
{
	json_decref(root);
	free(text);
	text = NULL;
}

static const char *string_at(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	if (!json_is_string(value))
		fail_msg("%s is not a string", key);
	return json_string_value(value);
}

static json_int_t integer_at(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	if (!json_is_integer(value))
		fail_msg("%s is no integer", key);
	return json_integer_value(value);
}

/* Exactly these keys, in this order. */
static void assert_keys(json_t *object, const char *keys)
{
	char seen[512] = "";
	const char *key;
	json_t *value;
	json_object_foreach(object, key, value)
	{
		assert_true(strlen(seen) + strlen(key) + 2 < sizeof(seen));
		strcat(seen, key);
		strcat(seen, " ");
	}
	assert_string_equal(seen, keys);
}

static bool one_of(const char *text_value, const char *choices)
{
	char needle[64], all[256];
	snprintf(needle, sizeof(needle), "|%s|", text_value);
	snprintf(all, sizeof(all), "|%s|", choices);
	return strstr(all, needle) != NULL;
}

static bool number_or_null(json_t *value) { return json_is_number(value) || json_is_null(value); }
static bool string_or_null(json_t *value) { return json_is_string(value) || json_is_null(value); }

static void assert_wall(json_t *w)
{
	assert_keys(
		w,
		"name unit method experiment reason assumed limit measured at_least at_most needed needed_max verdict "
		"accepted knob detail ");
	assert_true(json_is_boolean(json_object_get(w, "accepted")));
	string_at(w, "name");
	string_at(w, "unit");
	assert_true(one_of(string_at(w, "method"), "measured|derived|inspected|running"));
	assert_true(number_or_null(json_object_get(w, "limit")));
	assert_true(number_or_null(json_object_get(w, "measured")));
	assert_true(number_or_null(json_object_get(w, "needed")));
	assert_true(number_or_null(json_object_get(w, "needed_max")));
	assert_true(one_of(string_at(w, "verdict"), "ok|tight|short|unknown|n/a"));
	assert_true(one_of(string_at(w, "experiment"), "none|done|missed"));
	assert_true(string_or_null(json_object_get(w, "reason")));
	assert_true(json_is_boolean(json_object_get(w, "at_least")));
	assert_true(json_is_boolean(json_object_get(w, "at_most")));
	assert_true(string_or_null(json_object_get(w, "knob")));
	string_at(w, "detail");
}

static void assert_curve(json_t *curve)
{
	size_t i;
	json_t *line;
	if (json_is_null(curve))
		return;
	assert_keys(curve, "title x y lines ");
	assert_keys(json_object_get(curve, "x"), "name unit ");
	assert_keys(json_object_get(curve, "y"), "name unit ");
	json_array_foreach(json_object_get(curve, "lines"), i, line)
	{
		assert_keys(line, "name points ");
		json_t *point = json_array_get(json_object_get(line, "points"), 1);
		assert_int_equal(json_array_size(point), 2);
		assert_true(json_is_number(json_array_get(point, 0)));
	}
}

static void assert_finding(json_t *f)
{
	assert_keys(
		f,
		"id level wall about observed accepted acceptance title detail remedy knob current proposed "
		"proposals tried_state tried advice answer evidence table curve ");
	assert_true(strchr(string_at(f, "id"), '.') != NULL);
	assert_true(one_of(string_at(f, "level"), "note|warning|critical|skipped"));
	string_at(f, "title");
	string_at(f, "detail");
	assert_true(one_of(string_at(f, "remedy"),
			   "none|kernel|process|application|container|device|provider"));
	static const char *const optional[] = {"wall",   "about",    "knob",  "current",
					       "answer", "proposed", "tried", "advice"};
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		assert_true(string_or_null(json_object_get(f, optional[i])));
	size_t i;
	json_t *ev, *proposal;
	json_t *state = json_object_get(f, "tried_state");
	assert_true(json_is_null(state) ||
		    one_of(json_string_value(state), "tried|inconclusive|not tried"));
	assert_true(json_is_boolean(json_object_get(f, "observed")));
	assert_true(json_is_boolean(json_object_get(f, "accepted")));
	json_array_foreach(json_object_get(f, "proposals"), i, proposal)
	{
		assert_keys(proposal, "knob current proposed field ");
		string_at(proposal, "knob");
		string_at(proposal, "proposed");
	}
	json_array_foreach(json_object_get(f, "evidence"), i, ev)
	{
		assert_keys(ev, "name at_current at_proposed unit ");
		string_at(ev, "name");
		string_at(ev, "unit");
		assert_true(number_or_null(json_object_get(ev, "at_current")));
		assert_true(number_or_null(json_object_get(ev, "at_proposed")));
	}
	assert_curve(json_object_get(f, "curve"));
}

static void assert_listener(json_t *l)
{
	bool tcp = !strcmp(string_at(l, "kind"), "tcp");
	assert_keys(l, "kind address depth limit drops half_open pid process unit cookie subject ");
	assert_true(one_of(string_at(l, "kind"), "tcp|unix"));
	string_at(l, "address");
	assert_true(integer_at(l, "depth") >= 0 && integer_at(l, "limit") >= 0);
	assert_true(tcp == json_is_integer(json_object_get(l, "drops")));
	assert_true(number_or_null(json_object_get(l, "half_open")));
	assert_true(number_or_null(json_object_get(l, "pid")));
	assert_true(string_or_null(json_object_get(l, "process")));
	assert_true(string_or_null(json_object_get(l, "unit")));
	integer_at(l, "cookie");
}

static void assert_contract(json_t *root)
{
	size_t i;
	json_t *part;
	assert_keys(
		root,
		"schema version time host server observed target probes quick gentle measured only backlog peers walls "
		"findings listeners listener_count counters summary ");
	json_t *server = json_object_get(root, "server");
	if (!json_is_null(server))
		assert_keys(server, "asked run name pid processes unit addresses proxy ");
	json_t *observed = json_object_get(root, "observed");
	if (!json_is_null(observed)) {
		assert_keys(
			observed,
			"duration_us connections opened rate_per_s rate_peak_per_s "
			"other_listeners udp_sockets other_udp_sockets datagrams_per_s datagrams_peak_per_s "
			"stall_us gap_us dropped sampled rtt_us bandwidth_bps window_bytes headroom target options ");
		assert_keys(json_object_get(observed, "rtt_us"), "connections p50 p95 p99 ");
	}
	assert_string_equal(string_at(root, "schema"), "epolltune.report/1");
	assert_string_equal(string_at(root, "version"), EPOLLTUNE_VERSION);
	json_t *host = json_object_get(root, "host");
	assert_keys(host, "name kernel boot netns cpus memory_bytes isolation family ");
	assert_true(one_of(string_at(host, "isolation"), "lab|in-place|sysroot|none"));
	json_t *target = json_object_get(root, "target");
	assert_keys(target, "role connections rate_per_s stall_us rtt_us bandwidth_bps "
			    "datagrams_per_s datagram_bytes idle_us destinations datagrams_only ");
	assert_true(one_of(string_at(target, "role"), "server|proxy"));
	assert_true(json_is_array(json_object_get(root, "walls")));
	json_array_foreach(json_object_get(root, "walls"), i, part) assert_wall(part);
	assert_true(json_is_array(json_object_get(root, "findings")));
	json_array_foreach(json_object_get(root, "findings"), i, part) assert_finding(part);
	assert_true(json_is_array(json_object_get(root, "listeners")));
	json_array_foreach(json_object_get(root, "listeners"), i, part) assert_listener(part);
	assert_true(integer_at(root, "listener_count") >=
		    (json_int_t)json_array_size(json_object_get(root, "listeners")));
	assert_true(json_is_object(json_object_get(root, "counters")));
	json_t *summary = json_object_get(root, "summary");
	assert_keys(
		summary,
		"status answer ok tight short unknown not_applicable missed assumed accepted lost ");
	assert_true(one_of(string_at(summary, "status"), "ok|warning|critical|unknown"));
}

static void the_contract_field_by_field(void **state)
{
	struct report r;
	sample_short(&r);
	json_t *root = render(&r);
	assert_contract(root);
	assert_int_equal(text[strlen(text) - 1], '\n');
	assert_non_null(strstr(text, "\n  \"schema\""));
	assert_string_equal(string_at(root, "time"), "2025-11-21T20:43:00Z");

	json_t *host = json_object_get(root, "host");
	assert_string_equal(string_at(host, "name"), "web-1");
	assert_string_equal(string_at(host, "kernel"), "6.18.44");
	assert_int_equal(integer_at(host, "cpus"), 2);
	assert_int_equal(integer_at(host, "memory_bytes"), 25232932864);
	assert_string_equal(string_at(host, "isolation"), "lab");
	json_t *target = json_object_get(root, "target");
	assert_int_equal(integer_at(target, "connections"), 10000);
	assert_int_equal(integer_at(target, "rate_per_s"), 50000);
	assert_int_equal(integer_at(target, "stall_us"), 100000);
	assert_int_equal(integer_at(target, "rtt_us"), 50000);
	assert_int_equal(integer_at(target, "bandwidth_bps"), 100000000);

	json_t *walls = json_object_get(root, "walls");
	assert_int_equal(json_array_size(walls), r.wall_count);
	json_t *w = json_array_get(walls, 2);
	assert_string_equal(string_at(w, "name"), "accept-queue");
	assert_string_equal(string_at(w, "unit"), "connections");
	assert_string_equal(string_at(w, "method"), "measured");
	assert_int_equal(integer_at(w, "limit"), 4097);
	assert_int_equal(integer_at(w, "measured"), 4097);
	assert_int_equal(integer_at(w, "needed"), 5000);
	assert_string_equal(string_at(w, "verdict"), "short");
	assert_true(json_is_null(json_object_get(json_array_get(walls, 1), "measured")));

	json_t *f = json_array_get(json_object_get(root, "findings"), 0);
	assert_string_equal(string_at(f, "id"), "accept-queue.short");
	assert_string_equal(string_at(f, "level"), "critical");
	assert_string_equal(string_at(f, "wall"), "accept-queue");
	assert_string_equal(string_at(f, "remedy"), "kernel");
	assert_string_equal(string_at(f, "knob"), "net.core.somaxconn");
	assert_string_equal(string_at(f, "current"), "4096");
	assert_string_equal(string_at(f, "proposed"), "8192");
	json_t *second = json_array_get(json_object_get(f, "proposals"), 1);
	assert_string_equal(string_at(second, "knob"), "listen.backlog");
	assert_string_equal(string_at(second, "current"), "511");
	assert_string_equal(string_at(f, "tried_state"), "tried");
	json_t *ev = json_array_get(json_object_get(f, "evidence"), 0);
	assert_string_equal(string_at(ev, "name"), "ListenOverflows");
	assert_string_equal(string_at(ev, "unit"), "SYNs");
	assert_int_equal(integer_at(ev, "at_current"), 903);
	assert_int_equal(integer_at(ev, "at_proposed"), 0);
	assert_non_null(strstr(text, "1040.25"));
	json_t *lines = json_object_get(json_object_get(f, "curve"), "lines");
	assert_int_equal(json_array_size(lines), 2);
	assert_string_equal(string_at(json_array_get(lines, 1), "name"), "proposed");
	json_t *tight = json_array_get(json_object_get(root, "findings"), 1);
	ev = json_array_get(json_object_get(tight, "evidence"), 0);
	assert_true(json_is_null(json_object_get(ev, "at_proposed")));
	assert_string_equal(string_at(tight, "tried"), "not tried: --no-proof was given");
	json_t *table =
		json_object_get(json_array_get(json_object_get(root, "findings"), 2), "table");
	assert_keys(table, "rows_are columns rows ");
	json_t *row = json_array_get(json_object_get(table, "rows"), 1);
	assert_keys(row, "name values ");
	assert_true(json_is_null(json_array_get(json_object_get(row, "values"), 1)));

	json_t *l = json_array_get(json_object_get(root, "listeners"), 0);
	assert_string_equal(string_at(l, "address"), "0.0.0.0:443");
	assert_int_equal(integer_at(l, "drops"), 4294967295);
	assert_string_equal(string_at(l, "process"), "nginx");
	l = json_array_get(json_object_get(root, "listeners"), 1);
	assert_string_equal(string_at(l, "kind"), "unix");
	assert_true(json_is_null(json_object_get(l, "pid")));
	assert_int_equal(integer_at(root, "listener_count"), 2);
	json_t *counters = json_object_get(root, "counters");
	assert_keys(counters, "TcpExt.ListenOverflows sockstat.TCP.inuse ");
	assert_int_equal(integer_at(counters, "TcpExt.ListenOverflows"), 5729);

	json_t *summary = json_object_get(root, "summary");
	assert_string_equal(string_at(summary, "status"), "critical");
	assert_int_equal(integer_at(summary, "ok"), 6);
	assert_int_equal(integer_at(summary, "tight"), 1);
	assert_int_equal(integer_at(summary, "short"), 1);
	assert_int_equal(integer_at(summary, "unknown"), 0);
	assert_int_equal(integer_at(summary, "not_applicable"), 1);
	assert_string_equal(string_at(summary, "answer"),
			    "Not ready: 1 wall is short: accept-queue.");
	done(root);
}

static void what_is_not_known_is_null(void **state)
{
	struct report r;
	sample_unknown(&r);
	json_t *root = render(&r), *host = json_object_get(root, "host");
	assert_contract(root);
	assert_true(json_is_null(json_object_get(host, "cpus")));
	assert_true(json_is_null(json_object_get(host, "memory_bytes")));
	assert_string_equal(string_at(host, "isolation"), "sysroot");
	json_t *w = json_array_get(json_object_get(root, "walls"), 0);
	assert_true(json_is_null(json_object_get(w, "limit")));
	assert_true(json_is_null(json_object_get(w, "measured")));
	assert_true(json_is_null(json_object_get(w, "knob")));
	assert_int_equal(integer_at(json_object_get(root, "summary"), "lost"), 2);
	done(root);
}

static void hostile_text_stays_valid(void **state)
{
	struct report r;
	sample_hostile(&r);
	json_t *root = render(&r);
	assert_contract(root);
	assert_string_equal(
		string_at(json_object_get(root, "host"), "name"),
		"a\033]0;b\a\nc\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
		"\xef\xbf\xbd");
	json_t *f = json_array_get(json_object_get(root, "findings"), 0);
	json_t *ev = json_array_get(json_object_get(f, "evidence"), 0);
	assert_true(json_is_null(json_object_get(ev, "at_current")));
	done(root);
}

static void an_empty_report_is_whole(void **state)
{
	struct report r;
	report_init(&r);
	json_t *root = render(&r);
	assert_contract(root);
	assert_int_equal(json_array_size(json_object_get(root, "walls")), 0);
	assert_string_equal(string_at(json_object_get(root, "summary"), "status"), "ok");
	done(root);
}

static void a_full_disk_is_an_error(void **state)
{
	struct report r;
	sample_short(&r);
	FILE *full = fopen("/dev/full", "w");
	if (!full)
		skip_because("no /dev/full");
	struct err e = {0};
	assert_true(render_json(full, &r, NULL, &e) < 0);
	assert_string_equal(e.text, "cannot write the report: No space left on device");
	fclose(full);
}

static void formats_have_renderers(void **state)
{
	char formats[256];
	snprintf(formats, sizeof(formats), "%s", RENDER_REPORT_FORMATS);
	for (char *name = strtok(formats, ","); name; name = strtok(NULL, ","))
		assert_non_null(render_find(name));
	assert_null(render_find("yaml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_contract_field_by_field),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(hostile_text_stays_valid),
		cmocka_unit_test(an_empty_report_is_whole),
		cmocka_unit_test(a_full_disk_is_an_error),
		cmocka_unit_test(formats_have_renderers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
