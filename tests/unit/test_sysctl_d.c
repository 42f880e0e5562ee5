/* The value of a knob at the next boot by the files in sysctl.d, and epolltune's own file. */
#include "../support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epolltune/sysctl_d.h"
#include "epolltune/sysctls.h"
#include "host/temporary.h"
#include "lint/lint.h"
#include "tune/dropin.h"
#include "tune/kind.h"

#define OURS "/etc/sysctl.d/90-epolltune.conf"

static char root[64];
static struct host *machine;

/* Some file systems have no locks. */
static bool lockless;

int flock(int fd, int operation)
{
	if (!lockless)
		return (int)syscall(SYS_flock, fd, operation);
	errno = ENOLCK;
	return -1;
}

static void put(const char *path, const char *text)
{
	char full[256];
	snprintf(full, sizeof(full), "%s%s", root, path);
	file_write(full, text);
}

static char *get(const char *path)
{
	static char text[4096];
	char full[256];
	snprintf(full, sizeof(full), "%s%s", root, path);
	FILE *in = fopen(full, "r");
	if (!in)
		return NULL;
	text[fread(text, 1, sizeof(text) - 1, in)] = 0;
	fclose(in);
	return text;
}

static int make_root(void **state)
{
	strcpy(root, "/tmp/epolltune-root-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	struct output o = run("cd '%s' && mkdir -p proc etc/sysctl.d run/sysctl.d usr/lib/sysctl.d "
			      "usr/local/lib/sysctl.d && ln -s usr/lib lib",
			      root);
	int status = o.status;
	output_free(&o);
	return status ? status : host_open(&machine, root, NULL);
}

static int remove_root(void **state)
{
	struct output o = run("rm -rf '%s'", root);
	output_free(&o);
	host_close(machine);
	return 0;
}

static struct sysctl_setting find(const char *name)
{
	struct sysctl_setting s;
	struct err e;
	assert_int_equal(sysctl_d_find(machine, SYSCTL_SYSTEMD, name, &s, &e), 0);
	return s;
}

static void says(const char *name, const char *value, const char *file)
{
	struct sysctl_setting s = find(name);
	assert_string_equal(s.value, value);
	assert_string_equal(s.file, file);
}

static void order_of_files(void **state)
{
	says("net.core.somaxconn", "", "");
	put("/usr/lib/sysctl.d/50-a.conf", "net.core.somaxconn = 1\n");
	says("net.core.somaxconn", "1", "/usr/lib/sysctl.d/50-a.conf");
	/* In the order of names, in any directory. */
	put("/etc/sysctl.d/40-b.conf", "net.core.somaxconn = 2\n");
	says("net.core.somaxconn", "1", "/usr/lib/sysctl.d/50-a.conf");
	put("/run/sysctl.d/60-c.conf", "net.core.somaxconn = 3\n");
	says("net.core.somaxconn", "3", "/run/sysctl.d/60-c.conf");
	/* The same name in an earlier directory masks it, even if empty or a link to /dev/null. */
	put("/etc/sysctl.d/60-c.conf", "net.core.somaxconn = 4\n");
	says("net.core.somaxconn", "4", "/etc/sysctl.d/60-c.conf");
	put("/etc/sysctl.d/60-c.conf", "");
	says("net.core.somaxconn", "1", "/usr/lib/sysctl.d/50-a.conf");
	char mask[128];
	snprintf(mask, sizeof(mask), "%s/etc/sysctl.d/50-a.conf", root);
	assert_int_equal(symlink("/dev/null", mask), 0);
	errno = ENOMEM; /* of an earlier call: no error of these files */
	says("net.core.somaxconn", "2", "/etc/sysctl.d/40-b.conf");
	/* Other files are not read. */
	put("/etc/sysctl.d/99-z.conf.bak", "net.core.somaxconn = 5\n");
	put("/etc/sysctl.d/.99-z.conf", "net.core.somaxconn = 6\n");
	says("net.core.somaxconn", "2", "/etc/sysctl.d/40-b.conf");
}

static void lines(void **state)
{
	put("/etc/sysctl.d/1.conf", "# net.core.somaxconn = 1\n"
				    "; net.core.somaxconn = 2\n"
				    "   net.core.somaxconn=3   \n"
				    "net.core.somaxconn\n"
				    "net.ipv4.tcp_rmem =\t4096\t131072 6291456\n"
				    "-net.ipv4.tcp_wmem = 1 2 3\n"
				    "net/core/rmem_max = 7\n"
				    "net/ipv4/conf/eth0.100/rp_filter = 8\n");
	struct sysctl_setting s = find("net.core.somaxconn");
	assert_string_equal(s.value, "3");
	assert_int_equal(s.line, 3);
	assert_string_equal(find("net.ipv4.tcp_rmem").value, "4096\t131072 6291456");
	assert_string_equal(find("net.ipv4.tcp_wmem").value, "1 2 3");
	assert_string_equal(find("net.core.rmem_max").value, "7");
	assert_string_equal(find("net.ipv4.conf.eth0/100.rp_filter").value, "8");
}

static void has_name(const char *text, const char *name)
{
	struct sysctl_line line;
	bool set = sysctl_d_line(text, strlen(text), &line);
	if (set != !!name || (set && strcmp(line.name, name) != 0))
		fail_msg("\"%s\" sets %s", text, set ? line.name : "nothing");
}

/* As systemd 252 writes them. */
static void names_have_other_spellings(void **state)
{
	static const char somaxconn[] = "net.core.somaxconn";
	has_name("/net/core/somaxconn = 5", somaxconn);
	has_name("//net/core/somaxconn = 5", somaxconn);
	has_name("net//core/somaxconn = 5", somaxconn);
	has_name("net/./core/somaxconn = 5", somaxconn);
	has_name("net/core/somaxconn/ = 5", somaxconn);
	has_name(".net.core.somaxconn = 5", somaxconn);
	has_name("net..core..somaxconn = 5", somaxconn);
	has_name("net./.core.somaxconn = 5", somaxconn);
	has_name("net.core.somaxconn. = 5", somaxconn);
	has_name("-net//core/somaxconn", somaxconn);
	has_name("- net.core.somaxconn", somaxconn);
	has_name("net..ipv4.conf.eth0/100.rp_filter = 1", "net.ipv4.conf.eth0/100.rp_filter");
	has_name("/net.core.somaxconn = 5", "net/core/somaxconn");
	has_name("./net/core/somaxconn = 5", "/net/core/somaxconn");
	has_name("/proc/sys/net/core/somaxconn = 5", "proc.sys.net.core.somaxconn");
	has_name("net/core/../core/somaxconn = 5", "net.core.//.core.somaxconn");
	has_name("- net.core.somaxconn = 5", somaxconn);
	has_name("--net.core.somaxconn = 5", "-net.core.somaxconn");
	has_name("/ = 5", NULL);
	has_name("... = 5", NULL);
}

static void a_name_has_one_file(void **state)
{
	static const char *const rows[][2] = {
		{"net.core.somaxconn", "proc/sys/net/core/somaxconn"},
		{"net.ipv4.conf.eth0/100.rp_filter", "proc/sys/net/ipv4/conf/eth0.100/rp_filter"},
		{"net/core/somaxconn", "proc/sys/net.core.somaxconn"},
	};
	char path[SYSCTL_PATH], longest[SYSCTL_NAME];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		sysctl_path(rows[i][0], path);
		assert_string_equal(path, rows[i][1]);
	}
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	sysctl_path(longest, path);
	assert_string_equal(path + strlen("proc/sys/"), longest);
}

/* The kernel's list of reserved ports may have 190 KiB. */
static void a_long_value_sets_its_name(void **state)
{
	enum { LENGTH = 5000 };
	char text[LENGTH + 64];
	struct sysctl_line line;
	int n = snprintf(text, sizeof(text), " net.ipv4.ip_local_reserved_ports = 8%0*d \t",
			 LENGTH - 1, 9);
	assert_true(sysctl_d_line(text, (size_t)n, &line));
	assert_string_equal(line.name, "net.ipv4.ip_local_reserved_ports");
	assert_true(line.cut);
	assert_int_equal(line.length, LENGTH);
	assert_int_equal(line.whole[0], '8');
	assert_int_equal(line.whole[LENGTH - 1], '9');
	assert_int_equal(strlen(line.value), SYSCTL_D_VALUE - 1);
	assert_true(sysctl_d_line("a.b = 1 ", 8, &line) && !line.cut && line.length == 1);
	/* It is the last one that sets the name. */
	put("/etc/sysctl.d/1.conf", "net.ipv4.ip_local_reserved_ports = 80\n");
	put("/etc/sysctl.d/2.conf", text);
	assert_string_equal(find("net.ipv4.ip_local_reserved_ports").file, "/etc/sysctl.d/2.conf");
}

static void patterns(void **state)
{
	put("/etc/sysctl.d/9.conf", "net.core.*max = 9\n");
	says("net.core.rmem_max", "9", "/etc/sysctl.d/9.conf");
	assert_string_equal(find("net.core.somaxconn").value, "");
	assert_string_equal(find("net.ipv4.tcp_max").value, "");
	/* A name beats a pattern, in any order. */
	put("/etc/sysctl.d/1.conf", "net.core.rmem_max = 1\n-net.core.wmem_max\n");
	says("net.core.rmem_max", "1", "/etc/sysctl.d/1.conf");
	assert_string_equal(find("net.core.wmem_max").value, "");
}

static void is_set_by_procps(const char *text, const char *value)
{
	struct sysctl_setting s;
	struct err e;
	put("/etc/sysctl.d/1.conf", text);
	assert_int_equal(sysctl_d_find(machine, SYSCTL_PROCPS, "net.core.somaxconn", &s, &e), 0);
	if (strcmp(s.value, value) != 0)
		fail_msg("%s sets %s", text, s.value);
}

/* Of a line and an earlier one of its name. */
static void a_line_that_says_the_same_keeps_its_place(void **state)
{
	static const struct {
		enum sysctl_reader reader;
		const char *earlier, *value; /* NULL: excludes */
		bool moves;
	} rows[] = {
		{SYSCTL_SYSTEMD, "1", "1", false},   {SYSCTL_SYSTEMD, "1", "2", true},
		{SYSCTL_SYSTEMD, NULL, NULL, false}, {SYSCTL_SYSTEMD, "", NULL, true},
		{SYSCTL_SYSTEMD, NULL, "", true},    {SYSCTL_SYSTEMD, "1  2", "1 2", true},
		{SYSCTL_PROCPS, "1", "1", true},     {SYSCTL_TUNED, "1", "1", true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *was = rows[i].earlier, *is = rows[i].value;
		if (sysctl_line_moves(rows[i].reader, was ? was : "", !was, is ? is : "", !is) !=
		    rows[i].moves)
			fail_msg("row %zu", i);
	}
}

/* As sysctl --system of procps 4.0.2 does. */
static void exclusions_are_of_patterns_for_procps(void **state)
{
	is_set_by_procps("net.core.somaxconn = 9\n-net.core.somaxconn\n", "9");
	is_set_by_procps("-net.core.somaxconn\nnet.core.somaxconn = 9\n", "9");
	is_set_by_procps("net.core.somax* = 9\n-net.core.somaxconn\n", "");
	is_set_by_procps("net.core.somax* = 9\n- net.core.somaxconn\n", "9");
	is_set_by_procps("net.core.somax* = 9\nnet.core.*xconn = 5\nnet.core.somax* = 9\n", "9");
	says("net.core.somaxconn", "5", "/etc/sysctl.d/1.conf");
	is_set_by_procps("- net.core.somaxconn = 9\n", "");
	says("net.core.somaxconn", "9", "/etc/sysctl.d/1.conf");
}

static void sysctl_conf(void **state)
{
	struct sysctl_setting s;
	struct err e;
	char link[128];
	put("/etc/sysctl.conf", "net.core.somaxconn = 5\n");
	assert_int_equal(sysctl_d_find_conf(machine, "net.core.somaxconn", &s, &e), 0);
	assert_string_equal(s.value, "5");
	says("net.core.somaxconn", "", "");
	assert_int_equal(sysctl_d_find(machine, SYSCTL_PROCPS, "net.core.somaxconn", &s, &e), 0);
	assert_string_equal(s.file, "/etc/sysctl.conf");
	assert_int_equal(sysctl_d_override(machine, SYSCTL_PROCPS, "net.core.somaxconn", &s, &e),
			 0);
	assert_string_equal(s.file, "/etc/sysctl.conf");
	assert_int_equal(sysctl_d_override(machine, SYSCTL_SYSTEMD, "net.core.somaxconn", &s, &e),
			 0);
	assert_string_equal(s.file, "");
	/* Debian links it into sysctl.d. */
	snprintf(link, sizeof(link), "%s/etc/sysctl.d/99-sysctl.conf", root);
	assert_int_equal(symlink("../sysctl.conf", link), 0);
	says("net.core.somaxconn", "5", "/etc/sysctl.d/99-sysctl.conf");
	assert_int_equal(sysctl_d_find_conf(machine, "net.core.somaxconn", &s, &e), 0);
	assert_string_equal(s.value, "");
}

static void overrides(enum sysctl_reader reader, const char *value)
{
	struct sysctl_setting s;
	struct err e;
	assert_int_equal(
		sysctl_d_override(machine, reader, "net.netfilter.nf_conntrack_max", &s, &e), 0);
	assert_string_equal(s.value, value);
}

/* What lint says of the same lines in one file. */
static void lint_finds(const char *name, const char *first, const char *second, const char *value)
{
	struct lint l = {.kernel = UINT_MAX, .keeps = true};
	char text[512], path[128];
	snprintf(text, sizeof(text), "%s\n%s\n", first, second);
	put("/lint.conf", text);
	snprintf(path, sizeof(path), "%s/lint.conf", root);
	assert_int_equal(lint_file(&l, path, "sysctl.d/lint.conf", NULL), 0);
	const struct lint_value *v = sysctl_value_find(&l, name);
	if (strcmp(v ? v->value : "", value) != 0)
		fail_msg("lint: %s; %s: %s", first, second, v ? v->value : "");
	/* All others have a winner, and it has none. */
	for (size_t i = 0; i < l.values.count; i++) {
		const struct lint_value *of = &l.values.at[i];
		assert_true(of->exclude || !sysctl_value_winner(&l, of) == (of == v));
	}
	lint_close(&l);
}

/* The kernel has one value for both; systemd writes the last line of each name, in their order. */
static void two_names_set_one_value(void **state)
{
	static const char max[] = "net.netfilter.nf_conntrack_max";
	static const struct {
		const char *first, *second, *value, *procps;
	} rows[] = {
		{"net.nf_conntrack_max = 1", "", "1", "1"},
		{"net.nf_conntrack_max = 1", "net.netfilter.nf_conntrack_max = 2", "2", "2"},
		{"net.netfilter.nf_conntrack_max = 2", "net.nf_conntrack_max = 1", "1", "1"},
		{"net.netfilter.nf_conntrack_max = 2", "-net.nf_conntrack_max", "2", "2"},
		{"net.nf_conntrack_max = 1", "-net.netfilter.nf_conntrack_max", "1", "1"},
		{"net.nf_conntrack_max = 1", "net.netfilter.* = 2", "2", "2"},
		{"net.netfilter.* = 2", "net.nf_conntrack_max = 1", "1", "1"},
		{"net.nf_conntrack_max = 1\nnet.netfilter.nf_conntrack_max = 2",
		 "net.nf_conntrack_max = 1", "2", "1"},
		{"net.nf_conntrack_max = 1\nnet.netfilter.nf_conntrack_max = 2\n"
		 "net.nf_conntrack_max = 3",
		 "net.nf_conntrack_max = 1", "1", "1"},
		{"net.netfilter.nf_conntrack_max=262144\nnet.nf_conntrack_max=524288",
		 "net.netfilter.nf_conntrack_max=262144", "524288", "262144"},
		{"net.netfilter.nf_conntrack_max = 1\nnet.nf_conntrack_max = 2",
		 "-net.nf_conntrack_max", "1", "2"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sysctl_setting s;
		/* lint judges no patterns. */
		if (!strchr(rows[i].first, '*') && !strchr(rows[i].second, '*'))
			lint_finds(max, rows[i].first, rows[i].second, rows[i].value);
		put("/etc/sysctl.d/10-a.conf", rows[i].first);
		put("/etc/sysctl.d/99-b.conf", rows[i].second);
		if (strcmp(find(max).value, rows[i].value) != 0)
			fail_msg("%s; %s: %s", rows[i].first, rows[i].second, find(max).value);
		assert_int_equal(sysctl_d_find(machine, SYSCTL_PROCPS, max, &s, NULL), 0);
		if (strcmp(s.value, rows[i].procps) != 0)
			fail_msg("procps: %s; %s: %s", rows[i].first, rows[i].second, s.value);
	}
	assert_string_equal(sysctl_key("net.nf_conntrack_max"), max);
	assert_string_equal(sysctl_key("net.core.somaxconn"), "net.core.somaxconn");
	assert_string_equal(sysctl_twin(max), "net.nf_conntrack_max");
	assert_string_equal(sysctl_twin("net.nf_conntrack_max"), max);
	assert_null(sysctl_twin("net.core.somaxconn"));
	/* Ours is of one name, a later file, or the last one of procps, has the other. */
	put("/etc/sysctl.d/99-b.conf", "");
	put(OURS, "net.netfilter.nf_conntrack_max = 9\n");
	overrides(SYSCTL_SYSTEMD, "");
	put("/etc/sysctl.conf", "net.nf_conntrack_max = 5\n");
	overrides(SYSCTL_SYSTEMD, "");
	overrides(SYSCTL_PROCPS, "5");
	put("/etc/sysctl.d/99-b.conf", "net.nf_conntrack_max = 7\n");
	overrides(SYSCTL_SYSTEMD, "7");
	/* A pattern of the other name is written after it. */
	put("/etc/sysctl.d/99-b.conf", "net.nf_conntrack_m?x = 6\nnet.netfilter.* = 8\n");
	overrides(SYSCTL_SYSTEMD, "6");
	put("/etc/sysctl.d/99-b.conf", "net.nf_conntrack_max = 7\n");
	struct sysctl_setting s;
	assert_int_equal(sysctl_d_find_conf(machine, max, &s, NULL), 0);
	assert_string_equal(s.value, "5");
}

static struct change_site site(void)
{
	return (struct change_site){.root = root, .files = machine};
}

static void write_line(const char *name, const char *value)
{
	struct err e = {0};
	struct change_site s = site();
	if (kind_sysctl_d.write(&s, name, value, &e) < 0)
		fail_msg("%s", e.text);
	char back[CHANGE_VALUE];
	assert_int_equal(kind_sysctl_d.read(&s, name, back, &e), 0);
	assert_string_equal(back, value);
}

static void line(char value[CHANGE_VALUE], const char *name, const char *set_to, unsigned run)
{
	struct err e;
	const struct change_author alice = {.by = "alice", .run = run};
	assert_int_equal(kind_sysctl_d.file->line(NULL, name, set_to, "why", &alice, value, &e), 0);
}

/* TuneD applies the files of /run and /etc again, lines by name only, /etc/sysctl.conf last. */
static void tuned_reads_last(void **state)
{
	static const char max[] = "net.netfilter.nf_conntrack_max";
	static const struct {
		const char *shipped, *run, *etc, *conf, *value, *later;
	} rows[] = {
		{"net.nf_conntrack_max = 1\n", "", "", "", "1", ""},
		{"net.nf_conntrack_max = 1\n", "", "net.nf_conntrack_max = 2\n", "", "2", "2"},
		{"", "net.nf_conntrack_max = 3\n", "net.nf_conntrack_max = 2\n", "", "2", "2"},
		{"", "", "net.nf_conntrack_max = 2\n", "net/netfilter/nf_conntrack_max = 4\n", "4",
		 "4"},
		{"net.nf_conntrack_max = 1\n", "", "-net.nf_conntrack_max = 2\n", "", "1", ""},
		{"net.nf_conntrack_max = 1\n", "", "net.nf_* = 2\n", "", "1", ""},
		{"", "net.nf_conntrack_max = 3\n", "-net.nf_conntrack_max\n", "", "3", ""},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sysctl_setting s, later;
		put("/usr/lib/sysctl.d/99-z.conf", rows[i].shipped);
		put("/run/sysctl.d/20-b.conf", rows[i].run);
		put("/etc/sysctl.d/98-a.conf", rows[i].etc);
		put("/etc/sysctl.conf", rows[i].conf);
		assert_int_equal(sysctl_d_find(machine, SYSCTL_TUNED, max, &s, NULL), 0);
		assert_int_equal(sysctl_d_override(machine, SYSCTL_TUNED, max, &later, NULL), 0);
		if (strcmp(s.value, rows[i].value) != 0 || strcmp(later.value, rows[i].later) != 0)
			fail_msg("row %zu: %s, %s", i, s.value, later.value);
	}
}

static void a_value_says_its_run_and_its_line(void **state)
{
	const struct change_author alice = {.by = "alice", .run = 4000000000};
	struct err e = {0};
	char value[CHANGE_VALUE];
	assert_int_equal(dropin_line(value, "a = # run 7, b", "why", &alice, &e), 0);
	assert_int_equal(dropin_run(value), 4000000000);
	assert_string_equal(dropin_setting(value), "a = # run 7, b");
	/* A line that another hand wrote, or none. */
	assert_int_equal(dropin_run("a = # run 7, b"), 0);
	assert_string_equal(dropin_setting("a = 1"), "a = 1");
	assert_int_equal(dropin_run(""), 0);
	assert_string_equal(dropin_setting(""), "");
}

static void our_file_is_created_and_removed(void **state)
{
	char a[CHANGE_VALUE], b[CHANGE_VALUE], c[CHANGE_VALUE], first[4096], setting[CHANGE_VALUE];
	line(a, "net.core.somaxconn", "100", 1);
	line(b, "net.ipv4.tcp_rmem", "4096 131072 8388608", 1);
	line(c, "net.core.somaxconn", "200", 2);
	assert_string_equal(a, "# run 1, 1970-01-01T00:00:00Z, alice: why\n"
			       "net.core.somaxconn = 100");
	kind_sysctl_d.file->setting("", b, setting);
	assert_string_equal(setting, "4096 131072 8388608");

	write_line("net.core.somaxconn", a);
	write_line("net.ipv4.tcp_rmem", b);
	strcpy(first, get(OURS));
	assert_true(strncmp(first, DROPIN_HEAD, strlen(DROPIN_HEAD)) == 0);
	says("net.core.somaxconn", "100", OURS);
	assert_true(find("net.core.somaxconn").ours);
	/* The line of another run replaces it; rolled back in any order. */
	write_line("net.core.somaxconn", c);
	says("net.core.somaxconn", "200", OURS);
	write_line("net.core.somaxconn", a);
	assert_string_equal(get(OURS), first);
	write_line("net.core.somaxconn", "");
	write_line("net.ipv4.tcp_rmem", "");
	assert_null(get(OURS));

	char full[128];
	struct stat st;
	write_line("net.core.somaxconn", a);
	snprintf(full, sizeof(full), "%s" OURS, root);
	assert_int_equal(stat(full, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void lines_of_others_are_kept(void **state)
{
	char a[CHANGE_VALUE], b[CHANGE_VALUE], before[4096], full[128];
	line(a, "net.core.somaxconn", "100", 1);
	line(b, "net.core.rmem_max", "300", 2);
	write_line("net.core.somaxconn", a);
	snprintf(before, sizeof(before), "%s\n# by hand\nvm.swappiness = 1\nnet.core.rmem_max=5\n",
		 get(OURS));
	put(OURS, before);
	snprintf(full, sizeof(full), "%s" OURS, root);
	assert_int_equal(chmod(full, 0600), 0);

	char was[CHANGE_VALUE];
	struct err e;
	struct change_site s = site();
	assert_int_equal(kind_sysctl_d.read(&s, "net.core.rmem_max", was, &e), 0);
	assert_string_equal(was, "net.core.rmem_max=5");
	write_line("net.core.rmem_max", b);
	assert_non_null(strstr(get(OURS), "# by hand\nvm.swappiness = 1\n# run 2"));
	write_line("net.core.rmem_max", was);
	assert_string_equal(get(OURS), before);
	struct stat st;
	assert_int_equal(stat(full, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void refused(int code, const char *needle)
{
	char a[CHANGE_VALUE];
	struct change_site s = site();
	struct err e = {0};
	line(a, "net.core.somaxconn", "100", 1);
	assert_int_equal(kind_sysctl_d.write(&s, "net.core.somaxconn", a, &e), code);
	if (!strstr(e.text, needle))
		fail_msg("\"%s\" lacks \"%s\"", e.text, needle);
	assert_int_equal(kind_sysctl_d.check(&s, "net.core.somaxconn", a, &e), code);
}

static void only_our_own_file(void **state)
{
	char full[128], other[128], directory[128];
	snprintf(full, sizeof(full), "%s" OURS, root);
	snprintf(other, sizeof(other), "%s/other", root);
	snprintf(directory, sizeof(directory), "%s/etc/sysctl.d", root);
	put(OURS, "net.core.somaxconn = 5\n");
	refused(-EEXIST, "does not begin with \"# Written by epolltune\"");
	assert_string_equal(get(OURS), "net.core.somaxconn = 5\n");
	put(OURS, "# Written by epolltune, but cut of");
	refused(-EBADMSG, "final newline");
	assert_int_equal(unlink(full), 0);
	put("/other", "# Written by epolltune\n");
	assert_int_equal(symlink(other, full), 0);
	refused(-EPERM, "symbolic link");
	assert_int_equal(unlink(full), 0);
	assert_int_equal(link(other, full), 0);
	refused(-EPERM, "not a regular file");
	assert_int_equal(unlink(full), 0);
	assert_int_equal(rmdir(directory), 0);
	refused(-ENOENT, "sysctl.d");
	assert_int_equal(symlink("/tmp", directory), 0);
	refused(-EPERM, "symbolic link");
}

/* In a child with mounts of its own: whether the last line is removed from a file system that has
 * room for no other file. 77: it cannot mount. */
static int removed_without_room(const char *a)
{
	char full[128];
	struct change_site s = site();
	struct err e = {0};
	snprintf(full, sizeof(full), "%s/etc/sysctl.d", root);
	if (namespace_enter() || unshare(CLONE_NEWNS) ||
	    mount("tmpfs", full, "tmpfs", 0, "nr_inodes=3"))
		return 77;
	if (kind_sysctl_d.write(&s, "net.core.somaxconn", a, &e))
		return 1;
	put("/etc/sysctl.d/full", "");
	if (kind_sysctl_d.write(&s, "net.core.rmem_max", "net.core.rmem_max = 1", &e) != -ENOSPC)
		return 2;
	if (kind_sysctl_d.write(&s, "net.core.somaxconn", "", &e))
		return 3;
	return get(OURS) ? 4 : 0;
}

static void a_full_file_system_can_be_rolled_back(void **state)
{
	char a[CHANGE_VALUE];
	int status;
	line(a, "net.core.somaxconn", "100", 1);
	pid_t pid = fork();
	if (pid == 0)
		_exit(removed_without_room(a));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip_because("no mount namespace");
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Without locks any temporary file is a leftover. */
static void a_file_system_needs_no_locks(void **state)
{
	static const char temporary[] = "/etc/sysctl.d/.90-epolltune.conf.new";
	char a[CHANGE_VALUE];
	struct change_site s = site();
	struct err e;
	line(a, "net.core.somaxconn", "100", 1);
	lockless = true;
	put(temporary, "torn");
	write_line("net.core.somaxconn", a);
	assert_null(get(temporary));
	put(temporary, "torn");
	write_line("net.core.somaxconn", "");
	assert_null(get(temporary));
	assert_null(get(OURS));
	put(temporary, "torn");
	assert_int_equal(dropin_tidy(&s, "/etc/sysctl.d", &e), 0);
	assert_null(get(temporary));
	lockless = false;
}

/* The temporary file of another writer, as one with a journal elsewhere, is its own. */
static void another_writer_keeps_its_file(void **state)
{
	static const char temporary[] = "/etc/sysctl.d/.90-epolltune.conf.new";
	char a[CHANGE_VALUE], full[128];
	struct change_site s = site();
	struct err e;
	line(a, "net.core.somaxconn", "100", 1);
	put(temporary, "half");
	snprintf(full, sizeof(full), "%s%s", root, temporary);
	int writer = open(full, O_RDONLY);
	assert_int_equal(flock(writer, LOCK_EX), 0);
	assert_int_equal(kind_sysctl_d.write(&s, "net.core.somaxconn", a, &e), -EBUSY);
	assert_string_equal(get(temporary), "half");
	assert_int_equal(dropin_tidy(&s, "/etc/sysctl.d", &e), 0);
	assert_string_equal(get(temporary), "half");
	close(writer);
	write_line("net.core.somaxconn", a);
	assert_null(get(temporary));
	/* Gone since its name was read. */
	int directory = open(root, O_RDONLY | O_DIRECTORY);
	assert_int_equal(temporary_remove(directory, "gone"), 0);
	close(directory);
}

/* The temporary file of a crash before the rename is harmless, and removed. */
static void temporary_files_are_removed(void **state)
{
	char a[CHANGE_VALUE];
	struct change_site s = site();
	struct err e;
	line(a, "net.core.somaxconn", "100", 1);
	put("/etc/sysctl.d/.90-epolltune.conf.new", "torn");
	write_line("net.core.somaxconn", a);
	assert_null(get("/etc/sysctl.d/.90-epolltune.conf.new"));
	put("/etc/sysctl.d/.90-epolltune.conf.new", "torn");
	assert_int_equal(dropin_tidy(&s, "/etc/sysctl.d", &e), 0);
	assert_null(get("/etc/sysctl.d/.90-epolltune.conf.new"));
	assert_int_equal(dropin_tidy(&s, "/etc/sysctl.d", &e), 0);
}

static void long_and_odd_comments(void **state)
{
	char value[CHANGE_VALUE], why[600];
	struct err e;
	memset(why, 'w', sizeof(why));
	why[sizeof(why) - 1] = 0;
	const struct change_author x = {.by = "x", .run = 1},
				   evil = {.by = "x\nkernel.core_pattern = |evil", .run = 1};
	const struct change_file *file = kind_sysctl_d.file;
	assert_int_equal(file->line(NULL, "a.b", "1", why, &x, value, &e), -EFBIG);
	assert_int_equal(file->line(NULL, "a.b", "1", "two\nlines", &evil, value, &e), 0);
	char setting[CHANGE_VALUE];
	kind_sysctl_d.file->setting("", value, setting);
	assert_string_equal(setting, "1");
	assert_ptr_equal(strchr(value, '\n'), strrchr(value, '\n'));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(order_of_files),
		TEST(lines),
		TEST(names_have_other_spellings),
		TEST(a_name_has_one_file),
		TEST(a_long_value_sets_its_name),
		TEST(patterns),
		TEST(a_line_that_says_the_same_keeps_its_place),
		TEST(exclusions_are_of_patterns_for_procps),
		TEST(sysctl_conf),
		TEST(two_names_set_one_value),
		TEST(tuned_reads_last),
		TEST(a_value_says_its_run_and_its_line),
		TEST(our_file_is_created_and_removed),
		TEST(lines_of_others_are_kept),
		TEST(only_our_own_file),
		TEST(temporary_files_are_removed),
		TEST(a_full_file_system_can_be_rolled_back),
		TEST(a_file_system_needs_no_locks),
		TEST(another_writer_keeps_its_file),
		TEST(long_and_odd_comments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
