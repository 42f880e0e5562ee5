/* The mounts of mountinfo(5). */
#include "../support/support.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "host/mounts.h"

static void fields_are_read(void **state)
{
	static const char text[] =
		"no mount\n"
		"22 28 0:20 / /proc rw,nosuid shared:12 master:1 - proc proc rw\n"
		"35 28 0:4 net:[4026532177] /run/a\\040b\\134c rw - nsfs  rw,x\n"
		"36 28 0:5";
	static const struct {
		unsigned id, minor;
		const char *root, *point, *type, *options;
	} rows[] = {{22, 20, "/", "/proc", "proc", "rw"},
		    {35, 4, "net:[4026532177]", "/run/a b\\c", "nsfs", "rw,x"},
		    {36, 5, "", "", "", ""}};
	const char *at = text;
	struct mount m;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_true(mounts_next(&at, &m));
		assert_int_equal(m.id, rows[i].id);
		assert_true(m.device == makedev(0, rows[i].minor));
		assert_string_equal(m.root, rows[i].root);
		assert_string_equal(m.point, rows[i].point);
		assert_string_equal(m.type, rows[i].type);
		assert_string_equal(m.options, rows[i].options);
	}
	assert_false(mounts_next(&at, &m));
}

/* An overlay of many layers has options of any length. */
static void a_long_line_is_one_mount(void **state)
{
	char text[20000];
	int n = snprintf(text, sizeof(text), "30 1 0:26 / / rw - overlay overlay rw,lowerdir=");
	memset(text + n, 'l', sizeof(text) - (size_t)n);
	strcpy(text + sizeof(text) - 64, "\n31 1 0:27 / /sys rw - sysfs sysfs rw\n");
	const char *at = text;
	struct mount m;
	assert_true(mounts_next(&at, &m));
	assert_string_equal(m.type, "overlay");
	assert_true(mounts_next(&at, &m));
	assert_string_equal(m.point, "/sys");
	assert_false(mounts_next(&at, &m));
}

/* Container-Optimized OS, overlayroot, a live system, a machine that stays in its initramfs; and
 * those whose files stay. */
static void what_is_in_memory_is_lost(void **state)
{
#define ROOT "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
#define OVER                                                                                       \
	"20 1 0:30 / / rw - overlay overlayroot rw,lowerdir=/ro,upperdir=/rw/up,workdir=/rw/work\n"
	static const struct {
		const char *path, *text, *type; /* NULL: it stays */
	} rows[] = {
		{"/etc", ROOT, NULL},
		{"/etc", ROOT "21 20 0:26 / /etc rw - tmpfs tmpfs rw\n", "tmpfs"},
		{"/etc/sysctl.d", ROOT "21 20 0:26 / /etc rw - tmpfs tmpfs rw\n", "tmpfs"},
		{"/etcetera", ROOT "21 20 0:26 / /etc rw - tmpfs tmpfs rw\n", NULL},
		{"/etc", ROOT "21 20 0:26 / /var rw - tmpfs tmpfs rw\n", NULL},
		{"/etc",
		 ROOT "21 20 0:26 / /etc rw - tmpfs tmpfs rw\n"
		      "22 21 8:1 /etc /etc rw - ext4 /dev/sda1 rw\n",
		 NULL},
		{"/etc", ROOT "21 20 0:26 / /etc rw - ramfs none rw\n", "ramfs"},
		{"/etc", "1 1 0:2 / / rw - rootfs rootfs rw\n", "rootfs"},
		{"/etc", OVER "21 20 0:31 / /rw rw - tmpfs tmpfs rw\n", "overlay"},
		{"/etc", OVER "21 20 8:2 / /rw rw - ext4 /dev/sda2 rw\n", NULL},
		{"/etc", OVER, NULL}, /* a container, or the mount is hidden: not known */
		{"/etc",
		 OVER
		 "21 20 0:31 / /rw rw - overlay x rw,upperdir=/m/up\n22 20 0:32 / /m rw - tmpfs t rw\n",
		 "overlay"},
		{"/etc", "20 1 1:0 / / rw - ext4 /dev/ram0 rw\n", "ext4"},
		{"/etc", "", NULL},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char type[32] = "";
		if (mounts_volatile(rows[i].text, "", rows[i].path, type) !=
			    (rows[i].type != NULL) ||
		    (rows[i].type && strcmp(type, rows[i].type) != 0))
			fail_msg("row %zu: %s", i, type);
	}
}

/* What is below the root is hidden. */
static void a_live_system_is_lost(void **state)
{
	static const struct {
		const char *cmdline;
		bool lost;
	} rows[] = {
		{"BOOT_IMAGE=/live/vmlinuz boot=live components\n", true},
		{"boot=casper quiet --", true},
		{"root=live:CDLABEL=Fedora rd.live.image", true},
		{"x systemd.volatile=overlay", true},
		{"coreos.live.rootfs_url=http://a/b", true},
		{"boot=live persistence", false},
		{"boot=casper persistent", false},
		{"rd.live.image rd.live.overlay=LABEL=x:/o", false},
		{"boot=livery systemd.volatile=state norboot=live", false},
		{"quiet root=/dev/sda1", false},
		{"", false},
	};
	char type[32];
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (mounts_volatile(OVER, rows[i].cmdline, "/etc", type) != rows[i].lost)
			fail_msg("%s", rows[i].cmdline);
		assert_false(mounts_volatile(OVER "21 20 8:1 / /etc rw - ext4 /dev/sda1 rw\n",
					     rows[i].cmdline, "/etc", type));
	}
}

/* Behind layers of any length. */
static void the_upper_directory_is_found(void **state)
{
	char text[9000];
	int n = snprintf(text, sizeof(text), "30 1 0:26 / / rw - overlay overlay rw,lowerdir=");
	memset(text + n, 'l', 8000 - (size_t)n);
	snprintf(text + 8000, sizeof(text) - 8000, ",upperdir=/a\\040b,workdir=/w\n");
	const char *at = text;
	struct mount m;
	assert_true(mounts_next(&at, &m));
	assert_string_equal(m.upper, "/a b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_read),
		cmocka_unit_test(a_long_line_is_one_mount),
		cmocka_unit_test(what_is_in_memory_is_lost),
		cmocka_unit_test(a_live_system_is_lost),
		cmocka_unit_test(the_upper_directory_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
