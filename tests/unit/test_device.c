/* Settings of interfaces as changes: names, plan, files, and an interface that is removed
 * meanwhile. In a network namespace of the test. */
#include "../support/findings.h"
#include "../support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/cleanup.h"
#include "tune/device.h"
#include "tune/execute.h"
#include "tune/kind.h"
#include "tune/persist.h"
#include "tune/plan.h"
#include "tune/site.h"
#include "tune/undo.h"

static struct host *host;
static struct change_site site;
static struct plan *plan;
static struct plan_options options;
static char dir[] = "/tmp/epolltune-device-XXXXXX";
static bool allowed;

static bool shell(const char *command)
{
	struct output o = run("%s", command);
	bool good = o.status == 0;
	output_free(&o);
	return good;
}

static int enter(void **state)
{
	struct err e;
	allowed = namespace_enter() == 0;
	plan = calloc(1, sizeof(*plan));
	return host_open(&host, "/", &e) < 0 || !mkdtemp(dir) || !plan;
}

static int leave(void **state)
{
	site_refresh(&site);
	host_close(host);
	free(plan);
	struct output o = run("rm -r %s", dir);
	output_free(&o);
	return 0;
}

/* Two interfaces with one of four receive channels enabled. */
static int fresh(void **state)
{
	options = (struct plan_options){0};
	site_refresh(&site);
	site = (struct change_site){.host = host, .root = dir, .files = host};
	if (!allowed)
		return 0;
	shell("ip link del v0");
	allowed = shell("ip link add name v0 numrxqueues 4 numtxqueues 4 type veth peer name v1 "
			"numrxqueues 4 numtxqueues 4 && ethtool -L v0 rx 1 tx 1 && "
			"ethtool -L v1 rx 1 tx 1");
	return 0;
}

static void needs_namespace(void)
{
	if (!allowed)
		skip_because("no network namespace of its own, or no veth, or no ethtool");
}

static void names_are_knob_interface_and_queue(void **state)
{
	struct device_name d;
	assert_true(device_parse("device.ring.rx@eth0", &d));
	assert_string_equal(d.nic, "eth0");
	assert_int_equal(d.queue, -1);
	assert_true(d.setting->resets);
	assert_true(device_parse("device.gro_flush_timeout@enp0s3.10:rx-12", &d));
	assert_string_equal(d.nic, "enp0s3.10");
	assert_int_equal(d.queue, 12);
	static const char *const wrong[] = {
		"device.ring.rx",
		"device.ring.rx@",
		"device.ring@eth0",
		"device.ring.rx@eth0:rx-1", /* no NAPI instance has a ring */
		"device.gro_flush_timeout@eth0:tx-1",
		"device.gro_flush_timeout@eth0:rx-",
		"device.gro_flush_timeout@eth0:rx-1x",
		"device.ring.rx@../../etc",
		"device/ring/rx@eth0",
		"device.ring.rx@0123456789abcdef",
		"net.core.somaxconn@eth0",
		"@eth0",
		"",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (device_parse(wrong[i], &d))
			fail_msg("\"%s\" was accepted", wrong[i]);
}

/* A row of the catalogue is all that a setting of an interface needs. */
static void every_device_knob_has_its_setting(void **state)
{
	for (size_t i = 0; i < knob_count(); i++) {
		const struct knob *k = knob_at(i);
		const struct device_setting *s = k->device;
		struct device_name d;
		char name[CHANGE_NAME];
		if ((k->scope == KNOB_DEVICE) != (s != NULL))
			fail_msg("%s: a setting of an interface belongs to KNOB_DEVICE", k->name);
		snprintf(name, sizeof(name), "%s@eth0", k->name);
		assert_int_equal(device_parse(name, &d), s != NULL);
		if (!s)
			continue;
		assert_ptr_equal(d.knob, k);
		if (!s->name && !s->by_napi && !s->masks)
			fail_msg("%s: nothing to write", k->name);
		const struct nic_field *f = s->name ? nic_field_find(s->group, s->name) : NULL;
		if (s->name && (!f || !f->settable || f->boolean != s->boolean))
			fail_msg("%s: no such field %s to set", k->name, s->name);
		if ((s->means == NIC_BY_NAPI_SET) != (!s->name && !s->masks) ||
		    (f && (s->means == NIC_BY_SYSFS) != (f->group == GROUP_NAPI)))
			fail_msg("%s: the means are wrong", k->name);
		if (s->max && (!(f = nic_field_find(s->group, s->max)) || f->settable))
			fail_msg("%s: no maximum %s", k->name, s->max);
		if (s->ethtool[0] && (!s->ethtool[1] || !s->ethtool[2]))
			fail_msg("%s: ethtool needs a word and a label", k->name);
		assert_true(s->masks == (k->shape == KNOB_WORD));
	}
}

/* Two rows for one setting would give it two ranges and two lines in a file. */
static void every_setting_is_in_one_row(void **state)
{
	for (size_t i = 0; i < knob_count(); i++)
		for (size_t j = 0; j < i; j++) {
			const struct knob *a = knob_at(i), *b = knob_at(j);
			if (strcmp(a->name, b->name) == 0)
				fail_msg("%s is in two rows", a->name);
			if (!a->device || !b->device)
				continue;
			const char *const pairs[][2] = {
				{a->device->name, b->device->name},
				{a->device->link, b->device->link},
				{a->device->sysfs, b->device->sysfs},
			};
			for (size_t p = 0; p < sizeof(pairs) / sizeof(*pairs); p++)
				if (pairs[p][0] && pairs[p][1] &&
				    strcmp(pairs[p][0], pairs[p][1]) == 0)
					fail_msg("%s and %s both set %s", a->name, b->name,
						 pairs[p][0]);
		}
}

static void made(void)
{
	struct err e = {0};
	if (plan_make(plan, NULL, &options, &site, &e) < 0)
		fail_msg("%s", e.text);
}

static void refused(int code, const char *needle)
{
	struct err e = {0};
	assert_int_equal(plan_make(plan, NULL, &options, &site, &e), code);
	if (!strstr(e.text, needle))
		fail_msg("\"%s\" lacks \"%s\"", e.text, needle);
}

static void a_link_is_reset_with_consent_only(void **state)
{
	needs_namespace();
	options.set = "device.channels@v0=3";
	refused(-PLAN_REFUSED, "--allow-link-reset");
	options.allow_reset = true;
	made();
	assert_int_equal(plan->count, 1);
	assert_ptr_equal(plan->changes[0].kind, &kind_device);
	assert_string_equal(plan->changes[0].name, "device.channels@v0");
	assert_string_equal(plan->changes[0].from, "1");
	assert_string_equal(plan->changes[0].to, "3");
	/* With the default route, directly or over a VLAN. */
	assert_true(shell("ip address add 10.0.0.1/24 dev v0 && ip link set v1 up && "
			  "ip link set v0 up && ip route add default via 10.0.0.2"));
	refused(-PLAN_REFUSED, "--confirm");
	options.confirm = true;
	made();
	assert_int_equal(plan->count, 1);
}

/* A finding whose remedy is a device is planned like one of the kernel: its knob names the
 * interface. */
static void a_device_finding_becomes_a_change(void **state)
{
	needs_namespace();
	struct err e = {0};
	CLEAN(free_pointer) struct report *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	report_init(r);
	report_wall(r, "nic.queues")->verdict = VERDICT_SHORT;
	struct finding *f = finding_made(r, "nic.queues.one-cpu", LEVEL_WARNING, "one CPU");
	f->remedy = REMEDY_DEVICE;
	report_text(f->wall, "nic.queues");
	finding_propose(f, "device.channels@v0", "1", "3");
	options.allow_reset = options.foreign = true;
	assert_int_equal(plan_make(plan, r, &options, &site, &e), 0);
	assert_int_equal(plan->count, 1);
	assert_int_equal(plan->manual_count, 0);
	assert_ptr_equal(plan->changes[0].kind, &kind_device);
	assert_string_equal(plan->changes[0].name, "device.channels@v0");
	assert_string_equal(plan->changes[0].to, "3");
	assert_string_equal(plan->changes[0].finding, "nic.queues.one-cpu");
	/* A manual step where it would reset the link without consent, or has no such interface. */
	options.allow_reset = false;
	assert_int_equal(plan_make(plan, r, &options, &site, &e), 0);
	assert_int_equal(plan->count, 0);
	assert_int_equal(plan->manual_count, 1);
	assert_non_null(strstr(plan->manual[0].action, "--allow-link-reset"));
	options.allow_reset = true;
	report_text(f->proposals[0].knob, "device.channels@v9");
	assert_int_equal(plan_make(plan, r, &options, &site, &e), 0);
	assert_int_equal(plan->count, 0);
	assert_string_equal(plan->manual[0].knob, "device.channels@v9");
}

static bool on_management_path(const char *nic, char what[40])
{
	const struct nics *all;
	site_refresh(&site);
	assert_int_equal(site_nics(&site, &all, NULL), 0);
	return nic_management_path(host, all, nic, what);
}

static void the_operators_connection_counts(void **state)
{
	needs_namespace();
	char what[40];
	assert_true(shell("ip address add 10.7.0.1/24 dev v0 && ip link set v0 up"));
	assert_false(on_management_path("v0", what));
	setenv("SSH_CONNECTION", "10.7.0.9 50000 10.7.0.1 22", 1);
	assert_true(on_management_path("v0", what));
	assert_string_equal(what, "your own connection");
	assert_false(on_management_path("v1", what));
	/* Over a bridge: its ports carry its traffic. */
	if (shell("ip link add name b0 type bridge && ip link set v1 master b0 && "
		  "ip address add 10.8.0.1/24 dev b0 && ip link set b0 up")) {
		setenv("SSH_CONNECTION", "10.8.0.9 50000 10.8.0.1 22", 1);
		assert_true(on_management_path("v1", what));
		assert_false(on_management_path("v0", what));
		assert_true(shell("ip link del b0"));
	}
	unsetenv("SSH_CONNECTION");
}

/* By another table, a second next hop, a tunnel, an address of lo, or a link-local address. */
static void any_route_of_the_connection_counts(void **state)
{
	needs_namespace();
	char what[40];
	assert_true(
		shell("ip link set lo up && ip link set v1 up && ip link set v0 up && "
		      "ip address add 10.7.0.1/24 dev v0 && ip address add 10.9.9.9/32 dev lo"));
	assert_false(on_management_path("v0", what));
	assert_true(shell("ip route add default via 10.7.0.2 table 100"));
	assert_true(on_management_path("v0", what));
	assert_false(on_management_path("v1", what));
	assert_true(shell("ip route flush table 100"));
	if (shell("ip link add name w0 type veth peer name w1 && ip link set w1 up && "
		  "ip link set w0 up && ip address add 10.6.0.1/24 dev w0 && "
		  "ip route add default nexthop via 10.6.0.2 nexthop via 10.7.0.2")) {
		assert_true(on_management_path("v0", what));
		assert_true(on_management_path("w0", what));
		assert_true(shell("ip route del default; ip link del w0"));
	}
	setenv("SSH_CONNECTION", "10.7.0.9 50000 10.9.9.9 22", 1);
	assert_true(on_management_path("v0", what));
	assert_string_equal(what, "your own connection");
	setenv("SSH_CONNECTION", "fe80::9%v0 50000 fe80::1%v0 22", 1);
	assert_true(on_management_path("v0", what));
	assert_false(on_management_path("v1", what));
	unsetenv("SSH_CONNECTION");
	if (shell("ip link add name g0 type gre local 10.7.0.1 remote 10.7.0.2 && "
		  "ip link set g0 up && ip route add default dev g0")) {
		assert_true(on_management_path("v0", what));
		assert_true(shell("ip link del g0"));
	}
	assert_false(on_management_path("v0", what));
}

static void values_are_checked_by_the_device(void **state)
{
	needs_namespace();
	options.allow_reset = true;
	options.set = "device.channels@v0=5";
	refused(-ERANGE, "above the maximum of the device: 4");
	options.set = "device.channels@v0=0";
	refused(-ERANGE, "device.channels");
	options.set = "device.channels@v0=many";
	refused(-EINVAL, "device.channels");
	options.set = "device.ring.rx@v0=512";
	refused(-EOPNOTSUPP, "v0: its driver or this kernel does not report device.ring.rx");
	options.set = "device.channels@v9=2";
	refused(-ENODEV, "v9: no such interface");
	options.set = "device.channels=2";
	refused(-EINVAL, "missing interface");
	assert_true(shell("ethtool -L v0 rx 3"));
	options.set = "device.channels@v0=2";
	refused(-PLAN_REFUSED, "--allow-lower");
}

static void wrote(const char *nic, const char *value)
{
	char name[48], now[CHANGE_VALUE];
	struct err e = {0};
	snprintf(name, sizeof(name), "device.channels@%s", nic);
	site_refresh(&site);
	assert_int_equal(kind_device.read(&site, name, now, &e), 0);
	assert_string_equal(now, value);
}

/* A plan reads an interface once; a write makes the next read a fresh one. */
static void interfaces_are_read_once(void **state)
{
	needs_namespace();
	struct err e = {0};
	options.allow_reset = true;
	options.set = "device.channels@v0=3,device.channels@v1=2";
	made();
	const struct nic *read = site.nics.at;
	assert_int_equal(site.nics.count, 2);
	plan_permit(plan, &site);
	assert_ptr_equal(site.nics.at, read);
	assert_int_equal(kind_device.write(&site, "device.channels@v0", "3", &e), 0);
	assert_int_equal(site.nics.count, 0);
	wrote("v0", "3");
}

static struct execution begin(struct journal *j)
{
	struct err e = {0};
	char path[64];
	snprintf(path, sizeof(path), "%s/state", dir);
	if (journal_open(j, path, JOURNAL_MAKE, &e) < 0)
		fail_msg("%s", e.text);
	return (struct execution){
		.plan = plan, .site = &site, .journal = j, .by = "test", .command = "test"};
}

static void written_read_back_and_reverted(void **state)
{
	needs_namespace();
	struct err e = {0};
	struct journal j;
	options.allow_reset = true;
	options.set = "device.channels@v0=3,device.channels@v1=2";
	made();
	assert_int_equal(plan->count, 2);
	struct execution x = begin(&j);
	assert_int_equal(execute_plan(&x, &e), 0);
	assert_int_equal(x.outcome, OUTCOME_APPLIED);
	wrote("v0", "3");
	wrote("v1", "2");
	struct undo u = {.site = &site, .by = "test", .reason = UNDO_NONE};
	assert_int_equal(undo_run(&u, &j, journal_find(&j, x.run), &e), 0);
	assert_int_equal(u.reverted, 2);
	wrote("v0", "1");
	wrote("v1", "1");
	journal_close(&j);
}

/* The interface is removed between plan and write: one error, and the run is rolled back. */
static void an_interface_that_is_removed(void **state)
{
	needs_namespace();
	struct err e = {0};
	struct journal j;
	options.allow_reset = true;
	assert_true(shell("ip link add name w0 numrxqueues 4 type veth peer name w1"));
	assert_true(shell("ethtool -L w0 rx 1"));
	options.set = "device.channels@v0=3,device.channels@w0=2";
	made();
	assert_int_equal(plan->count, 2);
	assert_true(shell("ip link del w0"));
	struct execution x = begin(&j);
	assert_int_equal(execute_plan(&x, &e), -ENODEV);
	assert_string_equal(e.text, "w0: no such interface");
	assert_int_equal(x.outcome, OUTCOME_REVERTED);
	wrote("v0", "1");
	/* The journal has no open run. */
	journal_close(&j);
	begin(&j);
	assert_null(journal_open_run(&j, NULL));
	const struct run *r = journal_find(&j, x.run);
	assert_non_null(r);
	for (size_t i = 0; i < r->count; i++)
		assert_true(r->items[i].state == CHANGE_REVERTED ||
			    r->items[i].state == CHANGE_STALE);
	journal_close(&j);
}

/* The interface is not here after the change: it was removed, or moved. */
static void rollback_of_a_removed_interface(void **state)
{
	needs_namespace();
	struct err e = {0};
	struct journal j;
	options.allow_reset = true;
	options.set = "device.channels@v0=3";
	made();
	struct execution x = begin(&j);
	assert_int_equal(execute_plan(&x, &e), 0);
	assert_true(shell("ip link del v0"));
	struct undo u = {.site = &site, .by = "test", .reason = UNDO_ASKED};
	assert_int_equal(undo_run(&u, &j, journal_find(&j, x.run), &e), 0);
	assert_int_equal(u.unreachable, 1);
	assert_int_equal(u.failed, 0);
	assert_null(journal_open_run(&j, NULL));
	/* Nor is another one with its name the one that was changed, even with the same value. */
	assert_int_equal(fresh(state), 0);
	assert_true(shell("ethtool -L v0 rx 3"));
	u = (struct undo){.site = &site, .by = "test", .reason = UNDO_ASKED};
	assert_int_equal(undo_run(&u, &j, journal_find(&j, x.run), &e), 0);
	assert_int_equal(u.unreachable, 1);
	u = (struct undo){.site = &site, .by = "test", .reason = UNDO_ASKED, .force = true};
	assert_int_equal(undo_run(&u, &j, journal_find(&j, x.run), &e), 0);
	assert_int_equal(u.stale, 1);
	assert_false(run_in_force(journal_find(&j, x.run)));
	wrote("v0", "3");
	journal_close(&j);
}

/* A line for the next boot is not due to a change of an interface that had the name before. */
static void another_interface_has_nothing_to_persist(void **state)
{
	needs_namespace();
	struct err e = {0};
	struct journal j;
	struct change standing[2];
	options.allow_reset = true;
	options.set = "device.channels@v0=3";
	made();
	struct execution x = begin(&j);
	assert_int_equal(execute_plan(&x, &e), 0);
	assert_int_equal(persist_standing(&j, &site, standing, 2), 1);
	assert_true(shell("ip link del v0"));
	assert_int_equal(fresh(state), 0);
	assert_true(shell("ethtool -L v0 rx 3"));
	assert_int_equal(persist_standing(&j, &site, standing, 2), 0);
	journal_close(&j);
}

static void finds(const char *name, const char *object, int code, const char *needle)
{
	struct err e = {0};
	struct change c = {.kind = &kind_device};
	snprintf(c.name, sizeof(c.name), "device.ring.rx@%s", name);
	snprintf(c.object, sizeof(c.object), "%s", object);
	if (change_find_object(&site, &c, &e) != code)
		fail_msg("%s of %s: %s", name, object, e.text);
	if (!strstr(e.text, needle))
		fail_msg("\"%s\" lacks \"%s\"", e.text, needle);
}

/* Synthetic: eth0 and eth1, interfaces 3 and 4, of the cards 01 and 02; 03 has no interface here.
 */
static void the_index_and_the_card_identify_an_interface(void **state)
{
	struct err e = {0};
	struct output o =
		run("for i in 1 2 3; do mkdir -p %s/sys/bus/pci/devices/0000:00:0$i.0; done", dir);
	output_free(&o);
	CLEAN(host_closep) struct host *machine = NULL;
	assert_int_equal(host_open(&machine, dir, &e), 0);
	site = (struct change_site){.host = machine, .root = dir, .files = machine};
	site.nics = (struct nics){calloc(2, sizeof(struct nic)), 2};
	site.all_nics = (struct nics){calloc(2, sizeof(struct nic)), 2};
	assert_true(site.nics.at && site.all_nics.at);
	for (size_t i = 0; i < 2; i++) {
		struct nic *n = &site.nics.at[i];
		snprintf(n->name, sizeof(n->name), "eth%zu", i);
		snprintf(n->bus, sizeof(n->bus), "0000:00:0%zu.0", i + 1);
		n->index = (uint32_t)i + 3;
		site.all_nics.at[i] = *n;
	}
	char object[CHANGE_OBJECT];
	assert_int_equal(kind_device.running->object(&site, "device.ring.rx@eth0", object, &e), 0);
	assert_string_equal(object, "3 0000:00:01.0");
	finds("eth0", object, 0, "");
	finds("eth0", "3", 0, "");
	finds("eth0", "", 0, "");
	finds("eth1", object, -ENODEV, "eth1 was renamed to eth0");
	finds("eth0", "2 0000:00:01.0", 0, ""); /* its driver was loaded again */
	finds("eth0", "2 0000:00:03.0", -ENODEV, "another interface is named eth0 now");
	finds("eth0", "2", -ENODEV, "another interface is named eth0 now");
	finds("eth2", "2 0000:00:03.0", -ENODEV, "eth2 is not in this network namespace");
	finds("eth2", "2", -ENODEV, "eth2 is not in this network namespace");
	finds("eth2", "2 0000:00:04.0", -ESTALE, "the card of eth2 was removed");
	snprintf(site.nics.at[1].bus, sizeof(site.nics.at[1].bus), "usb-0000:00:14.0-1");
	assert_int_equal(kind_device.running->object(&site, "device.ring.rx@eth1", object, &e), 0);
	assert_string_equal(object, "4");
	site_refresh(&site);
	site.host = host;
}

/* A renamed interface is unreachable, not removed. */
static void rollback_of_a_renamed_interface(void **state)
{
	needs_namespace();
	struct err e = {0};
	struct journal j;
	options.allow_reset = true;
	options.set = "device.channels@v1=2";
	assert_true(shell("ethtool -L v1 rx 1"));
	made();
	struct execution x = begin(&j);
	assert_int_equal(execute_plan(&x, &e), 0);
	assert_true(shell("ip link set v1 name z1"));
	struct undo u = {.site = &site, .by = "test", .reason = UNDO_ASKED};
	assert_int_equal(undo_run(&u, &j, journal_find(&j, x.run), &e), 0);
	assert_int_equal(u.unreachable, 1);
	assert_int_equal(u.stale, 0);
	assert_int_equal(journal_find(&j, x.run)->status, RUN_PARTLY);
	wrote("z1", "2");
	assert_true(shell("ip link set z1 name v1"));
	u = (struct undo){.site = &site, .by = "test", .reason = UNDO_ASKED};
	assert_int_equal(undo_run(&u, &j, journal_find(&j, x.run), &e), 0);
	assert_int_equal(u.reverted, 1);
	wrote("v1", "1");
	journal_close(&j);
}

static void files_of_a_device(void **state)
{
	char path[128], setting[CHANGE_VALUE];
	assert_string_equal(device_file("device.ring.rx@eth0")->name, "link");
	assert_string_equal(device_file("device.gro_flush_timeout@eth0")->name, "udev");
	assert_string_equal(device_file("device.rps_cpus@eth0")->name, "udev");
	assert_null(device_file("device.threaded@eth0"));
	assert_null(device_file("device.irq-suspend-timeout@eth0"));
	assert_null(device_file("device.gro_flush_timeout@eth0:rx-0"));
	assert_null(device_file("net.core.somaxconn"));
	kind_link.file->path("device.ring.rx@eth0", path);
	assert_string_equal(path, "/etc/systemd/network/90-epolltune-eth0.link");
	kind_link.file->path("device.threaded@eth0", path);
	assert_string_equal(path, "/etc/udev/rules.d/90-epolltune-eth0.rules");
	kind_link.file->setting("device.ring.rx@eth0", "# run 1, …\nRxBufferSize=512", setting);
	assert_string_equal(setting, "512");
	/* As systemd reads them; what it ignores stays. */
	static const struct {
		const char *name, *line, *is;
	} rows[] = {
		{"device.coalesce.rx-usecs@eth0", "RxCoalesceSec=50us", "50"},
		{"device.coalesce.rx-usecs@eth0", "RxCoalesceSec=1ms", "1000"},
		{"device.coalesce.rx-usecs@eth0", "RxCoalesceSec=1ms 500us", "1500"},
		{"device.coalesce.rx-usecs@eth0", "RxCoalesceSec=0.1", "100000"},
		{"device.coalesce.rx-usecs@eth0", "RxCoalesceSec=soon", "soon"},
		{"device.coalesce.adaptive-rx@eth0", "UseAdaptiveRxCoalesce=yes", "1"},
		{"device.coalesce.adaptive-rx@eth0", "UseAdaptiveRxCoalesce=true", "1"},
		{"device.coalesce.adaptive-rx@eth0", "UseAdaptiveRxCoalesce=On", "1"},
		{"device.coalesce.adaptive-rx@eth0", "UseAdaptiveRxCoalesce=0", "0"},
		{"device.coalesce.adaptive-rx@eth0", "UseAdaptiveRxCoalesce=no", "0"},
		{"device.coalesce.adaptive-rx@eth0", "UseAdaptiveRxCoalesce=maybe", "maybe"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char value[CHANGE_VALUE];
		snprintf(value, sizeof(value), "# run 1\n%s", rows[i].line);
		kind_link.file->setting(rows[i].name, value, setting);
		assert_string_equal(setting, rows[i].is);
	}
	kind_link.file->setting("device.gro_flush_timeout@eth0",
				"# run 1\nACTION==\"add\", ATTR{address}==\"02:00:00:00:00:01\", "
				"ATTR{gro_flush_timeout}=\"20000\"",
				setting);
	assert_string_equal(setting, "20000");
	kind_link.file->setting("device.rps_cpus@eth0",
				"# run 1\nACTION==\"add\", RUN+=\"/bin/sh -c 'for f in x; do echo "
				"f,ffffffff >$$f; done'\"",
				setting);
	assert_string_equal(setting, "f,ffffffff");
	kind_link.file->setting("device.ring.rx@eth0", "", setting);
	assert_string_equal(setting, "");
}

/* No file can identify a virtual interface at the next boot: the change is made, with a manual step
 * that says so. */
static void what_no_file_can_hold_is_a_manual_step(void **state)
{
	needs_namespace();
	struct err e = {0};
	const struct change_author test = {.by = "test", .run = 1};
	options.allow_reset = true;
	options.set = "device.channels@v0=3";
	made();
	struct output o = run("mkdir -p %s/etc/systemd/network", dir);
	output_free(&o);
	assert_int_equal(plan_persist(plan, NULL, 0, &test, &site, &e), 0);
	assert_int_equal(plan->count, 1);
	assert_int_equal(plan->manual_count, 1);
	assert_non_null(strstr(plan->manual[0].action, "lost at the next boot"));
}

/* A change of a run with --persist that no file holds. */
static void the_step_says_why_no_file_holds_it(void **state)
{
	static const struct {
		const char *name, *says;
	} rows[] = {
		{"device.threaded@v0",
		 "lost at the next boot: a udev rule comes before the interface is up, and the "
		 "kernel refuses this until the driver has its NAPI instances (EOPNOTSUPP); set it "
		 "by a unit of your own that starts when v0 is up: echo 1 "
		 ">/sys/class/net/v0/threaded"},
		{"device.gro_flush_timeout@v0:rx-0",
		 "lost at the next boot: no file can hold a setting of one NAPI instance"},
	};
	const struct change_author test = {.by = "test", .run = 1};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct err e = {0};
		struct change c = {.kind = &kind_device, .to = "1", .became = "1"};
		snprintf(c.name, sizeof(c.name), "%s", rows[i].name);
		*plan = (struct plan){0};
		assert_int_equal(plan_persist(plan, &c, 1, &test, &site, &e), 0);
		assert_int_equal(plan->count, 0);
		assert_int_equal(plan->manual_count, 1);
		assert_string_equal(plan->manual[0].action, rows[i].says);
	}
}

/* Synthetic, as hv_netvsc and its function: a file that names the address would set both. */
static void a_master_and_its_function_have_no_file(void **state)
{
	static const char address[] = "00:0d:3a:00:00:01";
	const struct change_author test = {.by = "test", .run = 1};
	char value[CHANGE_VALUE];
	struct err e = {0};
	site.nics = (struct nics){calloc(1, sizeof(struct nic)), 1};
	site.all_nics = (struct nics){calloc(2, sizeof(struct nic)), 2};
	assert_true(site.nics.at && site.all_nics.at);
	struct nic *vf = site.nics.at, *all = site.all_nics.at;
	*vf = (struct nic){.name = "enP1", .index = 3, .master = 2, .physical = true};
	snprintf(vf->address, sizeof(vf->address), "%s", address);
	snprintf(vf->driver, sizeof(vf->driver), "mlx5_core");
	all[0] = (struct nic){.name = "eth0", .index = 2};
	all[1] = *vf;
	snprintf(all[0].address, sizeof(all[0].address), "%s", address);
	assert_int_equal(
		kind_link.file->line(&site, "device.ring.rx@enP1", "2048", "", &test, value, &e),
		-EOPNOTSUPP);
	assert_non_null(strstr(e.text, "eth0 has its hardware address too"));
	*vf = (struct nic){.name = "eth0", .index = 2, .physical = true};
	snprintf(vf->address, sizeof(vf->address), "%s", address);
	assert_int_equal(
		kind_link.file->line(&site, "device.ring.rx@eth0", "2048", "", &test, value, &e),
		-EOPNOTSUPP);
	assert_non_null(strstr(e.text, "enP1 has its hardware address too"));
}

/* Puts a systemd-udevd of a version below the root; 0: none. */
static void udev_is(unsigned version)
{
	struct output o =
		run("mkdir -p %s/lib/systemd %s/run/udev/data && touch %s/run/udev/data/n2 && "
		    "rm -f %s/lib/systemd/systemd-udevd && { [ %u = 0 ] || "
		    "{ printf '#!/bin/sh\necho \"systemd %u (%u.3-7)\"\n' "
		    ">%s/lib/systemd/systemd-udevd && chmod +x %s/lib/systemd/systemd-udevd; }; }",
		    dir, dir, dir, dir, version, version, version, dir, dir);
	assert_int_equal(o.status, 0);
	output_free(&o);
	site.udev_read = false;
}

/* Synthetic: eth0, a card with a ring of 512 and adaptive-rx. */
static void one_card(void)
{
	site.nics = (struct nics){calloc(1, sizeof(struct nic)), 1};
	site.all_nics = (struct nics){calloc(1, sizeof(struct nic)), 1};
	assert_true(site.nics.at && site.all_nics.at);
	*site.nics.at = (struct nic){.name = "eth0",
				     .index = 2,
				     .physical = true,
				     .address = "02:00:00:00:00:bb",
				     .permanent = "02:00:00:00:00:01"};
	site.nics.at->rings.rx = (struct nic_number){true, 512};
	*site.all_nics.at = *site.nics.at;
}

/* A file below the root. */
static void put(const char *path, const char *text)
{
	char full[300];
	struct output o = run("mkdir -p \"$(dirname '%s%s')\"", dir, path);
	output_free(&o);
	snprintf(full, sizeof(full), "%s%s", dir, path);
	file_write(full, text);
}

static void clean_root(void)
{
	struct output o =
		run("rm -rf %s/etc %s/run %s/usr %s/sbin && mkdir -p %s/etc/systemd/network", dir,
		    dir, dir, dir, dir);
	output_free(&o);
}

/* Plans the line of a ring of 512; the number of lines. */
static size_t persisted_ring(void)
{
	const struct change_author test = {.by = "test", .run = 1};
	struct change c = {
		.kind = &kind_device, .state = CHANGE_DONE, .to = "512", .became = "512"};
	struct err e = {0};
	snprintf(c.name, sizeof(c.name), "device.ring.rx@eth0");
	*plan = (struct plan){0};
	if (plan_persist(plan, &c, 1, &test, &site, &e) < 0)
		fail_msg("%s", e.text);
	return plan->count;
}

/* An option that the installed systemd-udevd does not know would be ignored: in [Match] the file
 * would be for every card. */
static void files_are_for_the_installed_udev(void **state)
{
	const struct change_author test = {.by = "test", .run = 1};
	char value[CHANGE_VALUE], text[2048] = "";
	struct err e = {0};
	one_card();
	static const struct {
		const char *name;
		unsigned version;
		const char *error;
	} cases[] = {
		{"device.ring.rx@eth0", 0, "does not print its version; RxBufferSize= needs 244"},
		{"device.ring.rx@eth0", 219, "219 does not have RxBufferSize=, which 244 has"},
		{"device.ring.rx@eth0", 244, NULL},
		{"device.coalesce.rx-usecs@eth0", 247, "RxCoalesceSec=, which 250 has"},
		{"device.coalesce.rx-usecs@eth0", 252, NULL},
		{"device.gro_flush_timeout@eth0", 0, NULL},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct change_kind *kind = device_file(cases[i].name);
		udev_is(cases[i].version);
		int rc = kind->file->line(&site, cases[i].name, "50", "", &test, value, &e);
		assert_int_equal(rc, cases[i].error ? -EOPNOTSUPP : 0);
		assert_true(!cases[i].error || strstr(e.text, cases[i].error));
	}
	/* At boot, before any bond, MACAddress= is the permanent one. */
	for (unsigned version = 244; version < 246; version++) {
		char file[128];
		struct output o = run("rm -rf %s/etc/systemd/network && "
				      "mkdir -p %s/etc/systemd/network",
				      dir, dir);
		output_free(&o);
		udev_is(version);
		assert_int_equal(kind_link.file->line(&site, "device.ring.rx@eth0", "50", "", &test,
						      value, &e),
				 0);
		assert_int_equal(kind_link.write(&site, "device.ring.rx@eth0", value, &e), 0);
		snprintf(file, sizeof(file), "%s/etc/systemd/network/90-epolltune-eth0.link", dir);
		CLEAN(close_file) FILE *in = fopen(file, "r");
		assert_non_null(in);
		text[fread(text, 1, sizeof(text) - 1, in)] = 0;
		assert_non_null(strstr(text, version < 245
						     ? "[Match]\nMACAddress=02:00:00:00:00:01\n"
						     : "[Match]\nPermanentMACAddress=02:"));
	}
}

#define NETPLAN "/run/systemd/network/10-netplan-eth0.link"
#define NETPLAN_DROPIN "/etc/systemd/network/10-netplan-eth0.link.d/90-epolltune.conf"

/* netplan writes its file again at each boot, and an update replaces those of a package: what is
 * added there is lost. */
static void the_remedy_for_a_link_file_lasts(void **state)
{
	static const struct {
		const char *applied;
		unsigned version;
		const char *says;
	} rows[] = {
		{NETPLAN, 252,
		 NETPLAN ": it is made again at each boot, so add a drop-in: sudo mkdir -p "
			 "/etc/systemd/network/10-netplan-eth0.link.d && printf "
			 "'[Link]\\nRxBufferSize=512\\n' | sudo tee -a " NETPLAN_DROPIN},
		{NETPLAN, 247,
		 "so copy it to /etc/systemd/network/10-netplan-eth0.link, which replaces it, and "
		 "add RxBufferSize=512 to its [Link] section"},
		{"/usr/lib/systemd/network/80-card.link", 252,
		 "it is replaced by an update of its package, so add a drop-in: sudo mkdir -p "
		 "/etc/systemd/network/80-card.link.d"},
		{"/etc/systemd/network/98-lan.link", 252,
		 "98-lan.link: add RxBufferSize=512 to the [Link] section there"},
	};
	one_card();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char entry[128];
		clean_root();
		udev_is(rows[i].version);
		snprintf(entry, sizeof(entry), "E:ID_NET_LINK_FILE=%s\n", rows[i].applied);
		put("/run/udev/data/n2", entry);
		put(rows[i].applied, "[Match]\nPermanentMACAddress=x\n[Link]\nName=eth0\n");
		assert_int_equal(persisted_ring(), 0);
		assert_int_equal(plan->manual_count, 1);
		if (!strstr(plan->manual[0].action, rows[i].says))
			fail_msg("row %zu: %s", i, plan->manual[0].action);
	}
}

/* After the operator has done it no step is left. */
static void a_dropin_sets_it(void **state)
{
	struct persisted p;
	struct err e = {0};
	const struct change line = {.kind = &kind_link, .name = "device.ring.rx@eth0"};
	one_card();
	clean_root();
	udev_is(252);
	put("/run/udev/data/n2", "E:ID_NET_LINK_FILE=" NETPLAN "\n");
	put(NETPLAN, "[Match]\nMACAddress=02:00:00:00:00:01\n[Link]\nRxBufferSize=256\n");
	put(NETPLAN_DROPIN, "[Link]\nRxBufferSize = 512\n");
	assert_int_equal(persisted_ring(), 0);
	assert_int_equal(plan->manual_count, 0);
	assert_int_equal(persist_look(&line, NULL, 0, &site, &p, &e), 0);
	assert_string_equal(p.file, NETPLAN_DROPIN);
	assert_int_equal(p.line, 2);
	assert_true(p.agrees && !p.ours);
	/* The last by name, of any directory; one of /etc hides that of /usr. */
	put("/usr/lib/systemd/network/10-netplan-eth0.link.d/95-a.conf",
	    "[Link]\nRxBufferSize=128\n");
	assert_int_equal(persist_look(&line, NULL, 0, &site, &p, &e), 0);
	assert_string_equal(p.files, "128");
	put("/etc/systemd/network/10-netplan-eth0.link.d/95-a.conf", "# none\n");
	assert_int_equal(persist_look(&line, NULL, 0, &site, &p, &e), 0);
	assert_string_equal(p.files, "512");
	/* Those before 249 have no drop-ins. */
	udev_is(247);
	put("/run/udev/data/n2", "E:ID_NET_LINK_FILE=" NETPLAN "\n");
	assert_int_equal(persist_look(&line, NULL, 0, &site, &p, &e), 0);
	assert_string_equal(p.files, "256");
	assert_false(p.agrees);
}

/* A line that was there when this boot began, and a value that is not in force. */
static void a_driver_may_refuse_a_line(void **state)
{
	static const struct {
		const char *dropin, *applied, *from;
		bool old, refused;
	} rows[] = {
		{"[Link]\nRxBufferSize=512\n", NETPLAN, "256", true, true},
		{"[Link]\nRxBufferSize=512\n", NETPLAN, "512", true, false},
		{"[Link]\nRxBufferSize=512\n", NETPLAN, "256", false, false},
		{"[Link]\nRxBufferSize=128\n", NETPLAN, "256", true, false},
		{"[Link]\nRxBufferSize=512\n", "/usr/lib/systemd/network/99-default.link", "256",
		 true, false},
	};
	one_card();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct manual_step step = {0};
		struct change of = {
			.kind = &kind_device, .name = "device.ring.rx@eth0", .to = "512"};
		struct err e = {0};
		char entry[200];
		clean_root();
		udev_is(252);
		snprintf(of.from, sizeof(of.from), "%s", rows[i].from);
		snprintf(entry, sizeof(entry), "E:ID_NET_LINK_FILE=%s\n", rows[i].applied);
		put("/run/udev/data/n2", entry);
		put(NETPLAN, "[Match]\nMACAddress=02:00:00:00:00:01\n[Link]\nTxBufferSize=1\n");
		put(NETPLAN_DROPIN, rows[i].dropin);
		struct output o = run("touch -d '%s' %s" NETPLAN_DROPIN,
				      rows[i].old ? "2001-01-01" : "now", dir);
		output_free(&o);
		assert_int_equal(kind_link.file->overridden(&site, &of, &step, &e), 0);
		if (!!strstr(step.why, NETPLAN_DROPIN
			     ":2 has had 512 since before this boot, but 256") != rows[i].refused)
			fail_msg("row %zu: %s", i, step.why);
	}
}

#define PROFILE "/etc/NetworkManager/system-connections/eth0.nmconnection"
#define ACTIVE "[device]\nmanaged=true\nconnection-uuid=11-22\n"

/* NetworkManager and others set it when they bring the interface up, after systemd-udevd. */
static void the_network_is_configured_after_udev(void **state)
{
	static const struct {
		const char *name, *files[3][2], *why, *action; /* NULL: nothing overrides it */
	} rows[] = {
		{"device.ring.rx",
		 {{"/run/NetworkManager/devices/2", ACTIVE},
		  {PROFILE, "[connection]\nid=eth0\nuuid=11-22\n\n[ethtool]\nring-rx=2048\n"}},
		 PROFILE ":6 sets 2048 when the network is configured, after our line",
		 "run: nmcli connection modify 11-22 ethtool.ring-rx 512"},
		/* Not that profile, not that setting, or the same value. */
		{"device.ring.rx",
		 {{"/run/NetworkManager/devices/2", ACTIVE},
		  {PROFILE, "[connection]\nuuid=11-23\n[ethtool]\nring-rx=2048\n"}},
		 NULL,
		 NULL},
		{"device.ring.rx",
		 {{"/run/NetworkManager/devices/2", ACTIVE},
		  {PROFILE, "[connection]\nuuid=11-22\n[ethtool]\nring-tx=2048\n"}},
		 NULL,
		 NULL},
		{"device.ring.rx",
		 {{"/run/NetworkManager/devices/2", ACTIVE},
		  {PROFILE, "[ethtool]\nring-rx=512\n[connection]\nuuid=11-22\n"}},
		 NULL,
		 NULL},
		{"device.ring.rx",
		 {{PROFILE, "[connection]\nuuid=11-22\n[ethtool]\nring-rx=2048\n"}},
		 NULL,
		 NULL},
		{"device.channels",
		 {{"/run/NetworkManager/devices/2", ACTIVE},
		  {PROFILE, "[ethtool]\nchannels-combined=1\n[connection]\nuuid=11-22\n"}},
		 PROFILE ":2 sets 1",
		 "modify 11-22 ethtool.channels-combined 512"},
		/* A number, which in a .link file would be seconds. */
		{"device.coalesce.rx-usecs",
		 {{"/run/NetworkManager/devices/2", ACTIVE},
		  {PROFILE, "[connection]\nuuid=11-22\n[ethtool]\ncoalesce-rx-usecs=50\n"}},
		 PROFILE ":4 sets 50 when",
		 "modify 11-22 ethtool.coalesce-rx-usecs 512"},
		{"device.ring.rx",
		 {{"/etc/sysconfig/network-scripts/ifcfg-eth0",
		   "DEVICE=eth0\nETHTOOL_OPTS=\"-K ${DEVICE} rx off; -G ${DEVICE} tx 64 rx 2048\"\n"}},
		 "/ifcfg-eth0:2 sets 2048",
		 "change that line to \"rx 512\""},
		{"device.ring.rx",
		 {{"/etc/sysconfig/network-scripts/ifcfg-eth0",
		   "ETHTOOL_OPTS=\"-K eth0 rx off\"\n"}},
		 NULL,
		 NULL},
		/* A profile of NetworkManager comes before the file. */
		{"device.ring.rx",
		 {{"/run/NetworkManager/devices/2", ACTIVE},
		  {PROFILE, "[connection]\nuuid=11-22\n"},
		  {"/etc/sysconfig/network-scripts/ifcfg-eth0",
		   "ETHTOOL_OPTS=\"-G eth0 rx 2048\"\n"}},
		 NULL,
		 NULL},
		{"device.ring.rx",
		 {{"/etc/network/if-up.d/ethtool", ""},
		  {"/etc/network/interfaces",
		   "iface eth1 inet dhcp\n hardware-dma-ring-rx 64\n"
		   "iface eth0 inet dhcp\n hardware-dma-ring-rx 2048\n"}},
		 "/etc/network/interfaces:4 sets 2048",
		 "change that line to \"hardware-dma-ring-rx 512\""},
		{"device.ring.rx",
		 {{"/etc/network/if-up.d/ethtool", ""},
		  {"/etc/network/interfaces",
		   "iface eth0 inet dhcp\nauto eth1\n hardware-dma-ring-rx 2048\n"}},
		 NULL,
		 NULL},
		{"device.ring.rx",
		 {{"/etc/network/interfaces",
		   "iface eth0 inet dhcp\n hardware-dma-ring-rx 2048\n"}},
		 NULL,
		 NULL},
		/* Commands, which need no script. */
		{"device.ring.rx",
		 {{"/usr/sbin/ifup", ""},
		  {"/etc/network/interfaces",
		   "iface eth0 inet manual\n\tpost-up /sbin/ethtool -G eth0 rx 64 || true\n"}},
		 "/etc/network/interfaces:2 sets 64",
		 "change that line to \"rx 512\""},
		{"device.ring.rx",
		 {{"/usr/sbin/ifup", ""},
		  {"/etc/network/interfaces",
		   "iface eth0 inet manual\n up ethtool -G eth0 rx 64 && ethtool -G eth1 rx 32; "
		   "ethtool -G eth2 rx 16\n"}},
		 "/etc/network/interfaces:2 sets 64",
		 "change that line to \"rx 512\""},
		{"device.channels",
		 {{"/sbin/ifup", ""},
		  {"/etc/network/interfaces.d/x",
		   "iface eth0 inet manual\n up ethtool -L $IFACE combined 1; ethtool -K x\n"}},
		 "/x:2 sets 1",
		 "change that line to \"combined 512\""},
		{"device.ring.rx",
		 {{"/usr/sbin/ifup", ""},
		  {"/etc/network/interfaces",
		   "iface bond0 inet manual\n pre-up ethtool -G eth0 tx 9 rx 64\n"}},
		 "/etc/network/interfaces:2 sets 64",
		 "change that line to \"rx 512\""},
		{"device.ring.rx",
		 {{"/usr/sbin/ifup", ""},
		  {"/etc/network/interfaces",
		   "iface eth0 inet manual\n up ethtool -G eth1 rx 64\n up ethtool -C eth0 rx 64\n"
		   " pre-down ethtool -G eth0 rx 64\n# up ethtool -G eth0 rx 64\n"
		   "iface eth1 inet manual\n post-up ethtool -G ${IFACE} rx 64\n"}},
		 NULL,
		 NULL},
		{"device.ring.rx",
		 {{"/etc/network/interfaces",
		   "iface eth0 inet manual\n post-up ethtool -G eth0 rx 64\n"}},
		 NULL,
		 NULL},
		{"device.coalesce.adaptive-rx",
		 {{"/etc/network/if-up.d/ethtool", ""},
		  {"/etc/network/interfaces.d/eth0",
		   "iface eth0 inet6 auto\n hardware-irq-coalesce-adaptive-rx off\n"}},
		 "/eth0:2 sets 0",
		 "\"hardware-irq-coalesce-adaptive-rx on\""},
	};
	one_card();
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct manual_step step = {0};
		struct change of = {.kind = &kind_device, .to = "512"};
		struct err e = {0};
		clean_root();
		for (size_t f = 0; f < 3 && rows[i].files[f][0]; f++)
			put(rows[i].files[f][0], rows[i].files[f][1]);
		snprintf(of.name, sizeof(of.name), "%s@eth0", rows[i].name);
		assert_int_equal(kind_link.file->overridden(&site, &of, &step, &e), 0);
		if (!rows[i].why != !step.why[0] ||
		    (rows[i].why &&
		     (!strstr(step.why, rows[i].why) || !strstr(step.action, rows[i].action))))
			fail_msg("row %zu: %s; %s", i, step.why, step.action);
	}
}

/* Our line is there, but the value after a reboot is the profile's. */
static void a_profile_overrides_our_line(void **state)
{
	struct persisted p;
	struct err e = {0};
	char text[1000];
	const struct change line = {.kind = &kind_link, .name = "device.ring.rx@eth0"};
	one_card();
	clean_root();
	udev_is(252);
	put("/etc/systemd/network/90-epolltune-eth0.link",
	    "# Written by epolltune\n[Link]\n# run 1\nRxBufferSize=512\n");
	assert_int_equal(persist_look(&line, NULL, 0, &site, &p, &e), 0);
	assert_true(p.ours && p.agrees);
	put("/run/NetworkManager/devices/2", ACTIVE);
	put(PROFILE, "[connection]\nuuid=11-22\n[ethtool]\nring-rx=2048\n");
	assert_int_equal(persist_look(&line, NULL, 0, &site, &p, &e), 0);
	assert_false(p.ours || p.agrees);
	persist_text(&p, text, sizeof(text));
	assert_string_equal(text, "2048 after a reboot, not 512: " PROFILE
				  ":4 overrides our line; run: nmcli connection modify 11-22 "
				  "ethtool.ring-rx 512");
	/* A .link file before ours that does not set it, of netplan. */
	clean_root();
	udev_is(252);
	put("/etc/systemd/network/90-epolltune-eth0.link",
	    "# Written by epolltune\n[Link]\n# run 1\nRxBufferSize=512\n");
	put(NETPLAN, "[Match]\nMACAddress=02:00:00:00:00:01\n[Link]\nName=eth0\n");
	assert_int_equal(persist_look(&line, NULL, 0, &site, &p, &e), 0);
	persist_text(&p, text, sizeof(text));
	assert_non_null(
		strstr(text, "interface too; it is made again at each boot, so add a drop-in"));
	put(NETPLAN_DROPIN, "[Link]\nRxBufferSize=512\n");
	assert_int_equal(persist_look(&line, NULL, 0, &site, &p, &e), 0);
	assert_true(p.agrees && !p.rival[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(names_are_knob_interface_and_queue, fresh),
		cmocka_unit_test(every_device_knob_has_its_setting),
		cmocka_unit_test(every_setting_is_in_one_row),
		cmocka_unit_test_setup(a_link_is_reset_with_consent_only, fresh),
		cmocka_unit_test_setup(a_device_finding_becomes_a_change, fresh),
		cmocka_unit_test_setup(the_operators_connection_counts, fresh),
		cmocka_unit_test_setup(any_route_of_the_connection_counts, fresh),
		cmocka_unit_test_setup(values_are_checked_by_the_device, fresh),
		cmocka_unit_test_setup(interfaces_are_read_once, fresh),
		cmocka_unit_test_setup(written_read_back_and_reverted, fresh),
		cmocka_unit_test_setup(an_interface_that_is_removed, fresh),
		cmocka_unit_test_setup(rollback_of_a_renamed_interface, fresh),
		cmocka_unit_test_setup(rollback_of_a_removed_interface, fresh),
		cmocka_unit_test_setup(another_interface_has_nothing_to_persist, fresh),
		cmocka_unit_test_setup(the_index_and_the_card_identify_an_interface, fresh),
		cmocka_unit_test_setup(files_of_a_device, fresh),
		cmocka_unit_test_setup(what_no_file_can_hold_is_a_manual_step, fresh),
		cmocka_unit_test_setup(the_step_says_why_no_file_holds_it, fresh),
		cmocka_unit_test_setup(a_master_and_its_function_have_no_file, fresh),
		cmocka_unit_test_setup(files_are_for_the_installed_udev, fresh),
		cmocka_unit_test_setup(the_remedy_for_a_link_file_lasts, fresh),
		cmocka_unit_test_setup(a_dropin_sets_it, fresh),
		cmocka_unit_test_setup(a_driver_may_refuse_a_line, fresh),
		cmocka_unit_test_setup(the_network_is_configured_after_udev, fresh),
		cmocka_unit_test_setup(a_profile_overrides_our_line, fresh),
	};
	return cmocka_run_group_tests(tests, enter, leave);
}
