/* The table of knobs, and reading, checking and writing them on the running kernel. */
#include "../support/support.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "epolltune/knob_value.h"

static void the_table_is_whole(void **state)
{
	assert_true(knob_count() > 30);
	for (size_t i = 0; i < knob_count(); i++) {
		const struct knob *k = knob_at(i);
		const char *texts[] = {k->walls, k->what, k->cost, k->counter, k->source};
		for (size_t t = 0; t < sizeof(texts) / sizeof(*texts); t++)
			if (!texts[t] || !*texts[t])
				fail_msg("%s: text %zu is missing", k->name, t);
		assert_non_null(k->unit);
		assert_true(strlen(k->name) < 48); /* struct wall, struct finding */
		assert_string_not_equal(knob_scope_name(k->scope), "?");
		assert_string_not_equal(knob_scope_text(k->scope), "?");
		assert_string_not_equal(knob_effect_text(k->effect), "?");
		if (k->shape != KNOB_WORD && k->min >= k->max)
			fail_msg("%s: an empty range", k->name);
		assert_ptr_equal(knob_find(k->name), k); /* so no name stands twice */
	}
}

static void names_are_found_in_both_spellings(void **state)
{
	assert_non_null(knob_find("net.core.somaxconn"));
	assert_ptr_equal(knob_find("net/core/somaxconn"), knob_find("net.core.somaxconn"));
	assert_null(knob_find("net.core.somaxcon"));
	assert_null(knob_find("net.core.somaxconnn"));
	assert_null(knob_find("net_core_somaxconn"));
	assert_null(knob_find(""));
}

static void check(const char *knob, const char *value, int code, const char *expected)
{
	struct err e = {0};
	char normal[KNOB_VALUE];
	int r = knob_check(knob_find(knob), value, normal, &e);
	if (r != code)
		fail_msg("%s = \"%s\": %d instead of %d (%s)", knob, value, r, code, e.text);
	if (code == 0)
		assert_string_equal(normal, expected);
	else
		assert_non_null(strstr(e.text, knob));
}

static void values_outside_a_range_are_refused(void **state)
{
	check("net.core.somaxconn", "4096", 0, "4096");
	check("net.core.somaxconn", " 4096\n", 0, "4096");
	check("net.core.somaxconn", "0", 0, "0");
	check("net.core.somaxconn", "2147483647", 0, "2147483647");
	check("net.core.somaxconn", "2147483648", -ERANGE, NULL);
	check("net.core.somaxconn", "-1", -ERANGE, NULL);
	check("net.core.somaxconn", "99999999999999999999", -EINVAL, NULL);
	static const char *const odd[] = {"",    " ",  "x",    "10x", "1e9",  "+1",
					  "010", "-0", "0x10", "1 2", "1.5",  "--1",
					  "1,2", "\t", "-",    "1\r", "1\v2", "٣"};
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++)
		check("net.core.somaxconn", odd[i], -EINVAL, NULL);

	check("fs.file-max", "9223372036854775807", 0, "9223372036854775807");
	check("fs.file-max", "9223372036854775808", -EINVAL, NULL);
	check("net.ipv4.tcp_adv_win_scale", "-31", 0, "-31");
	check("net.ipv4.tcp_notsent_lowat", "4294967295", 0, "4294967295");

	check("net.ipv4.tcp_rmem", "4096\t131072  6291456", 0, "4096 131072 6291456");
	check("net.ipv4.tcp_rmem", "4096 131072", -EINVAL, NULL);
	check("net.ipv4.tcp_rmem", "4096 131072 6291456 1", -EINVAL, NULL);
	check("net.ipv4.tcp_rmem", "4096 131072 131071", 0, "4096 131072 131071");
	check("net.ipv4.tcp_wmem", "65536 16384 4194304", 0, "65536 16384 4194304");
	check("net.ipv4.tcp_rmem", "0 1 2", -ERANGE, NULL);
	check("net.ipv4.ip_local_port_range", "1024 65535", 0, "1024 65535");
	check("net.ipv4.ip_local_port_range", "2000 1999", -EINVAL, NULL);
	check("net.ipv4.ip_local_port_range", "1024 65536", -ERANGE, NULL);

	check("net.ipv4.ip_local_reserved_ports", "", 0, "");
	check("net.ipv4.ip_local_reserved_ports", "9100,80,8081-8090,8080\n", 0,
	      "80,8080-8090,9100");
	check("net.ipv4.ip_local_reserved_ports", "65535", 0, "65535");
	static const char *const no_ports[] = {"65536", "9-8", "80,",   ",80",
					       "80 81", "8o",  "1-2-3", "-1"};
	for (size_t i = 0; i < sizeof(no_ports) / sizeof(*no_ports); i++)
		check("net.ipv4.ip_local_reserved_ports", no_ports[i], -EINVAL, NULL);

	check("net.ipv4.tcp_congestion_control", "bbr", 0, "bbr");
	check("net.ipv4.tcp_congestion_control", "fq codel", -EINVAL, NULL);
	check("net.ipv4.tcp_congestion_control", "cu;bic", -EINVAL, NULL);
	check("net.ipv4.tcp_congestion_control", "", -EINVAL, NULL);

	char longest[300];
	memset(longest, '1', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	check("net.core.somaxconn", longest, -EINVAL, NULL);
	check("net.ipv4.tcp_congestion_control", longest, -EINVAL, NULL);
}

/* As Linux 6.18 sets them by a write(2), fields that are not set being those of a new namespace. */
static void lines_set_what_the_kernel_reads(void **state)
{
	static const struct {
		const char *knob, *text, *value; /* NULL: the kernel refuses it */
	} rows[] = {
		{"net.core.somaxconn", "128 # default", "128"},
		{"net.core.somaxconn", "128\t5", "128"},
		{"net.core.somaxconn", "0x80", "128"},
		{"net.core.somaxconn", "0X80", "128"},
		{"net.core.somaxconn", "0200", "128"},
		{"net.core.somaxconn", "-0", "0"},
		{"net.core.somaxconn", "08", NULL},
		{"net.core.somaxconn", "0x", NULL},
		{"net.core.somaxconn", "0b1", NULL},
		{"net.core.somaxconn", "+8192", NULL},
		{"net.core.somaxconn", "8192,5", NULL},
		{"net.core.somaxconn", "128#", NULL},
		{"net.core.somaxconn", "128k", NULL},
		{"net.core.somaxconn", "", NULL},
		{"net.core.somaxconn", "-1", NULL},
		{"net.core.somaxconn", "2147483648", NULL},
		{"net.core.somaxconn", "00000000000000000000000128", NULL},
		{"net.core.somaxconn", "000000000000000000128", NULL},
		{"net.core.somaxconn", "00000000000000000200", "128"},
		{"net.core.somaxconn", "99999999999999999999", NULL},
		{"net.ipv4.tcp_tw_reuse", "2 x", "2"},
		{"net.ipv4.tcp_fin_timeout", "60000", "60000"},
		{"net.ipv4.tcp_fin_timeout", "2147483648", NULL},
		{"net.ipv4.tcp_fin_timeout", "-2147483648", NULL},
		{"fs.file-max", "-1", NULL},
		{"net.ipv4.ip_local_port_range", "50000", "50000 60999"},
		{"net.ipv4.ip_local_port_range", "50000\t50100 # few", "50000 50100"},
		{"net.ipv4.ip_local_port_range", "50000 # few", NULL},
		{"net.ipv4.ip_local_port_range", "61000", NULL},
		{"net.ipv4.tcp_rmem", "4096 131072 65536", "4096 131072 65536"},
		{"net.ipv4.tcp_rmem", "4097", "4097 131072 6291456"},
		{"net.ipv4.tcp_rmem", "4097 0 7", "4097 131072 6291456"},
		{"net.ipv4.tcp_rmem", "4097 131073 x", "4097 131073 6291456"},
		{"net.ipv4.tcp_rmem", "4097 -5 7000000", "4097 131072 6291456"},
		{"net.ipv4.tcp_rmem", "x 5 7000000", NULL},
		{"net.ipv4.ip_local_reserved_ports", "0x10", "16"},
		{"net.ipv4.ip_local_reserved_ports", "0200,8080", "128,8080"},
		{"net.ipv4.ip_local_reserved_ports", "8080,0x50-0X51", "80-81,8080"},
		{"net.ipv4.ip_local_reserved_ports", "80,", "80"},
		{"net.ipv4.ip_local_reserved_ports", "", ""},
		{"net.ipv4.ip_local_reserved_ports", "80, 90", NULL},
		{"net.ipv4.ip_local_reserved_ports", "80 # http", NULL},
		{"net.ipv4.ip_local_reserved_ports", "65536", NULL},
		{"net.ipv4.tcp_congestion_control", "bbr", "bbr"},
		{"net.ipv4.tcp_congestion_control", "bbr # fast", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct knob *k = knob_find(rows[i].knob);
		const char *running =
			strstr(rows[i].knob, "rmem") ? "4096 131072 6291456" : "32768 65000";
		char value[KNOB_VALUE] = "";
		bool set = knob_at_boot(k, KERNEL(6, 18), 0, rows[i].text, running, value);
		if (set != !!rows[i].value || (set && strcmp(value, rows[i].value) != 0))
			fail_msg("%s = %s sets \"%s\"", k->name, rows[i].text, value);
	}
}

static void numbers_are_rounded_as_by_the_kernel(void **state)
{
	static const char table[] = "net.netfilter.nf_conntrack_buckets",
			  flows[] = "net.core.rps_sock_flow_entries";
	static const struct {
		const char *knob, *text;
		uint64_t page_bytes;
		const char *value; /* NULL: the kernel refuses it */
	} rows[] = {
		{table, "250000", 0, "250368"},
		{table, "250000", 4096, "250368"},
		{table, "250000", 65536, "253952"},
		{table, "262144", 4096, "262144"},
		{table, "0x40001 # odd", 4096, "262656"},
		{flows, "3000", 4096, "4096"},
		{flows, "4096", 4096, "4096"},
		{flows, "1", 4096, "1"},
		{flows, "0", 4096, "0"},
		{flows, "536870913", 4096, NULL},
		{"net.core.somaxconn", "3000", 4096, "3000"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char value[KNOB_VALUE] = "";
		bool set = knob_at_boot(knob_find(rows[i].knob), KERNEL(6, 18), rows[i].page_bytes,
					rows[i].text, "", value);
		if (set != !!rows[i].value || (set && strcmp(value, rows[i].value) != 0))
			fail_msg("%s = %s sets \"%s\"", rows[i].knob, rows[i].text, value);
	}
}

static void of_a_refused_value_only_a_triple_sets_fields(void **state)
{
	static const struct {
		const char *knob, *text, *taken;
	} rows[] = {
		{"net.ipv4.tcp_rmem", "4096 0x20000 x", "4096 131072"},
		{"net.ipv4.tcp_rmem", "4096 -5 6291456", "4096"},
		{"net.ipv4.tcp_rmem", "x 131072 6291456", ""},
		{"net.ipv4.ip_local_port_range", "50000 x", ""},
		{"net.core.somaxconn", "", ""},
		{"net.core.somaxconn", "4k", ""},
		{"net.ipv4.ip_local_reserved_ports", "80 x", ""},
		{"net.ipv4.tcp_congestion_control", "bbr x", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char taken[KNOB_VALUE];
		knob_taken(knob_find(rows[i].knob), KERNEL(6, 18), rows[i].text, taken);
		assert_string_equal(taken, rows[i].taken);
	}
}

static void fields_of_a_value_are_read(void **state)
{
	int64_t n = 0;
	assert_int_equal(knob_field("4096 131072 6291456", 0, &n), 0);
	assert_int_equal(n, 4096);
	assert_int_equal(knob_field("4096 131072 6291456", 2, &n), 0);
	assert_int_equal(n, 6291456);
	assert_int_equal(knob_field("4096 131072 6291456", 3, &n), -EINVAL);
	assert_int_equal(knob_field("", 0, &n), -EINVAL);
	assert_int_equal(knob_field("bbr", 0, &n), -EINVAL);
	assert_int_equal(knob_field("1 bbr", 1, &n), -EINVAL);
}

/* Every sysctl of the table that this kernel shows reads as the table says. */
static void running_values_are_read(void **state)
{
	struct err e = {0};
	CLEAN(host_closep) struct host *h = NULL;
	assert_int_equal(host_open(&h, "/", &e), 0);
	size_t read = 0;
	for (size_t i = 0; i < knob_count(); i++) {
		const struct knob *k = knob_at(i);
		char value[KNOB_VALUE], normal[KNOB_VALUE];
		int r = knob_read(k, h, value, &e);
		if (r == -ENOENT)
			continue;
		if (r < 0 || knob_check(k, value, normal, &e) < 0)
			fail_msg("%s: %s", k->name, e.text);
		assert_string_equal(value, normal);
		read++;
	}
	assert_true(read > 20);
}

static void numbers_are_parsed(void **state)
{
	struct err e;
	CLEAN(host_closep) struct host *h = NULL;
	int64_t value = -7;
	assert_int_equal(host_open(&h, "/", &e), 0);
	assert_false(knob_number("listen.backlog", h, &value)); /* an application's */
	assert_int_equal(value, -7);
	assert_true(knob_number("net.ipv4.tcp_rmem", h, &value));
	assert_true(value > 0);
}

static int write_somaxconn(struct host *h)
{
	struct err e;
	char value[KNOB_VALUE];
	const struct knob *k = knob_find("net.core.somaxconn");
	int r = knob_read(k, h, value, &e);
	if (r < 0)
		return r == -ENOENT ? 77 : 1; /* unprivileged before 6.11 */
	if (knob_write(k, h, "37", &e) < 0 || knob_read(k, h, value, &e) < 0)
		return 2;
	if (strcmp(value, "37") != 0)
		return 3;
	if (knob_write(k, h, "x", &e) != -EINVAL)
		return 4;
	if (knob_write(knob_find("net.ipv4.tcp_rmem"), h, "4096 87380\t 262144", &e) < 0 ||
	    knob_read(knob_find("net.ipv4.tcp_rmem"), h, value, &e) < 0)
		return 5;
	if (strcmp(value, "4096 87380 262144") != 0)
		return 6;
	/* A lab restores what a machine has, in any order. */
	if (knob_write(knob_find("net.ipv4.tcp_rmem"), h, "4096 87380 65536", &e) < 0)
		return 9;
	if (knob_write(knob_find("RLIMIT_NOFILE"), h, "10 20", &e) != -EOPNOTSUPP)
		return 7;
	/* The kernel refuses what it does not have; the error says so. */
	if (knob_write(knob_find("net.ipv4.tcp_congestion_control"), h, "nosuch", &e) >= 0 ||
	    !strstr(e.text, "tcp_congestion_control"))
		return 8;
	return 0;
}

/* The running kernel takes both ends of each number's range. */
static int write_ranges(struct host *h)
{
	struct err e;
	char was[KNOB_VALUE], value[KNOB_VALUE], written[KNOB_VALUE];
	int refused = 0, tried = 0;
	for (size_t i = 0; i < knob_count(); i++) {
		const struct knob *k = knob_at(i);
		if (k->scope != KNOB_NETNS || k->shape != KNOB_NUMBER || knob_read(k, h, was, NULL))
			continue;
		for (int end = 0; end < 2; end++, tried++) {
			snprintf(value, sizeof(value), "%" PRId64, end ? k->max : k->min);
			if (knob_write(k, h, value, &e) || knob_read(k, h, written, &e) ||
			    strcmp(written, value) != 0) {
				fprintf(stderr, "%s=%s is %s\n", k->name, value, written);
				refused++;
			}
		}
		knob_write(k, h, was, NULL);
	}
	return !tried ? 77 : refused;
}

static int start_buffer(int fd)
{
	int bytes = -1;
	socklen_t size = sizeof(bytes);
	return getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &size) < 0 ? -1 : bytes;
}

static int listen_on_loopback(struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	*address = (struct sockaddr_in){.sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (ioctl(fd, SIOCSIFFLAGS, &lo) < 0 || bind(fd, (struct sockaddr *)address, size) < 0 ||
	    listen(fd, 1) < 0 || getsockname(fd, (struct sockaddr *)address, &size) < 0)
		return -1;
	return fd;
}

/* What an accepted socket has of settings that were changed after its listener was made: the start
 * of its buffer is the listener's, its congestion control the new one. */
static int accept_after_a_change(struct host *h)
{
	struct sockaddr_in address;
	char control[16] = "";
	socklen_t size = sizeof(control);
	int listener = listen_on_loopback(&address), was = start_buffer(listener);
	if (listener < 0)
		return 77;
	if (knob_write(knob_find("net.ipv4.tcp_rmem"), h, "4096 55000 6291456", NULL) ||
	    knob_write(knob_find("net.ipv4.tcp_congestion_control"), h, "reno", NULL))
		return 2;
	int client = socket(AF_INET, SOCK_STREAM, 0);
	if (start_buffer(client) != 55000 ||
	    connect(client, (struct sockaddr *)&address, sizeof(address)) < 0)
		return 3;
	int accepted = accept(listener, NULL, NULL);
	if (start_buffer(accepted) < was ||
	    getsockopt(accepted, IPPROTO_TCP, TCP_CONGESTION, control, &size) < 0)
		return 4;
	return strcmp(control, "reno") == 0 ? 0 : 5;
}

static void each_value_is_written(int (*writes)(struct host *))
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
			_exit(77);
		struct err e;
		CLEAN(host_closep) struct host *h = NULL;
		_exit(host_open(&h, "/", &e) < 0 ? 99 : writes(h));
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip_because("no network namespace with a writable somaxconn is available");
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void values_are_written_in_a_namespace(void **state)
{
	each_value_is_written(write_somaxconn);
}

static void an_accepted_socket_has_the_buffer_of_its_listener(void **state)
{
	each_value_is_written(accept_after_a_change);
}

static void each_effect_says_whether_to_restart(void **state)
{
	static const struct {
		const char *knob;
		bool restart;
		const char *start;
	} rows[] = {
		{"net.ipv4.tcp_rmem", true, "at once, the second field for sockets made"},
		{"net.ipv4.tcp_wmem", true, "at once, the second field for sockets made"},
		{"net.core.rmem_max", true, "for sockets made from now on"},
		{"net.core.bypass_prot_mem", true, "for sockets made from now on"},
		{"net.core.busy_read", true, "for sockets made from now on"},
		{"net.core.somaxconn", true, "at the next listen()"},
		{"net.ipv4.tcp_congestion_control", false, "for connections made or accepted"},
		{"net.ipv4.tcp_keepalive_time", false, "for connections made or accepted"},
		{"net.ipv4.tcp_timestamps", false, "for connections made or accepted"},
		{"net.ipv4.ip_local_port_range", false, "for connections made from now on"},
		{"net.core.default_qdisc", false, "for interfaces that are first brought up"},
		{"net.core.busy_poll", false, "at once"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *text = knob_effect_text(knob_find(rows[i].knob)->effect);
		if (strstr(text, rows[i].start) != text ||
		    !strstr(text, "restart the server") == rows[i].restart)
			fail_msg("%s takes effect %s", rows[i].knob, text);
	}
}

/* The words stand where an operator pastes a line. */
static void no_line_to_paste_has_an_ellipsis(void **state)
{
	for (size_t i = 0; i < knob_count(); i++) {
		const char *texts[] = {knob_at(i)->how, knob_at(i)->steps};
		for (size_t t = 0; t < 2; t++)
			if (texts[t] && (strstr(texts[t], "…") || strstr(texts[t], "...")))
				fail_msg("%s: %s", knob_at(i)->name, texts[t]);
	}
}

/* net/core/sysctl_net_core.c and nf_conntrack_standalone.c: stable releases of earlier kernels may
 * refuse these too, so that only the version of the change does so surely. */
static void only_what_surely_refuses_a_value_counts(void **state)
{
	static const struct {
		const char *knob;
		unsigned kernel;
		bool refuses;
	} rows[] = {
		{"net.core.dev_weight", KERNEL(6, 13), false},
		{"net.core.dev_weight", KERNEL(6, 14), true},
		{"net.core.dev_weight_rx_bias", KERNEL(6, 1), false},
		{"net.core.dev_weight_rx_bias", KERNEL(6, 14), true},
		{"net.netfilter.nf_conntrack_max", KERNEL(6, 14), false},
		{"net.netfilter.nf_conntrack_max", KERNEL(6, 15), true},
		{"net.core.somaxconn", KERNEL(4, 4), true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (knob_refuses_less(knob_find(rows[i].knob), rows[i].kernel) != rows[i].refuses)
			fail_msg("%s, row %zu", rows[i].knob, i);
}

static void ranges_are_those_of_the_kernel(void **state) { each_value_is_written(write_ranges); }

static void defaults_depend_on_the_kernel(void **state)
{
	static const struct {
		const char *knob;
		unsigned kernel;
		const char *value; /* NULL: not known */
	} rows[] = {
		{"net.core.somaxconn", KERNEL(5, 3), "128"},
		{"net.core.somaxconn", KERNEL(5, 4), "4096"},
		{"net.ipv4.tcp_tw_reuse", KERNEL(4, 18), "0"},
		{"net.ipv4.tcp_tw_reuse", KERNEL(4, 19), "2"},
		/* systemd has another one. */
		{"fs.nr_open", KERNEL(6, 18), NULL},
		{"fs.file-max", KERNEL(6, 18), NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *own = knob_default(knob_find(rows[i].knob), rows[i].kernel);
		if (!own != !rows[i].value || (own && strcmp(own, rows[i].value) != 0))
			fail_msg("%s is %s, not %s", rows[i].knob, own ? own : "unknown",
				 rows[i].value ? rows[i].value : "unknown");
	}
}

/* In a fresh network namespace: the number of those that differ from the table. */
static int compare_defaults(const struct host *h)
{
	int differ = 0;
	for (size_t i = 0; i < knob_count(); i++) {
		const struct knob *k = knob_at(i);
		const char *own = knob_default(k, host_kernel(h));
		char value[KNOB_VALUE], normal[KNOB_VALUE];
		struct err e;
		if (!own)
			continue;
		differ += knob_check(k, own, normal, &e) < 0 || strcmp(normal, own) != 0;
		if (k->scope != KNOB_NETNS || knob_read(k, h, value, &e) < 0 ||
		    strcmp(value, own) == 0)
			continue;
		fprintf(stderr, "%s is %s, not %s\n", k->name, value, own);
		differ++;
	}
	return differ;
}

static void defaults_are_the_kernels(void **state)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
			_exit(77);
		struct err e;
		CLEAN(host_closep) struct host *h = NULL;
		_exit(host_open(&h, "/", &e) < 0 ? 99 : compare_defaults(h));
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip_because("no network namespace of its own");
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Up, so that a proposal suffices. */
static void proposals_are_rounded_up(void **state)
{
	static const struct {
		const char *name;
		int64_t value, rounded;
	} rows[] = {
		{"net.core.somaxconn", 1, 128},
		{"net.core.somaxconn", 1024, 1024},
		{"net.core.somaxconn", 1025, 2048},
		{"net.core.rmem_max", 1048576, 1048576},
		{"net.core.rmem_max", 1048577, 1310720},
		{"net.core.rmem_max", 100000000, 100663296},
		{"net.ipv4.tcp_tw_reuse", 1, 1},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int64_t rounded = knob_round(knob_find(rows[i].name), rows[i].value);
		if (rounded != rows[i].rounded)
			fail_msg("%s: %" PRId64 " is rounded to %" PRId64, rows[i].name,
				 rows[i].value, rounded);
	}
}

/* What explain lists, and what the proof of a change measures again. */
static void a_worse_value_depends_on_the_knob(void **state)
{
	static const char rmem[] = "net.ipv4.tcp_rmem", range[] = "net.ipv4.ip_local_port_range",
			  ports[] = "net.ipv4.ip_local_reserved_ports",
			  reuse[] = "net.ipv4.tcp_tw_reuse";
	static const struct {
		const char *knob, *from, *to;
		bool worse, lower;
	} rows[] = {
		{"net.core.somaxconn", "4096", "512", true, true},
		{"net.core.somaxconn", "512", "4096", false, false},
		{"net.core.somaxconn", "512", "512", false, false},
		{rmem, "4096 131072 6291456", "4096 65536 16777216", true, true},
		{rmem, "4096 131072 6291456", "4096 131072 16777216", false, false},
		{range, "32768 60999", "40000 65535", true, true},
		{range, "32768 60999", "20000 65535", false, false},
		{ports, "8080,9000-9010", "8080", true, true},
		{ports, "8080", "8080,9000", false, false},
		{ports, "", "8080", false, false},
		{"net.ipv4.tcp_keepalive_time", "280", "7200", true, false},
		{"net.ipv4.tcp_keepalive_time", "7200", "280", false, true},
		{"net.ipv4.tcp_abort_on_overflow", "0", "1", true, false},
		{"net.ipv4.tcp_abort_on_overflow", "1", "0", false, true},
		{"net.ipv4.tcp_fin_timeout", "30", "60", true, false},
		{"net.ipv4.tcp_tw_reuse_delay", "1000", "30000", true, false},
		{reuse, "1", "2", true, false},
		{reuse, "2", "0", true, false},
		{reuse, "0", "2", false, false},
		{reuse, "0", "1", false, false},
		{reuse, "2", "1", false, false},
		{"net.ipv4.tcp_congestion_control", "bbr", "cubic", false, false},
		{"net.ipv4.tcp_syncookies", "1", "2", true, false},
		{"net.ipv4.tcp_congestion_control", "bbr", "bbr", false, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct knob *k = knob_find(rows[i].knob);
		if (knob_worse(k, rows[i].from, rows[i].to) != rows[i].worse ||
		    knob_lower(k, rows[i].from, rows[i].to) != rows[i].lower)
			fail_msg("%s: %s to %s", rows[i].knob, rows[i].from, rows[i].to);
	}
}

static void each_wall_that_a_knob_moves_is_named(void **state)
{
	static const struct {
		const char *name, *walls;
	} rows[] = {
		{"net.core.somaxconn", "accept-queue,accept-queue.unix,syn-queue"},
		{"listen.backlog", "accept-queue,accept-queue.unix,syn-queue"},
		{"RLIMIT_NOFILE", "descriptors.process,application.connections"},
		{"net.ipv4.tcp_wmem", "buffers.send,memory.connection,application.throughput"},
		{"SO_SNDBUF", "buffers.send,application.throughput"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_string_equal(knob_find(rows[i].name)->walls, rows[i].walls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(names_are_found_in_both_spellings),
		cmocka_unit_test(values_outside_a_range_are_refused),
		cmocka_unit_test(lines_set_what_the_kernel_reads),
		cmocka_unit_test(numbers_are_rounded_as_by_the_kernel),
		cmocka_unit_test(of_a_refused_value_only_a_triple_sets_fields),
		cmocka_unit_test(fields_of_a_value_are_read),
		cmocka_unit_test(proposals_are_rounded_up),
		cmocka_unit_test(running_values_are_read),
		cmocka_unit_test(numbers_are_parsed),
		cmocka_unit_test(values_are_written_in_a_namespace),
		cmocka_unit_test(an_accepted_socket_has_the_buffer_of_its_listener),
		cmocka_unit_test(each_effect_says_whether_to_restart),
		cmocka_unit_test(no_line_to_paste_has_an_ellipsis),
		cmocka_unit_test(only_what_surely_refuses_a_value_counts),
		cmocka_unit_test(ranges_are_those_of_the_kernel),
		cmocka_unit_test(defaults_depend_on_the_kernel),
		cmocka_unit_test(defaults_are_the_kernels),
		cmocka_unit_test(a_worse_value_depends_on_the_knob),
		cmocka_unit_test(each_wall_that_a_knob_moves_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
