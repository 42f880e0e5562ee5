/* What control groups lose while they are watched: by looks at groups as they are read. */
#include "../support/support.h"

#include <stdio.h>
#include <string.h>

#include "epolltune/catalogue.h"
#include "epolltune/cgroup.h"
#include "watch/group_losses.h"

#define NONE REPORT_NONE
#define POD "/kubepods.slice/kubepods-pod1.slice"

/* Of a group with limits on memory and on processes, "": it has none. */
static struct cgroup group(const char *path, const char *memory, uint64_t killed, const char *pids,
			   uint64_t refused)
{
	struct cgroup c = cgroup_none(false);
	snprintf(c.path, sizeof(c.path), "%s", path);
	c.memory.count = *memory != 0;
	c.pids.count = *pids != 0;
	snprintf(c.memory.at[0].path, sizeof(c.memory.at[0].path), "%s", memory);
	snprintf(c.pids.at[0].path, sizeof(c.pids.at[0].path), "%s", pids);
	c.pressure.killed = killed;
	c.pids_refused = refused;
	return c;
}

static void add(struct group_losses *l, struct cgroup c)
{
	assert_int_equal(group_losses_add(l, &c), 0);
}

static void losses_are(const struct group_losses *l, const char *path, const char *of, int64_t lost)
{
	int64_t is = group_losses_of(l, path, of, NULL);
	if (is != lost)
		fail_msg("%s, %s: %lld", path, of, (long long)is);
}

static void those_before_the_first_look_do_not_count(void **state)
{
	struct group_losses l = {0};
	losses_are(&l, "/a", GROUP_MEMORY, NONE);
	group_losses_begin(&l);
	add(&l, group("/a", "/a", 7, "/a", 9));
	losses_are(&l, "/a", GROUP_MEMORY, 0);
	losses_are(&l, "/a", GROUP_PIDS, 0);
	group_losses_begin(&l);
	/* Of each of its processes. */
	for (int i = 0; i < 3; i++)
		add(&l, group("/a", "/a", 8, "/a", 12));
	losses_are(&l, "/a", GROUP_MEMORY, 1);
	losses_are(&l, "/a", GROUP_PIDS, 3);
	losses_are(&l, "/a", "TCP memory", NONE);
	group_losses_free(&l);
}

static void groups_below_one_limit_have_their_losses_there(void **state)
{
	struct group_losses l = {0};
	for (uint64_t k = 0; k < 3; k++) {
		group_losses_begin(&l);
		add(&l, group("/s/a", "/s", 5 + k, "/s", 0));
		if (k < 2)
			add(&l, group("/s/b", "/s", 2 * k, "/s/b", k));
	}
	losses_are(&l, "/s", GROUP_MEMORY, 2 + 2);
	losses_are(&l, "/s", GROUP_PIDS, 0);
	losses_are(&l, "/s/b", GROUP_PIDS, 1);
	group_losses_free(&l);
}

/* systemd makes the group of a service again, and a supervisor starts what was killed in a group
 * that was empty for some looks. */
static void a_group_that_was_made_again_begins_at_none(void **state)
{
	struct group_losses l = {0};
	group_losses_begin(&l);
	add(&l, group("/a", "/a", 7, "", 0));
	for (int i = 0; i < 5; i++)
		group_losses_begin(&l);
	add(&l, group("/a", "/a", 1, "", 0));
	losses_are(&l, "/a", GROUP_MEMORY, 1);
	group_losses_begin(&l);
	add(&l, group("/a", "/a", 2, "", 0));
	losses_are(&l, "/a", GROUP_MEMORY, 2);
	/* Groups that have ended are forgotten. */
	for (int i = 0; i < 100; i++)
		group_losses_begin(&l);
	assert_int_equal(l.count, 0);
	group_losses_free(&l);
}

/* pids.events of a group above is in the count while its limit leaves least. */
static void another_limit_has_another_count(void **state)
{
	static const struct {
		const char *pids;
		uint64_t refused;
	} looks[] = {{"/s/a", 2}, {"/s", 502}, {"/s/a", 2}, {"/s", 503}, {"/s/a", 3}};
	struct group_losses l = {0};
	for (size_t i = 0; i < sizeof(looks) / sizeof(*looks); i++) {
		group_losses_begin(&l);
		add(&l, group("/s/a", "", 0, looks[i].pids, looks[i].refused));
	}
	losses_are(&l, "/s", GROUP_PIDS, 1);
	losses_are(&l, "/s/a", GROUP_PIDS, 1);
	group_losses_free(&l);
}

/* Each group below a limit shows what that limit refused to all of them. */
static void what_a_shared_limit_refuses_counts_once(void **state)
{
	struct group_losses l = {0};
	for (uint64_t k = 0; k < 3; k++) {
		struct cgroup a = group("/s/a", "", 0, "/s", 7 + k),
			      b = group("/s/b", "", 0, "/s", 6 + k);
		a.pids_refused_above = b.pids_refused_above = 5 + k;
		group_losses_begin(&l);
		add(&l, a);
		add(&l, b);
	}
	losses_are(&l, "/s", GROUP_PIDS, 2);
	group_losses_free(&l);
}

static void a_group_without_a_limit_is_killed_for_itself(void **state)
{
	struct group_losses l = {0};
	bool fresh = true;
	for (uint64_t k = 0; k < 3; k++) {
		group_losses_begin(&l);
		add(&l, group("/a", "", k, "", 0));
		assert_int_equal(group_losses_of(&l, "/a", GROUP_MEMORY, &fresh), (int64_t)k);
		assert_int_equal(fresh, k < 2);
	}
	group_losses_free(&l);
}

static struct cgroup container(const char *path, uint64_t killed, uint64_t in_pod)
{
	struct cgroup c = group(path, path, killed, "", 0);
	c.pod_killed = in_pod - killed;
	return c;
}

static void a_container_that_was_killed_is_known_by_its_pod(void **state)
{
	struct group_losses l = {0};
	group_losses_begin(&l);
	add(&l, container(POD "/a", 0, 3));
	add(&l, container(POD "/side", 1, 3));
	group_losses_begin(&l);
	/* Another one of the pod. */
	add(&l, container(POD "/a", 0, 4));
	add(&l, container(POD "/side", 2, 4));
	losses_are(&l, POD "/a", GROUP_MEMORY, 0);
	losses_are(&l, POD "/side", GROUP_MEMORY, 1);
	group_losses_begin(&l);
	add(&l, container(POD "/b", 0, 5));
	add(&l, container(POD "/side", 2, 5));
	losses_are(&l, POD "/b", GROUP_MEMORY, 1);
	losses_are(&l, POD "/side", GROUP_MEMORY, 1);
	/* The next one is seen later, and after the other. */
	group_losses_begin(&l);
	add(&l, container(POD "/side", 2, 6));
	group_losses_begin(&l);
	add(&l, container(POD "/side", 3, 7));
	add(&l, container(POD "/c", 0, 7));
	losses_are(&l, POD "/c", GROUP_MEMORY, 1);
	losses_are(&l, POD "/side", GROUP_MEMORY, 2);
	group_losses_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_before_the_first_look_do_not_count),
		cmocka_unit_test(groups_below_one_limit_have_their_losses_there),
		cmocka_unit_test(a_group_that_was_made_again_begins_at_none),
		cmocka_unit_test(another_limit_has_another_count),
		cmocka_unit_test(what_a_shared_limit_refuses_counts_once),
		cmocka_unit_test(a_group_without_a_limit_is_killed_for_itself),
		cmocka_unit_test(a_container_that_was_killed_is_known_by_its_pod),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
