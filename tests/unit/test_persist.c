/* Which lines apply --persist adds, and whether they will give the running value, on a captured
 * machine. */
#include "../support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "epolltune/host.h"
#include "host/modules.h"
#include "host/sysctl_boot.h"
#include "tune/kind.h"
#include "tune/persist.h"
#include "tune/plan.h"
#include "tune/state.h"

#define BACKLOG_MAX "net.core.somaxconn"
#define RESERVED "net.ipv4.ip_local_reserved_ports"
#define CONNTRACK "net.netfilter.nf_conntrack_max"
#define OURS "/etc/sysctl.d/90-epolltune.conf"

static char root[64];
static struct host *host;
static struct change_site site;
static struct plan *plan;

/* As on an image. */
static bool read_only;

int access(const char *path, int mode)
{
	if (!read_only || !(mode & W_OK))
		return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
	errno = EROFS;
	return -1;
}

static void put(const char *path, const char *text)
{
	char full[256];
	snprintf(full, sizeof(full), "%s%s", root, path);
	file_write(full, text);
}

static int make_root(void **state)
{
	struct err e;
	strcpy(root, "/tmp/epolltune-persist-XXXXXX");
	plan = calloc(1, sizeof(*plan));
	if (!plan || !mkdtemp(root))
		return -1;
	struct output o = run(
		"cd '%s' && mkdir -p etc/sysctl.d etc/modules-load.d etc/modprobe.d usr/lib/modprobe.d "
		"run/systemd/system run/sysctl.d usr/lib/modules-load.d proc/sys/net/core proc/sys/net/ipv4 "
		"proc/sys/net/netfilter",
		root);
	int status = o.status;
	output_free(&o);
	put("/proc/sys/net/core/somaxconn", "1024\n");
	put("/proc/sys/net/ipv4/ip_local_reserved_ports", "\n");
	put("/proc/sys/net/netfilter/nf_conntrack_max", "500000\n");
	put("/identity", "boot b\nnetns n\ninitial 1\nfirst_pids 1\n");
	if (status || host_open(&host, root, &e) < 0)
		return -1;
	site = (struct change_site){.host = host, .root = root, .files = host};
	return 0;
}

static int remove_root(void **state)
{
	struct output o = run("rm -rf '%s'", root);
	output_free(&o);
	host_close(host);
	free(plan);
	return 0;
}

static struct change made(const char *name, const char *to, const char *became)
{
	struct change c = {.scope = CHANGE_SYSTEM, .state = CHANGE_DONE, .kind = &kind_sysctl};
	snprintf(c.name, sizeof(c.name), "%s", name);
	snprintf(c.finding, sizeof(c.finding), "x.short");
	snprintf(c.to, sizeof(c.to), "%s", to);
	snprintf(c.became, sizeof(c.became), "%s", became);
	return c;
}

/* Plans the line for a change, writes it; the number of lines. */
static size_t persisted(const struct change *c)
{
	const struct change_author test = {.by = "test", .run = 1};
	struct err e = {0};
	*plan = (struct plan){0};
	if (plan_persist(plan, c, 1, &test, &site, &e) < 0)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < plan->count; i++)
		if (kind_sysctl_d.write(&site, c->name, plan->changes[i].to, &e) < 0)
			fail_msg("%s", e.text);
	return plan->count;
}

/* What a person reads of it. */
static const char *said(const struct change *c, bool agrees)
{
	static char text[CHANGE_VALUE * 3];
	const struct change line = {.kind = &kind_sysctl_d};
	struct change of = line;
	struct persisted p;
	struct err e = {0};
	memcpy(of.name, c->name, sizeof(of.name));
	if (persist_look(&of, c, 1, &site, &p, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(p.agrees, agrees);
	persist_text(&p, text, sizeof(text));
	return text;
}

/* The kernel or the driver rounds at boot as it did now. */
static void a_rounded_value_agrees(void **state)
{
	struct change c = made(BACKLOG_MAX, "1000", "1024");
	assert_int_equal(persisted(&c), 1);
	assert_non_null(strstr(plan->changes[0].to, "\n" BACKLOG_MAX " = 1000"));
	assert_string_equal(said(&c, true),
			    "1000 after a reboot, which the kernel adjusts to 1024, as now");
	assert_int_equal(persisted(&c), 0);
	/* As an earlier version wrote it. */
	put(OURS, "# Written by epolltune\n" BACKLOG_MAX " = 1024\n");
	assert_int_equal(persisted(&c), 0);
	assert_string_equal(said(&c, true), "1024 after a reboot, as now");
	put(OURS, "# Written by epolltune\n" BACKLOG_MAX " = 999\n");
	assert_string_equal(said(&c, false), "999 after a reboot, but 1024 now");
	assert_int_equal(persisted(&c), 1);
	/* A later file that has either of the two overrides nothing. */
	put("/etc/sysctl.d/99-a.conf", BACKLOG_MAX " = 1000\n");
	assert_int_equal(persisted(&c), 0);
	assert_int_equal(plan->manual_count, 0);
	put("/etc/sysctl.d/99-a.conf", BACKLOG_MAX " = 77\n");
	persisted(&c);
	assert_int_equal(plan->manual_count, 1);
}

static void an_empty_value_is_a_value(void **state)
{
	struct change c = made(RESERVED, "", "");
	strcpy(c.from, "8080");
	put("/etc/sysctl.d/50-a.conf", RESERVED " = 8080\n");
	assert_int_equal(persisted(&c), 1);
	assert_string_equal(said(&c, true), "(empty) after a reboot, as now");
	assert_int_equal(persisted(&c), 0);
	put("/etc/sysctl.d/99-a.conf", "-" RESERVED "\n");
	persisted(&c);
	assert_string_equal(plan->manual[0].why, "at the next boot /etc/sysctl.d/99-a.conf:1 "
						 "overrides our line: excludes the knob");
	assert_non_null(strstr(said(&c, false), ":1 excludes the knob"));
	put("/etc/sysctl.d/99-a.conf", RESERVED " =\n");
	assert_int_equal(persisted(&c), 0);
	assert_int_equal(plan->manual_count, 0);
}

static void what_another_file_sets_has_no_line(void **state)
{
	struct change c = made(BACKLOG_MAX, "1024", "1024");
	put("/etc/sysctl.d/50-admin.conf", BACKLOG_MAX " = 1024\n");
	assert_int_equal(persisted(&c), 0);
	put("/etc/sysctl.d/50-admin.conf", BACKLOG_MAX " = 512\n");
	assert_int_equal(persisted(&c), 1);
	assert_string_equal(said(&c, true), "1024 after a reboot, as now");
}

/* What another file sets higher is never lowered, before our line or after it. */
static void what_another_file_sets_higher_stays(void **state)
{
	static const char rmem[] = "net.ipv4.tcp_rmem", want[] = "4096 262144 16777216";
	static const struct {
		const char *name, *from, *to, *file, *text, *line; /* NULL: no line */
		unsigned steps;
	} rows[] = {
		{BACKLOG_MAX, "16", "1024", "50-a.conf", "4096", NULL, 0},
		{BACKLOG_MAX, "16", "1024", "99-a.conf", "4096", NULL, 0},
		{BACKLOG_MAX, "16", "1024", "99-a.conf", "512", "1024", 1},
		/* Asked for. */
		{BACKLOG_MAX, "8192", "1024", "50-a.conf", "4096", "1024", 0},
		{BACKLOG_MAX, "8192", "1024", "99-a.conf", "4096", "1024", 1},
		{"net.ipv4.tcp_keepalive_time", "7200", "280", "50-a.conf", "120", NULL, 0},
		{"net.ipv4.tcp_keepalive_time", "7200", "280", "50-a.conf", "300", "280", 0},
		{"net.ipv4.tcp_congestion_control", "cubic", "bbr", "50-a.conf", "dctcp", "bbr", 0},
		/* By field. */
		{rmem, "4096 131072 6291456", want, "50-a.conf", "4096 131072 33554432",
		 "4096 262144 33554432", 0},
		{rmem, "4096 131072 6291456", want, "50-a.conf", "8192 262144 33554432", NULL, 0},
		{"net.ipv4.ip_local_port_range", "32768 60999", "20000 60999", "50-a.conf",
		 "16384 65535", NULL, 0},
		{RESERVED, "", "8080", "50-a.conf", "8080,9000-9010", NULL, 0},
		{RESERVED, "", "8080", "50-a.conf", "9000-9010", "8080,9000-9010", 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char path[64], text[160];
		struct change c = made(rows[i].name, rows[i].to, rows[i].to);
		strcpy(c.from, rows[i].from);
		struct output o = run("rm -f %s/etc/sysctl.d/*", root);
		output_free(&o);
		snprintf(path, sizeof(path), "/proc/sys/%s", rows[i].name);
		for (char *dot = path; (dot = strchr(dot, '.'));)
			*dot = '/';
		put(path, rows[i].to);
		snprintf(path, sizeof(path), "/etc/sysctl.d/%s", rows[i].file);
		snprintf(text, sizeof(text), "%s = %s\n", rows[i].name, rows[i].text);
		put(path, text);
		size_t lines = persisted(&c);
		snprintf(text, sizeof(text), "\n%s = %s", rows[i].name,
			 rows[i].line ? rows[i].line : "");
		if (lines != !!rows[i].line || plan->manual_count != rows[i].steps ||
		    (lines && !strstr(plan->changes[0].to, text)))
			fail_msg("row %zu: %zu lines, %zu steps: %s", i, lines, plan->manual_count,
				 lines ? plan->changes[0].to : "");
		/* The second time nothing is left to do. */
		assert_int_equal(persisted(&c), 0);
	}
}

/* A file of /run ends with this boot. */
static void what_ends_with_the_boot_needs_a_line(void **state)
{
	struct change c = made(BACKLOG_MAX, "1024", "1024");
	put("/run/sysctl.d/50-now.conf", BACKLOG_MAX " = 1024\n");
	assert_int_equal(persisted(&c), 1);
}

/* Files are read when the module, and with it the sysctl, may not be there yet. */
static void a_module_is_loaded_first(void **state)
{
	struct change c = made(CONNTRACK, "500000", "500000");
	assert_int_equal(persisted(&c), 1);
	assert_int_equal(plan->manual_count, 1);
	assert_string_equal(plan->manual[0].action, "load it first: echo nf_conntrack "
						    ">/etc/modules-load.d/nf_conntrack.conf");
	assert_non_null(strstr(said(&c, false), "only if nf_conntrack is loaded before"));
	struct output o = run("cd %s && %s", root, "echo nf_conntrack >etc/modules-load.d/a.conf");
	assert_int_equal(o.status, 0);
	output_free(&o);
	assert_int_equal(persisted(&c), 0);
	assert_int_equal(plan->manual_count, 0);
	assert_string_equal(said(&c, true), "500000 after a reboot, as now");
	c = made(BACKLOG_MAX, "1024", "1024");
	assert_null(module_late(host, c.name));
}

/* Guides write the other name of the value, into a file that is read after ours. */
static void a_line_of_the_other_name_overrides(void **state)
{
	const struct plan_options none = {0};
	struct change c = made(CONNTRACK, "500000", "500000");
	struct err e;
	put("/etc/modules-load.d/a.conf", "nf_conntrack\n");
	put("/etc/sysctl.d/99-b.conf", "net.nf_conntrack_max = 262144\n");
	assert_int_equal(persisted(&c), 1);
	assert_int_equal(plan->manual_count, 1);
	assert_string_equal(plan->manual[0].why, "at the next boot /etc/sysctl.d/99-b.conf:1 "
						 "overrides our line: sets 262144");
	assert_string_equal(said(&c, false), "262144 after a reboot, not 500000: "
					     "/etc/sysctl.d/99-b.conf:1 overrides our line; remove "
					     "that one");
	*plan = (struct plan){0};
	assert_int_equal(plan_drift(plan, &none, &site, &e), 0);
	assert_int_equal(plan->manual_count, 1);
	assert_string_equal(plan->manual[0].why,
			    "/etc/sysctl.d/99-b.conf:1 sets 262144 at the next boot");
}

/* A drop-in for another machine. */
static void a_line_of_a_module_says_how_to_load_it(void **state)
{
	static const char *const names[] = {CONNTRACK, BACKLOG_MAX};
	for (size_t i = 0; i < 2; i++) {
		char *text = NULL;
		size_t size;
		struct change c = made(names[i], "500000", "500000");
		FILE *out = open_memstream(&text, &size);
		assert_non_null(out);
		kind_sysctl.running->sysctl(out, &c);
		fclose(out);
		const char *load = strstr(text, "\n#   echo nf_conntrack >/etc/modules-load.d/"
						"nf_conntrack.conf\n" CONNTRACK " = 500000\n");
		assert_true(i == 0 ? load != NULL : strstr(text, "#   ") == NULL);
		free(text);
	}
}

/* The kube-proxy of a node sets its own value at each start. */
static void kube_proxy_sets_its_value_again(void **state)
{
	static const struct {
		const char *port, *from;
		bool step;
	} rows[] = {
		{"2810", "131072", true}, /* 10256 */
		{"2811", "131072", false},
		{"2810", "65536", false},
	};
	struct output o = run("mkdir -p %s/proc/net", root);
	output_free(&o);
	put("/etc/modules-load.d/a.conf", "nf_conntrack\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct change c = made(CONNTRACK, "500000", "500000");
		char text[240];
		strcpy(c.from, rows[i].from);
		snprintf(text, sizeof(text),
			 "  sl  local_address rem_address   st\n"
			 "   0: 00000000:%s 00000000:0000 0A 00000000:00000000 00:00000000 "
			 "00000000     0        0 108 1 0 100 0 0 10 0\n",
			 rows[i].port);
		put("/proc/net/tcp", text);
		persisted(&c);
		assert_int_equal(plan->manual_count, rows[i].step);
		if (rows[i].step)
			assert_non_null(strstr(plan->manual[0].action, "maxPerCore: 0"));
	}
}

/* ufw writes its file after those of sysctl.d, where it is enabled. */
static void the_file_of_ufw_overrides(void **state)
{
	static const struct {
		const char *enabled, *names, *path, *why; /* NULL: nothing overrides our line */
	} rows[] = {
		{"ENABLED=yes", "IPT_SYSCTL=/etc/ufw/sysctl.conf", "/etc/ufw/sysctl.conf",
		 "at the next boot /etc/ufw/sysctl.conf:2 overrides our line: sets 512"},
		{"ENABLED=yes", "IPT_SYSCTL=\"/etc/sysctl.conf\"", "/etc/sysctl.conf",
		 "at the next boot /etc/sysctl.conf:2 overrides our line: sets 512"},
		{"#\nENABLED=no", "IPT_SYSCTL=/etc/ufw/sysctl.conf", "/etc/ufw/sysctl.conf", NULL},
		{"ENABLED=yes", "IPT_SYSCTL=", "/etc/ufw/sysctl.conf", NULL},
		{"ENABLED=yes", "", "/etc/ufw/sysctl.conf", NULL},
		{"ENABLED=yes", "IPT_SYSCTL=/etc/ufw/none.conf", "/etc/ufw/sysctl.conf", NULL},
	};
	struct change c = made(BACKLOG_MAX, "1024", "1024");
	struct output o = run("mkdir -p %s/etc/ufw %s/etc/default", root, root);
	output_free(&o);
	persisted(&c);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[80];
		snprintf(text, sizeof(text), "%s\n", rows[i].enabled);
		put("/etc/ufw/ufw.conf", text);
		snprintf(text, sizeof(text), "%s\n", rows[i].names);
		put("/etc/default/ufw", text);
		put(rows[i].path, "net/ipv4/tcp_sack=1\nnet/core/somaxconn=512\n");
		assert_int_equal(persisted(&c), 0);
		assert_int_equal(plan->manual_count, !!rows[i].why);
		if (rows[i].why)
			assert_string_equal(plan->manual[0].why, rows[i].why);
		said(&c, !rows[i].why);
	}
}

#define FIREWALLD "/usr/lib/modprobe.d/firewalld-sysctls.conf"
#define INSTALL(module, pattern)                                                                   \
	"install " module " /usr/sbin/modprobe --ignore-install " module                           \
	" $CMDLINE_OPTS && /usr/sbin/sysctl --quiet --pattern 'net[.]netfilter[.]" pattern         \
	"' --system\n"

/* A command of modprobe.d is the last to set it. */
static void a_command_of_a_module_overrides(void **state)
{
	struct change c = made(CONNTRACK, "500000", "500000");
	put(OURS, "# Written by epolltune\n" CONNTRACK " = 500000\n");
	put("/etc/modprobe.d/a.conf",
	    "# ours\ninstall nf_conntrack /sbin/modprobe --ignore-install "
	    "nf_conntrack; sysctl -w "
	    "net.netfilter.nf_conntrack_max=65536\n");
	assert_int_equal(persisted(&c), 0);
	assert_int_equal(plan->manual_count, 1);
	assert_string_equal(plan->manual[0].why, "at the next boot /etc/modprobe.d/a.conf:2 "
						 "overrides our line: sets 65536");
	assert_non_null(strstr(said(&c, false), "65536 after a reboot, not 500000: "));
	put("/etc/modprobe.d/a.conf", "install nf_conntrack modprobe -i nf_conntrack; sysctl -w "
				      "net.nf_conntrack_max=655360\n");
	assert_int_equal(persisted(&c), 0);
	assert_int_equal(plan->manual_count, 0);
}

static void files_of_modules_are_read_as_systemd_does(void **state)
{
	static const struct {
		const char *path, *text;
		bool late;
	} files[] = {
		{"/usr/lib/modules-load.d/ct.conf", "nf-conntrack\n", false},
		{"/etc/modules-load.d/ct.conf", "# none\n", true}, /* masks it */
		{"/etc/modules-load.d/other.conf.disabled", "nf_conntrack\n", true},
		{"/etc/modules-load.d/other.conf", "nf_conntrack_netlink\n", true},
		/* As firewalld has it, and what is not it. */
		{FIREWALLD, INSTALL("nf_conntrack", "nf_conntrack.*"), false},
		{FIREWALLD, INSTALL("nf_conntrack_netlink", "nf_conntrack.*"), true},
		{FIREWALLD, INSTALL("nf_conntrack", "nf_conntrack_b.*"), true},
		{FIREWALLD, "install nf_conntrack /bin/true\n", true},
		{FIREWALLD, "install nf-conntrack modprobe -i nf_conntrack; \\\n sysctl -p\n",
		 false},
		{FIREWALLD, "install nf_conntrack modprobe -i nf_conntrack; echo --system\n", true},
		{"/etc/modules-load.d/other.conf", "nf_conntrack\n", false},
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		put(files[i].path, files[i].text);
		if (!module_late(host, CONNTRACK) == files[i].late)
			fail_msg("%s", files[i].path);
	}
}

/* Without systemd procps reads /etc/sysctl.conf last. */
static void sysctl_conf_overrides_without_systemd(void **state)
{
	struct change c = made(BACKLOG_MAX, "1024", "1024");
	put("/etc/sysctl.conf", BACKLOG_MAX " = 512\n");
	assert_int_equal(persisted(&c), 1);
	assert_int_equal(plan->manual_count, 0);
	assert_non_null(strstr(said(&c, true), "; /etc/sysctl.conf sets 512, which sysctl"));
	struct output o = run("rm -r %s/run/systemd", root);
	output_free(&o);
	assert_int_equal(persisted(&c), 0);
	assert_int_equal(plan->manual_count, 1);
	assert_string_equal(plan->manual[0].why,
			    "at the next boot /etc/sysctl.conf:1 overrides our line: sets 512");
	assert_string_equal(said(&c, false), "512 after a reboot, not 1024: /etc/sysctl.conf:1 "
					     "overrides our line; remove that one");
	const struct plan_options none = {0};
	struct err e;
	*plan = (struct plan){0};
	assert_int_equal(plan_drift(plan, &none, &site, &e), 0);
	assert_int_equal(plan->manual_count, 1);
}

/* What the kernel makes of a line counts, not its text. */
static void lines_count_as_the_kernel_reads_them(void **state)
{
	const struct plan_options none = {0};
	struct change c = made(BACKLOG_MAX, "1024", "1024");
	struct err e;
	put("/etc/sysctl.d/99-a.conf", BACKLOG_MAX " = 0x400 # enough\n");
	assert_int_equal(persisted(&c), 0);
	assert_int_equal(plan->manual_count, 0);
	assert_non_null(strstr(said(&c, true), "1024 after a reboot, as now; set by "));
	put("/etc/sysctl.d/99-a.conf", BACKLOG_MAX " = 0200\n");
	*plan = (struct plan){0};
	assert_int_equal(plan_drift(plan, &none, &site, &e), 0);
	assert_int_equal(plan->manual_count, 1);
	assert_string_equal(plan->manual[0].why,
			    "/etc/sysctl.d/99-a.conf:1 sets 128 at the next boot");
	put("/proc/sys/net/ipv4/tcp_rmem", "4096 131072 6291456\n");
	put("/etc/sysctl.d/99-a.conf", "net.ipv4.tcp_rmem = 4096 131072 65536\n");
	*plan = (struct plan){0};
	assert_int_equal(plan_drift(plan, &none, &site, &e), 0);
	assert_int_equal(plan->manual_count, 1);
}

/* A line that is in force now, by hand, and that no program applies at boot. */
static void a_line_that_is_not_applied_is_a_step(void **state)
{
	static const char masked[] = "mkdir -p etc/systemd/system; ln -s /dev/null "
				     "etc/systemd/system/systemd-sysctl.service",
			  early[] = "mkdir -p etc/modules-load.d; echo nf_conntrack "
				    ">etc/modules-load.d/a.conf";
	static const struct {
		const char *setup, *file, *name, *value, *why, *action; /* NULL: no step */
	} rows[] = {
		{"true", "sysctl.d/60-a.conf", BACKLOG_MAX, "8192", NULL, NULL},
		{masked, "sysctl.d/60-a.conf", BACKLOG_MAX, "8192",
		 "/etc/sysctl.d/60-a.conf:1 is not applied at boot: systemd-sysctl.service is "
		 "masked",
		 "run: sudo systemctl unmask"},
		/* The kernel's own is more. */
		{masked, "sysctl.d/60-a.conf", BACKLOG_MAX, "1024", NULL, NULL},
		{"true", "sysctl.conf", BACKLOG_MAX, "8192",
		 "/etc/sysctl.conf:1 is not applied at boot: systemd-sysctl does not read that "
		 "file",
		 "move the line to /etc/sysctl.d/NAME.conf"},
		{"ln -s ../sysctl.conf etc/sysctl.d/99-sysctl.conf", "sysctl.conf", BACKLOG_MAX,
		 "8192", NULL, NULL},
		{"rm -r run/systemd", "sysctl.conf", BACKLOG_MAX, "8192", NULL, NULL},
		{"true", "sysctl.d/60-a.conf", CONNTRACK, "1048576",
		 "/etc/sysctl.d/60-a.conf:1 is not applied at boot: the sysctl exists only while "
		 "nf_conntrack",
		 "load the module before the files are read: echo nf_conntrack"},
		{early, "sysctl.d/60-a.conf", CONNTRACK, "1048576", NULL, NULL},
	};
	const struct plan_options none = {0};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char path[64], text[80];
		struct err e = {0};
		struct output o = run("cd %s && rm -rf etc && mkdir -p etc/sysctl.d "
				      "run/systemd/system proc/sys/kernel && %s",
				      root, rows[i].setup);
		assert_int_equal(o.status, 0);
		output_free(&o);
		put("/proc/sys/kernel/osrelease", "6.1.0\n");
		snprintf(path, sizeof(path), "/proc/sys/%s", rows[i].name);
		for (char *dot = path; (dot = strchr(dot, '.'));)
			*dot = '/';
		put(path, rows[i].value);
		snprintf(path, sizeof(path), "/etc/%s", rows[i].file);
		snprintf(text, sizeof(text), "%s = %s\n", rows[i].name, rows[i].value);
		put(path, text);
		*plan = (struct plan){0};
		assert_int_equal(plan_drift(plan, &none, &site, &e), 0);
		const struct manual_step *m = &plan->manual[0];
		if (plan->manual_count != !!rows[i].why ||
		    (rows[i].why &&
		     (!strstr(m->why, rows[i].why) || !strstr(m->action, rows[i].action))))
			fail_msg("row %zu: %zu steps: %s: %s", i, plan->manual_count, m->why,
				 m->action);
	}
}

/* Which direction is worse depends on the knob. */
static void a_reboot_to_a_worse_value_is_a_step(void **state)
{
	static const struct {
		const char *name, *running, *boot;
		bool step;
	} rows[] = {
		{"net.ipv4.tcp_keepalive_time", "280", "7200", true},
		{"net.ipv4.tcp_keepalive_time", "7200", "300", false},
		{"net.ipv4.tcp_tw_reuse", "1", "2", true},
		{"net.ipv4.tcp_tw_reuse", "2", "1", false},
		{"net.ipv4.tcp_abort_on_overflow", "0", "1", true},
		{"net.ipv4.tcp_congestion_control", "bbr", "cubic", false},
		{RESERVED, "8080", "9000", true},
		{RESERVED, "8080", "8080,9000", false},
	};
	const struct plan_options none = {0};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char path[64], text[80];
		struct err e = {0};
		snprintf(path, sizeof(path), "/proc/sys/%s", rows[i].name);
		for (char *dot = path; (dot = strchr(dot, '.'));)
			*dot = '/';
		put(path, rows[i].running);
		snprintf(text, sizeof(text), "%s = %s\n", rows[i].name, rows[i].boot);
		put("/etc/sysctl.d/99-x.conf", text);
		*plan = (struct plan){0};
		assert_int_equal(plan_drift(plan, &none, &site, &e), 0);
		if (plan->manual_count != rows[i].step)
			fail_msg("row %zu: %zu steps", i, plan->manual_count);
	}
}

/* The file would be gone, while the journal may stay. */
static void no_file_in_memory(void **state)
{
	struct err e = {0};
	assert_int_equal(persist_allowed(&site, STATE_DIR, &e), 0);
	struct output o = run("mkdir -p %s/proc/self", root);
	output_free(&o);
	put("/proc/self/mountinfo", "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
				    "21 20 0:26 / /etc rw - tmpfs tmpfs rw\n");
	assert_int_equal(persist_allowed(&site, STATE_DIR, &e), -PLAN_REFUSED);
	assert_non_null(strstr(e.text, "/etc is on tmpfs in memory"));
	/* systemd.volatile=state: the file would stay, and the journal be gone. */
	put("/proc/self/mountinfo", "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
				    "21 20 0:26 / /var rw - tmpfs tmpfs rw\n");
	assert_int_equal(persist_allowed(&site, STATE_DIR, &e), -PLAN_REFUSED);
	assert_non_null(strstr(e.text, "the journal in " STATE_DIR " is on tmpfs in memory"));
	assert_int_equal(persist_allowed(&site, "/etc", &e), 0);
	put("/proc/self/mountinfo", "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
				    "21 20 0:26 / /var rw - tmpfs tmpfs rw\n"
				    "22 20 0:27 / /etc/sysctl.d rw - tmpfs tmpfs rw\n");
	assert_int_equal(persist_allowed(&site, STATE_DIR, &e), 0);
	put("/proc/self/mountinfo", "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
	assert_int_equal(persist_allowed(&site, STATE_DIR, &e), 0);
	put("/proc/cmdline", "quiet rd.live.image root=live:CDLABEL=x\n");
	assert_int_equal(persist_allowed(&site, STATE_DIR, &e), -PLAN_REFUSED);
	put("/proc/cmdline", "quiet\n");
	read_only = true;
	assert_int_equal(persist_allowed(&site, STATE_DIR, &e), -PLAN_REFUSED);
	read_only = false;
	assert_non_null(strstr(e.text, "/etc is read-only"));
	assert_int_equal(persist_allowed(&site, STATE_DIR, &e), 0);
}

#define PROFILES "/usr/lib/tuned/profiles"
#define TUNED_FILES                                                                                \
	{"/run/tuned/tuned.pid", "1\n"}, {"/etc/tuned/active_profile", "guest\n"},                 \
	{                                                                                          \
		PROFILES "/base/tuned.conf",                                                       \
			"[main]\nsummary=x\n[sysctl]\nnet.core.somaxconn=2048\n"                   \
	}

/* A rollback after a reboot: what this boot would have without our line. */
static void the_boots_own_value(void **state)
{
	static const struct {
		const char *files[5][2], *from, *why;
	} rows[] = {
		{{{"/proc/cmdline", "quiet\n"}},
		 "4096",
		 " (the kernel's default; 16 was of an earlier boot)"},
		{{{"/etc/sysctl.d/10-a.conf", BACKLOG_MAX " = 77\n"}},
		 "77",
		 " (set by /etc/sysctl.d/10-a.conf:1; 16 was of an earlier boot)"},
		{{{"/proc/cmdline", "quiet sysctl.net/core/somaxconn=300 sysctl.a=b\n"}},
		 "300",
		 " (set by /proc/cmdline:1; 16 was of an earlier boot)"},
		/* The profile that is active, or one that it includes. */
		{{TUNED_FILES,
		  {PROFILES "/guest/tuned.conf",
		   "[main]\ninclude = base\n[sysctl]\nvm.swappiness=30\n"}},
		 "2048",
		 " (set by " PROFILES "/base/tuned.conf:4; 16 was of an earlier boot)"},
		{{TUNED_FILES,
		  {PROFILES "/guest/tuned.conf",
		   "[main]\ninclude=base\n[sysctl]\nnet.core.somaxconn=512\n"}},
		 "512",
		 " (set by " PROFILES "/guest/tuned.conf:4; 16 was of an earlier boot)"},
		{{TUNED_FILES, {"/etc/tuned/guest/tuned.conf", "[vm]\nnet.core.somaxconn=512\n"}},
		 "4096",
		 " (the kernel's default; 16 was of an earlier boot)"},
		/* A bound of what was there before. */
		{{TUNED_FILES,
		  {PROFILES "/guest/tuned.conf", "[sysctl]\nnet.core.somaxconn=>512\n"}},
		 "4096",
		 " (the kernel's default; 16 was of an earlier boot)"},
		{{TUNED_FILES,
		  {PROFILES "/guest/tuned.conf", "[sysctl]\nnet.core.somaxconn=<512\n"}},
		 "512",
		 " (set by " PROFILES "/guest/tuned.conf:2; 16 was of an earlier boot)"},
		{{TUNED_FILES,
		  {PROFILES "/guest/tuned.conf", "[sysctl]\nnet.core.somaxconn=>8192\n"},
		  {"/proc/cmdline", "sysctl.net.core.somaxconn=9000\n"}},
		 "9000",
		 " (set by /proc/cmdline:1; 16 was of an earlier boot)"},
		/* Not known: the value before the run may be the profile's. */
		{{TUNED_FILES,
		  {PROFILES "/guest/tuned.conf", "[sysctl]\nnet.core.somaxconn=>${max}\n"}},
		 "16",
		 " (the value of an earlier boot, which " PROFILES
		 "/guest/tuned.conf may set at boot; the kernel's default is 4096)"},
		{{TUNED_FILES, {PROFILES "/guest/tuned.conf", "[main]\ninclude=${f:virt}\n"}},
		 "16",
		 " (the value of an earlier boot, which /usr/lib/tuned/${f:virt}/tuned.conf may "
		 "set at boot; the kernel's default is 4096)"},
		{{TUNED_FILES, {PROFILES "/guest/tuned.conf", "[main]\ninclude=guest\n"}},
		 "16",
		 " (the value of an earlier boot, which " PROFILES
		 "/guest/tuned.conf may set at boot; the kernel's default is 4096)"},
		/* The file is applied after the profile. */
		{{TUNED_FILES,
		  {PROFILES "/guest/tuned.conf", "[main]\ninclude=base\n"},
		  {"/etc/sysctl.d/10-a.conf", BACKLOG_MAX " = 77\n"}},
		 "77",
		 " (set by /etc/sysctl.d/10-a.conf:1; 16 was of an earlier boot)"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char why[CHANGE_WHY];
		struct change c = made(BACKLOG_MAX, "8192", "8192");
		snprintf(c.from, sizeof(c.from), "16");
		struct output o = run("cd %s && rm -rf etc run/tuned usr proc/cmdline && mkdir -p "
				      "etc/sysctl.d etc/tuned/guest run/tuned usr/lib/tuned/"
				      "profiles/guest usr/lib/tuned/profiles/base proc/sys/kernel",
				      root);
		output_free(&o);
		if (!rows[i].files[1][0]) {
			o = run("rmdir %s/run/tuned", root);
			output_free(&o);
		}
		put("/proc/sys/kernel/osrelease", "6.1.0\n");
		for (size_t f = 0; f < 5 && rows[i].files[f][0]; f++)
			put(rows[i].files[f][0], rows[i].files[f][1]);
		kind_sysctl.running->at_boot(&site, &c, why);
		if (strcmp(c.from, rows[i].from) != 0 || strcmp(why, rows[i].why) != 0)
			fail_msg("row %zu: %s%s", i, c.from, why);
	}
}

/* Where TuneD does not apply the files again, its profile has the last word. */
static void a_profile_overrides_our_line(void **state)
{
	static const struct {
		const char *options, *profile, *why; /* NULL: nothing overrides it */
	} rows[] = {
		{"reapply_sysctl = 0\n", "[sysctl]\nnet.core.somaxconn = 512\n",
		 "at the next boot /etc/tuned/guest/tuned.conf:2 overrides our line: sets 512"},
		{"reapply_sysctl = 0\n", "[sysctl]\nnet.core.somaxconn = 8192\n", NULL},
		{"reapply_sysctl = 0\n", "[sysctl]\nvm.swappiness = 1\n", NULL},
		{"reapply_sysctl = 0\n", "[sysctl]\nnet.core.somaxconn=>2048\n", NULL},
		{"reapply_sysctl = 1\n", "[sysctl]\nnet.core.somaxconn = 512\n", NULL},
		/* Without systemd as well, from here on. */
		{"reapply_sysctl = 1\n#\n", "[sysctl]\nnet.core.somaxconn = 512\n", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct manual_step step = {0};
		struct persisted p = {0};
		struct err e = {0};
		struct change c = made(BACKLOG_MAX, "8192", "8192");
		bool systemd = i + 1 < sizeof(rows) / sizeof(*rows);
		struct output o =
			run("cd %s && mkdir -p etc/tuned/guest run/tuned && { %s || rm -r "
			    "run/systemd; }",
			    root, systemd ? "true" : "false");
		output_free(&o);
		put("/run/tuned/tuned.pid", "1\n");
		put("/etc/tuned/active_profile", "guest\n");
		put("/etc/tuned/tuned-main.conf", rows[i].options);
		put("/etc/tuned/guest/tuned.conf", rows[i].profile);
		put("/etc/sysctl.d/90-epolltune.conf", BACKLOG_MAX " = 8192\n");
		assert_int_equal(kind_sysctl_d.file->overridden(&site, &c, &step, &e), 0);
		if (!rows[i].why != !step.why[0] || (rows[i].why && !strstr(step.why, rows[i].why)))
			fail_msg("row %zu: %s", i, step.why);
		assert_int_equal(kind_sysctl_d.file->look(&site, BACKLOG_MAX, &p, &e), 0);
		assert_string_equal(p.files, rows[i].why ? "512" : "8192");
	}
}

/* Masked units, and services of OpenRC that no runlevel has. */
static void a_reader_runs_at_boot(void **state)
{
	static const struct {
		const char *command, *why; /* NULL: one runs */
	} rows[] = {
		{"true", NULL},
		{"ln -s /dev/null etc/systemd/system/systemd-sysctl.service", "is masked"},
		{"ln -s /dev/nul etc/systemd/system/systemd-sysctl.service", NULL},
		{"rm -r run/systemd && mkdir run/openrc && touch run/openrc/softlevel etc/init.d/sysctl",
		 "in no runlevel"},
		{"mkdir etc/runlevels/mine && ln -s /etc/init.d/sysctl etc/runlevels/mine/sysctl",
		 NULL},
		{"rm -r etc/runlevels/*; ln -s /etc/init.d/sysctl etc/runlevels/sysctl",
		 "in no runlevel"},
		{"rm -r etc/runlevels", NULL},
	};
	const struct change c = made(BACKLOG_MAX, "8192", "8192"),
			    line = {.kind = &kind_sysctl_d, .name = BACKLOG_MAX};
	struct output o =
		run("cd %s && mkdir -p etc/systemd/system etc/runlevels/boot etc/init.d", root);
	output_free(&o);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct manual_step step = {0};
		struct err e = {0};
		o = run("cd %s && rm -f etc/systemd/system/* && %s", root, rows[i].command);
		assert_int_equal(o.status, 0);
		output_free(&o);
		assert_int_equal(kind_sysctl_d.file->overridden(&site, &c, &step, &e), 0);
		if (!rows[i].why != !step.why[0] || (rows[i].why && !strstr(step.why, rows[i].why)))
			fail_msg("row %zu: %s", i, step.why);
		struct persisted p;
		char text[500];
		put("/etc/sysctl.d/90-epolltune.conf", BACKLOG_MAX " = 1024\n");
		assert_int_equal(persist_look(&line, NULL, 0, &site, &p, &e), 0);
		persist_text(&p, text, sizeof(text));
		assert_int_equal(p.agrees, !rows[i].why);
		assert_true(!rows[i].why || strstr(text, rows[i].why));
	}
}

/* A profile of TuneD is applied where nothing reads the files. */
static void a_profile_needs_no_reader_of_files(void **state)
{
	const struct change line = {.kind = &kind_sysctl_d, .name = BACKLOG_MAX};
	struct persisted p;
	struct err e = {0};
	char text[500];
	struct output o = run("cd %s && mkdir -p etc/tuned/guest run/tuned etc/systemd/system && "
			      "ln -s /dev/null etc/systemd/system/systemd-sysctl.service",
			      root);
	output_free(&o);
	put("/run/tuned/tuned.pid", "1\n");
	put("/etc/tuned/active_profile", "guest\n");
	put("/etc/tuned/tuned-main.conf", "reapply_sysctl = 0\n");
	put("/etc/tuned/guest/tuned.conf", "[sysctl]\nvm.swappiness = 1\n");
	put("/etc/sysctl.d/90-epolltune.conf", BACKLOG_MAX " = 1024\n");
	assert_int_equal(persist_look(&line, NULL, 0, &site, &p, &e), 0);
	assert_non_null(p.unread);
	put("/etc/tuned/guest/tuned.conf", "[sysctl]\n" BACKLOG_MAX " = 512\n");
	assert_int_equal(persist_look(&line, NULL, 0, &site, &p, &e), 0);
	persist_text(&p, text, sizeof(text));
	assert_null(p.unread);
	assert_string_equal(p.files, "512");
	assert_null(strstr(text, "masked"));
}

/* The other name of a value, and values with blanks. */
static void boot_sets_a_value_by_either_name(void **state)
{
	static const char max[] = "net.netfilter.nf_conntrack_max", rmem[] = "net.ipv4.tcp_rmem";
	static const struct {
		const char *cmdline, *profile, *name, *value; /* NULL: nothing sets it */
	} rows[] = {
		{"sysctl.net.nf_conntrack_max=7", NULL, max, "7"},
		{"sysctl/net/netfilter/nf_conntrack_max=8", NULL, max, "8"},
		{"x sysctl.net.ipv4.tcp_rmem=\"1 2 3\" y", NULL, rmem, "1 2 3"},
		{"\"sysctl.net.ipv4.tcp_rmem=1 2 3\" y", NULL, rmem, "1 2 3"},
		{"a=\"b sysctl.net.nf_conntrack_max=7\"", NULL, max, NULL},
		{"quiet -- sysctl.net.nf_conntrack_max=7", NULL, max, NULL},
		{"sysctl sysctl. sysctlx=1", NULL, max, NULL},
		{"", "[sysctl]\nnet.nf_conntrack_max=9\n", max, "9"},
		{"", "[mine]\ntype=sysctl\nnet.nf_conntrack_max=9\n", max, "9"},
		{"", "[mine]\ntype=sysctl\n[vm]\nnet.nf_conntrack_max=9\n", max, NULL},
		{"", "[sysctl]\nnet/netfilter/nf_conntrack_max = \"9\"\n", max, "9"},
		{"", "[sysctl.mine]\nnet.nf_conntrack_max=9\ntype = sysctl\n", max, "9"},
		{"", "[sysctl]\ntype=vm\nnet.nf_conntrack_max=9\n", max, NULL},
		{"", "[sysctl]\nenabled=false\nnet.nf_conntrack_max=9\n", max, NULL},
		{"", "[sysctl]\ncpuinfo_regex=x\nnet.nf_conntrack_max=9\n", max, NULL},
		{"", "[sysctl]\nuname_regex=x\n[a]\ntype=sysctl\nnet.nf_conntrack_max=9\n", max,
		 "9"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct sysctl_setting set = {0};
		struct output o = run("cd %s && mkdir -p etc/tuned/guest run/tuned && rm -f "
				      "run/tuned/*",
				      root);
		output_free(&o);
		put("/proc/cmdline", rows[i].cmdline);
		if (rows[i].profile) {
			put("/run/tuned/tuned.pid", "1\n");
			put("/etc/tuned/active_profile", "guest\n");
			put("/etc/tuned/guest/tuned.conf", rows[i].profile);
		}
		bool found = sysctl_boot_settle(host, rows[i].name, &set) == SYSCTL_BOOT_SET;
		if (found != !!rows[i].value || (found && strcmp(set.value, rows[i].value) != 0))
			fail_msg("row %zu: \"%s\"", i, found ? set.value : "");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_rounded_value_agrees),
		TEST(an_empty_value_is_a_value),
		TEST(what_another_file_sets_has_no_line),
		TEST(what_another_file_sets_higher_stays),
		TEST(what_ends_with_the_boot_needs_a_line),
		TEST(files_of_modules_are_read_as_systemd_does),
		TEST(kube_proxy_sets_its_value_again),
		TEST(the_file_of_ufw_overrides),
		TEST(a_module_is_loaded_first),
		TEST(a_line_of_a_module_says_how_to_load_it),
		TEST(a_command_of_a_module_overrides),
		TEST(a_line_of_the_other_name_overrides),
		TEST(sysctl_conf_overrides_without_systemd),
		TEST(lines_count_as_the_kernel_reads_them),
		TEST(a_line_that_is_not_applied_is_a_step),
		TEST(a_reboot_to_a_worse_value_is_a_step),
		TEST(no_file_in_memory),
		TEST(the_boots_own_value),
		TEST(boot_sets_a_value_by_either_name),
		TEST(a_reader_runs_at_boot),
		TEST(a_profile_needs_no_reader_of_files),
		TEST(a_profile_overrides_our_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
