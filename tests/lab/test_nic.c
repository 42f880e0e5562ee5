/* Sets and reads the interfaces of a lab's wire by the code that real cards use, and measures
 * through NAPI. */
#include "../support/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epolltune/catalogue.h"
#include "epolltune/cleanup.h"
#include "epolltune/client.h"
#include "epolltune/lab.h"
#include "epolltune/nic.h"
#include "epolltune/server.h"

static const struct lab_options veth = {.place = LAB_PRIVATE};
static const struct lab_options napi = {.place = LAB_PRIVATE, .napi = true};

static struct lab *open_as(const struct lab_options *options)
{
	struct err e = {0};
	struct host *h;
	struct lab *lab = NULL;
	assert_int_equal(host_open(&h, "/", &e), 0);
	int r = lab_open(&lab, options, h, &e);
	host_close(h);
	if (r)
		skip_because("%s", e.text);
	return lab;
}

static struct lab *open_or_skip(void) { return open_as(&veth); }

static bool kernel_since(unsigned major, unsigned minor)
{
	CLEAN(host_closep) struct host *h = NULL;
	assert_int_equal(host_open(&h, "/", NULL), 0);
	return host_kernel(h) >= KERNEL(major, minor);
}

/* Arguments and results of the lab functions below, in the lab's memory. */
struct wire_order {
	enum nic_group group;
	const char *name; /* NULL: set and read no field */
	uint64_t value;
	const char *feature;
	bool on;
	uint32_t napi_wanted;
	uint64_t suspend;
	/* Results. */
	char nic[NIC_NAME];
	struct nic_number now;
	bool feature_on;
	uint32_t napi;
	struct nic_number suspend_now;
};

static int wire_set(struct host *h, void *arg, struct err *e)
{
	struct wire_order *o = arg;
	int r = 0;
	if (o->name)
		r = nic_set(h, "wire", nic_field_find(o->group, o->name), o->value, e);
	if (r == 0 && o->feature)
		r = nic_set_feature(h, "wire", o->feature, o->on, e);
	if (r == 0 && o->napi_wanted)
		r = nic_set_napi(h, o->napi_wanted, NAPI_IRQ_SUSPEND_TIMEOUT, o->suspend, e);
	return r;
}

static int wire_get(struct host *h, void *arg, struct err *e)
{
	struct wire_order *o = arg;
	struct nics nics;
	int r = nics_read(h, NIC_ALL, &nics, e);
	const struct nic *n = r < 0 ? NULL : nics_find(&nics, "wire");
	if (r == 0 && !n)
		r = err_set(e, ENODEV, "no wire");
	if (r == 0) {
		snprintf(o->nic, sizeof(o->nic), "%s", n->name);
		if (o->name)
			o->now = nic_get(n, nic_field_find(o->group, o->name));
		const struct nic_feature *f = o->feature ? nic_feature(n, o->feature) : NULL;
		o->feature_on = f && f->active;
		o->napi = n->napi_count ? n->napis[0].id : 0;
		if (n->napi_count)
			o->suspend_now = n->napis[0].irq_suspend_timeout;
	}
	nics_free(&nics);
	return r;
}

static struct wire_order *order(struct lab *lab)
{
	struct err e = {0};
	struct wire_order *o = lab_alloc(lab, sizeof(*o), &e);
	assert_non_null(o);
	return o;
}

static void features_are_set_and_read_back(void **state)
{
	struct err e = {0};
	struct lab *lab = open_or_skip();
	struct wire_order *o = order(lab);
	o->feature = "tx-tcp-segmentation";
	assert_int_equal(lab_call(lab, LAB_CLIENT, wire_get, o, &e), 0);
	assert_true(o->feature_on);
	assert_int_equal(lab_call(lab, LAB_CLIENT, wire_set, o, &e), 0);
	assert_int_equal(lab_call(lab, LAB_CLIENT, wire_get, o, &e), 0);
	assert_false(o->feature_on);
	/* The other end is another device. */
	assert_int_equal(lab_call(lab, LAB_SERVER, wire_get, o, &e), 0);
	assert_true(o->feature_on);
	o->feature = "no-such-feature";
	assert_true(lab_call(lab, LAB_CLIENT, wire_set, o, &e) < 0);
	lab_close(lab);
}

static void channels_are_set_or_refused_with_a_reason(void **state)
{
	struct err e = {0};
	struct lab *lab = open_or_skip();
	struct wire_order *o = order(lab);
	o->group = GROUP_CHANNELS;
	o->name = "rx";
	o->value = 1;
	if (kernel_since(5, 15)) { /* before, veth only reports them */
		assert_int_equal(lab_call(lab, LAB_SERVER, wire_set, o, &e), 0);
		assert_int_equal(lab_call(lab, LAB_SERVER, wire_get, o, &e), 0);
		assert_true(o->now.known);
		assert_int_equal(o->now.value, 1);
		o->value = 100000;
		int r = lab_call(lab, LAB_SERVER, wire_set, o, &e);
		assert_true(r == -EINVAL || r == -ERANGE);
		/* The kernel's own reason, not only errno. */
		assert_non_null(strstr(e.text, "wire: set channels rx: "));
		assert_non_null(strstr(e.text, "maximum"));
	} else {
		assert_int_equal(lab_call(lab, LAB_SERVER, wire_set, o, &e), -EOPNOTSUPP);
	}
	o->name = "rx-max";
	assert_int_equal(lab_call(lab, LAB_SERVER, wire_set, o, &e), -EOPNOTSUPP);
	o->group = GROUP_RINGS;
	o->name = "rx";
	o->value = 128;
	assert_int_equal(lab_call(lab, LAB_SERVER, wire_set, o, &e),
			 -EOPNOTSUPP); /* veth has none */
	lab_close(lab);
}

static void napi_settings_need_the_initial_user_namespace(void **state)
{
	struct err e = {0};
	struct lab *lab = open_or_skip();
	struct wire_order *o = order(lab);
	o->group = GROUP_NAPI;
	o->name = "gro_flush_timeout";
	o->value = 200000;
	int r = lab_call(lab, LAB_SERVER, wire_set, o, &e);
	if (geteuid() == 0 && r == 0) {
		assert_int_equal(lab_call(lab, LAB_SERVER, wire_get, o, &e), 0);
		assert_int_equal(o->now.value, 200000);
	} else {
		assert_true(r == -EPERM || r == -EACCES || r == -EROFS);
	}
	lab_close(lab);
}

static int missing_set(struct host *h, void *arg, struct err *e)
{
	return nic_set(h, "gone0", nic_field_find(GROUP_CHANNELS, "rx"), 1, e);
}

static int missing_napi(struct host *h, void *arg, struct err *e)
{
	return nic_set(h, "../wire", nic_field_find(GROUP_NAPI, "threaded"), 1, e);
}

static void a_missing_interface_is_enodev(void **state)
{
	struct err e = {0};
	struct lab *lab = open_or_skip();
	assert_int_equal(lab_call(lab, LAB_SERVER, missing_set, NULL, &e), -ENODEV);
	assert_non_null(strstr(e.text, "gone0"));
	assert_int_equal(lab_call(lab, LAB_SERVER, missing_napi, NULL, &e), -ENODEV);
	lab_close(lab);
}

/* Talks, and reads the server's usage; false: again, as the socket of the last reply has no NAPI
 * instance yet. */
static bool receives_through_napi(struct client *c, struct server *s, struct server_usage *usage)
{
	struct err e = {0};
	assert_int_equal(client_talk(c, 20, 1, WITHIN_MS, &e), 0);
	assert_int_equal(server_usage(s, usage, &e), 0);
	return usage->napi;
}

/* Requests to a server that busy polls, over a wire that receives through NAPI. */
static void the_engine_receives_through_napi(void **state)
{
	struct err e = {0};
	if (!kernel_since(5, 13))
		skip_because("veth receives through NAPI since Linux 5.13");
	struct lab *lab = open_as(&napi);
	struct wire_order *o = order(lab);
	struct server server;
	struct client client;
	struct server_usage usage;
	const struct server_config config = {.address = lab_address(lab, LAB_SERVER, 0),
					     .backlog = 16};

	assert_int_equal(
		server_start(&server, &(struct task_context){lab, LAB_SERVER}, &config, &e), 0);
	const struct client_config to = {.to = server.address, .connections = 4};
	assert_int_equal(client_start(&client, &(struct task_context){lab, LAB_CLIENT}, &to, &e),
			 0);
	assert_int_equal(client_open(&client, 4, 0, WITHIN_MS, &e), 0);
	assert_int_equal(client_await(&client, 4, WITHIN_MS), 0);
	WAIT_UNTIL(receives_through_napi(&client, &server, &usage));
	assert_true(usage.cpu_ns > 0);
	assert_int_not_equal(usage.napi, 0);
	assert_int_equal(lab_call(lab, LAB_SERVER, wire_get, o, &e), 0);
	if (o->napi) /* Linux 6.8 */
		assert_int_equal(o->napi, usage.napi);

	struct server_busy_poll poll = {.usecs = 50, .budget = 8, .prefer = true};
	int r = server_busy_poll(&server, &poll, &e);
	assert_true(r == 0 || r == -EOPNOTSUPP);
	if (r == 0) {
		poll.budget = 65535; /* needs CAP_NET_ADMIN in the initial user namespace */
		r = server_busy_poll(&server, &poll, &e);
		assert_true(r == 0 || r == -EPERM);
	}
	assert_int_equal(client_talk(&client, 100, 4, WITHIN_MS, &e), 0);
	assert_int_equal(client_sum(&client).done, 100);
	assert_int_equal(client_sum(&client).failed, 0);
	assert_int_equal(client_talk(&client, 5, 1, WITHIN_MS, &e), 0);
	struct histogram *h = calloc(1, sizeof(*h));
	assert_non_null(h);
	client_latency(&client, h);
	assert_int_equal(h->total, 5);
	free(h);

	client_stop(&client);
	server_stop(&server);
	lab_close(lab);
}

static void irq_suspend_timeout_is_set_if_supported(void **state)
{
	struct err e = {0};
	struct lab *lab = open_or_skip();
	struct wire_order *o = order(lab);
	o->feature = "rx-gro";
	o->on = true;
	assert_int_equal(lab_call(lab, LAB_SERVER, wire_set, o, &e), 0);
	o->feature = NULL;
	assert_int_equal(lab_call(lab, LAB_SERVER, wire_get, o, &e), 0);
	if (o->napi && o->suspend_now.known) {
		o->napi_wanted = o->napi;
		o->suspend = 20000000;
		int r = lab_call(lab, LAB_SERVER, wire_set, o, &e);
		if (r == 0) {
			assert_int_equal(lab_call(lab, LAB_SERVER, wire_get, o, &e), 0);
			assert_int_equal(o->suspend_now.value, 20000000);
			o->napi_wanted = 4000000000u;
			assert_int_equal(lab_call(lab, LAB_SERVER, wire_set, o, &e), -ENODEV);
		} else {
			assert_int_equal(r, -EPERM);
		}
	}
	lab_close(lab);
}

/* What the lab sets is what the server's end of the wire has. */
static void the_wire_defers_interrupts(void **state)
{
	struct err e = {0};
	struct lab *lab = open_as(&napi);
	struct wire_order *o = order(lab);
	struct nic_deferral d = {200000, 2, 20000000};
	o->group = GROUP_NAPI;
	o->name = "gro_flush_timeout";
	for (int i = 0; i < 2; i++, d = (struct nic_deferral){0}) {
		int r = lab_wire_defer(lab, &d, &e);
		if (r && geteuid() == 0)
			fail_msg("%s", e.text);
		if (r)
			break;
		assert_int_equal(lab_call(lab, LAB_SERVER, wire_get, o, &e), 0);
		assert_int_equal(o->now.value, d.flush_ns);
		if (lab_wire_suspends(lab))
			assert_int_equal(o->suspend_now.value, d.suspend_ns);
	}
	lab_close(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(features_are_set_and_read_back),
		cmocka_unit_test(channels_are_set_or_refused_with_a_reason),
		cmocka_unit_test(napi_settings_need_the_initial_user_namespace),
		cmocka_unit_test(a_missing_interface_is_enodev),
		cmocka_unit_test(the_engine_receives_through_napi),
		cmocka_unit_test(the_wire_defers_interrupts),
		cmocka_unit_test(irq_suspend_timeout_is_set_if_supported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
