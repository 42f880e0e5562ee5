/* The grammar of --set and of lists of knobs. */
#include "../support/support.h"

#include <string.h>

#include "catalogue/setting.h"

/* "name|value;" of each setting; "!" for an error. */
static void parsed(const char *list, const char *want)
{
	struct setting s;
	struct err e;
	char got[1024] = "";
	const char *rest = list;
	int r;
	while ((r = setting_next(&rest, &s, &e)) > 0) {
		strcat(got, s.name);
		strcat(got, "|");
		strcat(got, s.value);
		strcat(got, ";");
	}
	if (r < 0)
		strcat(got, "!");
	assert_string_equal(got, want);
}

static void values_may_hold_commas(void **state)
{
	parsed("a=1", "a|1;");
	parsed("a=1,b=2", "a|1;b|2;");
	parsed("device.rps_cpus@eth0=ff,ffffffff,b=2", "device.rps_cpus@eth0|ff,ffffffff;b|2;");
	parsed("a=1 2 3,b=x", "a|1 2 3;b|x;");
	parsed("a=1,", "a|1,;");
	parsed(NULL, "");
	parsed("", "!");
	parsed("a", "!");
	parsed("=1", "!");
	parsed("a=1,=2", "a|1;!");
}

static void knobs_are_found(void **state)
{
	struct setting s;
	struct err e;
	const char *list = "net/core/somaxconn=5,net.core.nosuch=6";
	assert_int_equal(setting_next(&list, &s, &e), 1);
	assert_ptr_equal(s.knob, knob_find("net.core.somaxconn"));
	assert_int_equal(setting_next(&list, &s, &e), 1);
	assert_null(s.knob);
	assert_int_equal(setting_next(&list, &s, &e), 0);
}

static void a_knob_is_named_once(void **state)
{
	static const struct {
		const char *list;
		bool again;
	} cases[] = {
		{"net.core.somaxconn=1,fs.file-max=2,net/core/somaxconn=1", true},
		{"net.core.somaxconn=1,fs.file-max=2", false},
		{"device.ring.rx@eth0=1,device.ring.rx@eth1=1", false},
		{"device.ring.rx@eth0=1,device.ring.rx@eth0=2", true},
		{"device.gro_flush_timeout@eth0:rx-0=1,device.gro_flush_timeout@eth0:rx-1=1",
		 false},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *rest = cases[i].list;
		struct setting first;
		assert_int_equal(setting_next(&rest, &first, NULL), 1);
		assert_int_equal(setting_repeated(&first, rest), cases[i].again);
	}
}

static void lists_of_knobs(void **state)
{
	assert_true(setting_listed("a,net/core/somaxconn", "net.core.somaxconn"));
	assert_false(setting_listed("a,fs.file-max", "net.core.somaxconn"));
	assert_true(setting_listed("device.ring.rx", "device.ring.rx@eth0"));
	assert_true(setting_listed("device.ring.rx@eth0", "device.ring.rx@eth0"));
	assert_false(setting_listed("device.ring.rx@eth1", "device.ring.rx@eth0"));
	assert_false(setting_listed(NULL, "net.core.somaxconn"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_may_hold_commas),
		cmocka_unit_test(knobs_are_found),
		cmocka_unit_test(a_knob_is_named_once),
		cmocka_unit_test(lists_of_knobs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
