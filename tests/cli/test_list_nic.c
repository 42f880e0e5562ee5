/* Compare `list --nic` with ethtool on every field that both print: on this machine's interfaces,
 * read-only, and on virtual ones in a private network namespace. */
#include "../support/support.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/host.h"
#include "epolltune/nic.h"

/* Print ethtool's output for each interface, between markers, then the JSON. */
#define SCRIPT                                                                                     \
	"for i in $(ls /sys/class/net); do for o in g l c k i; do echo \"@@ $i $o\"; "             \
	"ethtool -$o $i 2>&1; done; done; echo '@@ json'; exec $PROGRAM list --nic --format json"

struct section {
	char nic[NIC_NAME];
	char option; /* ethtool's option letter */
	char *text;
};

struct listing {
	struct section at[256];
	size_t count;
	json_t *json;
	char *output;
};

static struct listing listing_of(const char *before)
{
	struct listing l = {0};
	struct output o = run("%s%s\n%s", before, SCRIPT, *before ? "END\n" : "");
	assert_string_equal(o.errors, "");
	assert_int_equal(o.status, 0);
	l.output = strdup(o.out);
	output_free(&o);
	assert_non_null(l.output);
	for (char *at = strstr(l.output, "@@ "); at;) {
		char *body = strchr(at, '\n');
		char *next = strstr(body, "@@ ");
		assert_non_null(body);
		*body++ = 0;
		if (strcmp(at, "@@ json") == 0) {
			json_error_t why;
			l.json = json_loads(body, JSON_REJECT_DUPLICATES, &why);
			if (!l.json)
				fail_msg("line %d: %s", why.line, why.text);
			break;
		}
		struct section *s = &l.at[l.count];
		assert_true(l.count < 255);
		if (sscanf(at, "@@ %15s %c", s->nic, &s->option) == 2) {
			s->text = body;
			l.count++;
		}
		at = next;
		if (next && next > l.output)
			next[-1] = 0;
	}
	assert_non_null(l.json);
	return l;
}

static void listing_free(struct listing *l)
{
	json_decref(l->json);
	free(l->output);
}

static json_t *nic_of(const struct listing *l, const char *name)
{
	size_t i;
	json_t *nic;
	json_array_foreach(json_object_get(l->json, "interfaces"), i, nic)
	{
		if (!strcmp(json_string_value(json_object_get(nic, "name")), name))
			return nic;
	}
	fail_msg("no interface %s in the JSON", name);
	return NULL;
}

/* Turn "RX Buf Len" into "rx-buf-len". */
static void label_name(const char *label, size_t length, const char *suffix, char name[64])
{
	snprintf(name, 64, "%.*s%s", (int)(length < 40 ? length : 40), label, suffix);
	for (char *at = name; *at; at++)
		*at = *at == ' ' || *at == '_' ? '-' : (char)tolower((unsigned char)*at);
}

/* Map ethtool's output names of four options to their option names. */
static void coalesce_name(char name[64])
{
	char *frame = strstr(name, "-frame-");
	if (frame) {
		char rest[32];
		snprintf(rest, sizeof(rest), "%s", frame + 7);
		snprintf(frame, (size_t)(64 - (frame - name)), "-frames-%s", rest);
	}
}

static bool field_exists(const char *group, const char *name)
{
	for (size_t i = 0; i < nic_field_count; i++)
		if (!strcmp(nic_group_name(nic_fields[i].group), group) &&
		    !strcmp(nic_fields[i].name, name))
			return true;
	return false;
}

/* Compare one value of ethtool with ours. Returns 1 if both know the field. */
static int compare(const char *nic, json_t *ours, const char *group, const char *name,
		   const char *value)
{
	json_t *field = json_object_get(json_object_get(ours, group), name);
	char got[32] = "n/a";
	if (!field_exists(group, name))
		return 0;
	if (json_is_boolean(field))
		snprintf(got, sizeof(got), "%s", json_is_true(field) ? "on" : "off");
	else if (json_is_integer(field))
		snprintf(got, sizeof(got), "%lld", (long long)json_integer_value(field));
	if (strcmp(got, value) != 0)
		fail_msg("%s %s %s: ethtool says %s, we %s", nic, group, name, value, got);
	return 1;
}

static int compare_lines(const struct section *s, json_t *ours, const char *group)
{
	int compared = 0;
	bool maximums = false;
	char *copy = strdup(s->text);
	assert_non_null(copy);
	for (char *save, *line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char name[64], value[64], second[64];
		char *colon = strchr(line, ':');
		if (!strncmp(line, "Pre-set", 7) || !strncmp(line, "Current", 7)) {
			maximums = *line == 'P';
			continue;
		}
		if (sscanf(line, "Adaptive RX: %63s TX: %63s", value, second) == 2) {
			compared += compare(s->nic, ours, group, "adaptive-rx", value);
			compared += compare(s->nic, ours, group, "adaptive-tx", second);
			continue;
		}
		if (sscanf(line, "CQE mode RX: %63s TX: %63s", value, second) == 2) {
			compared += compare(s->nic, ours, group, "cqe-mode-rx", value);
			compared += compare(s->nic, ours, group, "cqe-mode-tx", second);
			continue;
		}
		if (!colon || sscanf(colon + 1, " %63s", value) != 1)
			continue;
		label_name(line, (size_t)(colon - line), maximums ? "-max" : "", name);
		if (s->option == 'c')
			coalesce_name(name);
		compared += compare(s->nic, ours, group, name, value);
	}
	free(copy);
	return compared;
}

static int compare_features(const struct section *s, json_t *ours)
{
	/* ethtool names that differ from the kernel's. */
	static const char *const aliases[][2] = {
		{"rx-checksumming", "rx-checksum"},
		{"generic-segmentation-offload", "tx-generic-segmentation"},
		{"generic-receive-offload", "rx-gro"},
		{"large-receive-offload", "rx-lro"},
		{"rx-vlan-offload", "rx-vlan-hw-parse"},
		{"tx-vlan-offload", "tx-vlan-hw-insert"},
		{"ntuple-filters", "rx-ntuple-filter"},
		{"receive-hashing", "rx-hashing"},
	};
	int compared = 0;
	char *copy = strdup(s->text);
	assert_non_null(copy);
	for (char *save, *line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char name[64], value[16];
		if (sscanf(line, " %63[^:]: %15s", name, value) != 2)
			continue;
		for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
			if (!strcmp(name, aliases[i][0]))
				snprintf(name, sizeof(name), "%s", aliases[i][1]);
		json_t *feature = json_object_get(json_object_get(ours, "features"), name);
		if (!feature)
			continue; /* "tx-checksumming" and others cover several features */
		bool active = json_is_true(json_object_get(feature, "active"));
		bool fixed = json_is_true(json_object_get(feature, "fixed"));
		if (active != !strcmp(value, "on") || fixed != !!strstr(line, "[fixed]"))
			fail_msg("%s feature %s: ethtool says \"%s\", we active %d fixed %d",
				 s->nic, name, line, active, fixed);
		compared++;
	}
	free(copy);
	return compared;
}

static int compare_driver(const struct section *s, json_t *ours)
{
	static const char *const names[][2] = {
		{"driver", "name"},
		{"version", "version"},
		{"firmware-version", "firmware"},
		{"bus-info", "bus"},
	};
	int compared = 0;
	for (size_t i = 0; i < 4; i++) {
		char label[32], value[80] = "";
		snprintf(label, sizeof(label), "%s%s: ", i ? "\n" : "", names[i][0]);
		const char *at = strstr(s->text, label);
		if (!at)
			continue;
		sscanf(at + strlen(label), "%79[^\n]", value);
		json_t *field = json_object_get(json_object_get(ours, "driver"), names[i][1]);
		assert_string_equal(json_is_string(field) ? json_string_value(field) : "", value);
		compared++;
	}
	return compared;
}

/* Count the fields compared for one interface ("" for all). */
static int compare_all(const struct listing *l, const char *only)
{
	int compared = 0;
	for (size_t i = 0; i < l->count; i++) {
		const struct section *s = &l->at[i];
		json_t *ours = nic_of(l, s->nic);
		if (*only && strcmp(only, s->nic) != 0)
			continue;
		if (s->option == 'g')
			compared += compare_lines(s, ours, "rings");
		else if (s->option == 'l')
			compared += compare_lines(s, ours, "channels");
		else if (s->option == 'c')
			compared += compare_lines(s, ours, "coalesce");
		else if (s->option == 'k')
			compared += compare_features(s, ours);
		else
			compared += compare_driver(s, ours);
		/* The kernel refuses us what it refuses ethtool. */
		if (s->option != 'k' && s->option != 'i' && strstr(s->text, "not supported"))
			assert_null(json_object_get(ours, s->option == 'g'   ? "rings"
							  : s->option == 'l' ? "channels"
									     : "coalesce"));
	}
	return compared;
}

static void need_ethtool(void)
{
	struct output o = run("ethtool --version");
	int status = o.status;
	output_free(&o);
	if (status)
		skip_because("no ethtool here");
}

static void agrees_with_ethtool_on_this_machine(void **state)
{
	need_ethtool();
	struct listing l = listing_of("");
	assert_true(l.count >= 5);
	assert_true(compare_all(&l, "") >= 40);
	listing_free(&l);
}

static void agrees_with_ethtool_on_virtual_interfaces(void **state)
{
	need_ethtool();
	struct output o = run("unshare -rnm sh -c 'mount -t sysfs sysfs /sys && "
			      "ip link add name v0 type veth peer name v1'");
	int status = o.status;
	output_free(&o);
	if (status)
		skip_because("no private namespaces, or no veth");
	CLEAN(host_closep) struct host *h = NULL;
	assert_int_equal(host_open(&h, "/", NULL), 0);
	struct listing l = listing_of(
		"unshare -rnm sh -c 'mount -t sysfs sysfs /sys; "
		"ip link add name v0 numrxqueues 4 numtxqueues 4 type veth peer name v1; "
		"ethtool -L v0 rx 3 tx 2 2>/dev/null; ethtool -K v1 gro on tso off >/dev/null; "
		"ip link set v0 up; ip link set v1 up; exec sh' <<'END'\n");
	/* At least channels and features. */
	assert_true(compare_all(&l, "v0") >= 40);
	assert_true(compare_all(&l, "v1") >= 40);
	json_t *v0 = nic_of(&l, "v0");
	json_t *channels = json_object_get(v0, "channels");
	bool settable = host_kernel(h) >= KERNEL(5, 15); /* veth has no channels before */
	assert_int_equal(json_integer_value(json_object_get(channels, "rx")), settable ? 3 : 0);
	assert_int_equal(json_integer_value(json_object_get(channels, "tx")), settable ? 2 : 0);
	assert_string_equal(json_string_value(json_object_get(v0, "kind")), "veth");
	assert_int_equal(json_array_size(json_object_get(v0, "queues")), settable ? 5 : 8);
	listing_free(&l);
}

static void sysfs_of_another_namespace_is_ignored(void **state)
{
	/* Without a new sysfs mount, /sys shows the interfaces of the old namespace. */
	struct output o = run("unshare -rn sh -c '"
			      "ip link add name eth0 index 99 type veth peer name v1 && "
			      "exec $PROGRAM list --nic --format json'");
	if (o.status) {
		output_free(&o);
		skip_because("no private namespaces, or no veth");
	}
	json_t *root = json_loads(o.out, 0, NULL);
	assert_non_null(root);
	output_free(&o);
	struct listing l = {.json = root};
	json_t *eth0 = nic_of(&l, "eth0");
	assert_null(json_object_get(eth0, "napi"));
	assert_false(json_is_true(json_object_get(eth0, "physical")));
	json_decref(root);
}

static void tables_list_every_interface(void **state)
{
	struct output o = run("$PROGRAM list --nic");
	assert_int_equal(o.status, 0);
	assert_string_equal(o.errors, "");
	assert_non_null(strstr(o.out, "INTERFACE"));
	assert_non_null(strstr(o.out, "\nlo "));
	assert_non_null(strstr(o.out, "net.core.netdev_budget"));
	assert_null(strstr(o.out, "\n\n\n"));
	output_free(&o);
}

static long long number_of(json_t *nic, const char *group, const char *name)
{
	json_t *field = json_object_get(json_object_get(nic, group), name);
	return json_is_integer(field) ? (long long)json_integer_value(field) : -1;
}

/* Two cards on Linux 6.1, which has no netlink for NAPI instances. */
static void recorded_replies_are_replayed(void **state)
{
	struct output o = run("$PROGRAM list --nic --format json --sysroot "
			      "tests/hosts/debian-12-e1000e");
	assert_int_equal(o.status, 0);
	assert_string_equal(o.errors, "");
	struct listing l = {.json = json_loads(o.out, 0, NULL)};
	assert_non_null(l.json);
	output_free(&o);
	json_t *intel = nic_of(&l, "eth0"), *virtio = nic_of(&l, "eth1");
	assert_int_equal(number_of(intel, "rings", "rx"), 256);
	assert_int_equal(number_of(intel, "rings", "rx-max"), 4096);
	assert_int_equal(number_of(intel, "coalesce", "rx-usecs"), 3);
	assert_int_equal(number_of(intel, "channels", "combined"), -1);
	assert_int_equal(number_of(virtio, "rings", "rx"), 1024);
	assert_int_equal(number_of(virtio, "channels", "combined"), 2);
	assert_int_equal(number_of(virtio, "channels", "combined-max"), 4);
	assert_int_equal(number_of(virtio, "napi", "gro_flush_timeout"), 0);
	assert_int_equal(json_array_size(json_object_get(virtio, "napis")), 0);
	assert_true(json_array_size(json_object_get(virtio, "queues")) >= 4);
	json_decref(l.json);
}

static void a_capture_without_netlink_replies_is_an_error(void **state)
{
	struct output o = run("d=$(mktemp -d) && $PROGRAM list --nic --sysroot $d; s=$?; rmdir $d; "
			      "exit $s");
	assert_int_equal(o.status, 3);
	assert_non_null(strstr(o.errors, "netlink/links.bin"));
	output_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_ethtool_on_this_machine),
		cmocka_unit_test(agrees_with_ethtool_on_virtual_interfaces),
		cmocka_unit_test(sysfs_of_another_namespace_is_ignored),
		cmocka_unit_test(tables_list_every_interface),
		cmocka_unit_test(recorded_replies_are_replayed),
		cmocka_unit_test(a_capture_without_netlink_replies_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
