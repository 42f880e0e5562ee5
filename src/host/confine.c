/* A seccomp filter and dropped capabilities for commands that only read. */
#include "host/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "epolltune/cleanup.h"

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__s390x__)
#define ARCHITECTURE AUDIT_ARCH_S390X
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ARCHITECTURE AUDIT_ARCH_PPC64LE
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#endif

/* LeakSanitizer traces the program. */
#if defined(__SANITIZE_ADDRESS__)
#define TRACED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TRACED
#endif
#endif

#ifdef ARCHITECTURE

/* Since Linux 5.1 numbers are the same on all architectures. */
#define NR_PIDFD_SEND_SIGNAL 424
#define NR_IO_URING_SETUP 425
#define NR_OPEN_TREE 428
#define NR_MOVE_MOUNT 429
#define NR_FSOPEN 430
#define NR_FSPICK 433
#define NR_CLONE3 435
#define NR_OPENAT2 437
#define NR_PIDFD_GETFD 438
#define NR_MOUNT_SETATTR 442
#define NR_LANDLOCK_CREATE_RULESET 444
#define NR_LANDLOCK_RESTRICT_SELF 446
#define NR_FCHMODAT2 452
#define NR_SETXATTRAT 463
#define NR_REMOVEXATTRAT 466
#define NR_OPEN_TREE_ATTR 467
#define NR_FILE_SETATTR 469

/* clang-format off */
static const int refused[] = {
	/* The network, and what does the work of other calls. */
	SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4,
	SYS_sendto, SYS_sendmsg, SYS_sendmmsg, NR_IO_URING_SETUP, SYS_io_setup,
	/* Programs and other processes. */
	SYS_execve, SYS_execveat,
#ifndef TRACED
	SYS_ptrace,
#endif
	SYS_process_vm_readv, SYS_process_vm_writev, NR_PIDFD_SEND_SIGNAL, NR_PIDFD_GETFD,
	SYS_kcmp, SYS_setpriority, SYS_sched_setscheduler, SYS_sched_setattr,
	/* Namespaces and mounts. */
	SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot,
	NR_OPEN_TREE, NR_OPEN_TREE_ATTR, NR_MOVE_MOUNT, NR_FSOPEN, NR_FSPICK, NR_MOUNT_SETATTR,
	/* Files. */
	SYS_open_by_handle_at, SYS_linkat, SYS_symlinkat, SYS_unlinkat, SYS_renameat2,
	SYS_mkdirat, SYS_mknodat, SYS_truncate, SYS_fchmod, SYS_fchmodat, SYS_fchown,
	SYS_fchownat, SYS_setxattr, SYS_lsetxattr, SYS_fsetxattr, SYS_removexattr,
	SYS_lremovexattr, SYS_fremovexattr, SYS_utimensat, NR_FCHMODAT2, NR_SETXATTRAT,
	NR_REMOVEXATTRAT, NR_FILE_SETATTR,
#ifdef SYS_renameat
	SYS_renameat,
#endif
#ifdef SYS_open
	SYS_creat, SYS_link, SYS_symlink, SYS_unlink, SYS_rename, SYS_mkdir, SYS_rmdir,
	SYS_mknod, SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat,
#endif
	/* The machine. */
	SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key,
	SYS_request_key, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
	SYS_reboot, SYS_swapon, SYS_swapoff, SYS_sethostname, SYS_setdomainname,
	SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_acct, SYS_quotactl, SYS_syslog,
	SYS_fanotify_init,
};
/* clang-format on */

#ifdef __s390x__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif
#define NEW_NAMESPACES                                                                             \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)
#define WRITING (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)

#define INSTRUCTIONS (2 * sizeof(refused) / sizeof(*refused) + 40)
struct filter {
	struct sock_filter at[INSTRUCTIONS];
	unsigned short count;
};

static void add(struct filter *f, struct sock_filter instruction)
{
	f->at[f->count++] = instruction;
}

#define LOAD(field)                                                                                \
	(struct sock_filter)                                                                       \
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_UNLESS(test, value, count)                                                            \
	(struct sock_filter) BPF_JUMP(BPF_JMP | (test) | BPF_K, (uint32_t)(value), 0, count)
#define RETURN(action) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, action)

static void refuse(struct filter *f, int number, int error)
{
	add(f, SKIP_UNLESS(BPF_JEQ, number, 1));
	add(f, RETURN(SECCOMP_RET_ERRNO | (uint32_t)error));
}

/* Loads the low half of an argument, by byte order. */
static struct sock_filter argument_load(unsigned argument)
{
	const uint32_t half = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;
	uint32_t at = (uint32_t)offsetof(struct seccomp_data, args) + 8 * argument + half;
	return (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at);
}

/* Refuses a call that has one of these bits in an argument. */
static void refuse_bits(struct filter *f, int number, unsigned argument, uint32_t bits)
{
	add(f, SKIP_UNLESS(BPF_JEQ, number, 4));
	add(f, argument_load(argument));
	add(f, SKIP_UNLESS(BPF_JSET, bits, 1));
	add(f, RETURN(SECCOMP_RET_ERRNO | EPERM));
	add(f, RETURN(SECCOMP_RET_ALLOW));
}

/* Refuses to put what the caller's shell then runs into the input of the terminal. */
static void refuse_typing(struct filter *f)
{
	add(f, SKIP_UNLESS(BPF_JEQ, SYS_ioctl, 6));
	add(f, argument_load(1));
	refuse(f, TIOCSTI, EPERM);
	refuse(f, TIOCLINUX, EPERM);
	add(f, RETURN(SECCOMP_RET_ALLOW));
}

static void filter_make(struct filter *f, bool tree)
{
	add(f, LOAD(arch));
	add(f, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
	add(f, RETURN(SECCOMP_RET_KILL_PROCESS));
	add(f, LOAD(nr));
#ifdef __x86_64__
	/* The numbers of x32 are others. */
	add(f, SKIP_UNLESS(BPF_JGE, 0x40000000, 1));
	add(f, RETURN(SECCOMP_RET_ERRNO | ENOSYS));
#endif
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		refuse(f, refused[i], EPERM);
	/* Its flags are behind a pointer: the C library then uses clone(). */
	refuse(f, NR_CLONE3, ENOSYS);
	if (!tree)
		refuse(f, NR_OPENAT2, EPERM);
	refuse_bits(f, SYS_clone, CLONE_FLAGS, NEW_NAMESPACES);
	refuse_bits(f, SYS_openat, 2, WRITING);
	refuse_typing(f);
#ifdef SYS_open
	refuse_bits(f, SYS_open, 1, WRITING);
#endif
	add(f, RETURN(SECCOMP_RET_ALLOW));
}

static void capabilities_drop(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	const uint32_t keep = 1u << CAP_DAC_READ_SEARCH;
	if (syscall(SYS_capget, &header, data))
		return;
	for (unsigned capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (capability != CAP_DAC_READ_SEARCH)
			prctl(PR_CAPBSET_DROP, capability);
	data[0] = (struct __user_cap_data_struct){.effective = keep & data[0].permitted,
						  .permitted = keep & data[0].permitted};
	data[1] = (struct __user_cap_data_struct){0};
	syscall(SYS_capset, &header, data);
}

/* Bits of linux/landlock.h, since 5.13: to write, to remove and to make files. */
#define LANDLOCK_WRITING (1u << 1 | 0x1ff0u)

/* The filter cannot see the flags of openat2(), Landlock can: no rule allows what the set handles.
 */
static bool writing_refuse(void)
{
	const uint64_t handled = LANDLOCK_WRITING;
	CLEAN(close_fd)
	int set = (int)syscall(NR_LANDLOCK_CREATE_RULESET, &handled, sizeof(handled), 0);
	return set >= 0 && syscall(NR_LANDLOCK_RESTRICT_SELF, set, 0) == 0;
}

int confine_to_reading(const char *root, struct err *e)
{
	struct stat st, running;
	struct filter f = {.count = 0};
	bool tree = root && stat(root, &st) == 0 && S_ISDIR(st.st_mode);
	if (tree && stat("/", &running) == 0 && st.st_dev == running.st_dev &&
	    st.st_ino == running.st_ino)
		return 0;
	filter_make(&f, tree);
	const struct sock_fprog program = {.len = f.count, .filter = f.at};
	capabilities_drop();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return err_errno(e, "no seccomp filter: PR_SET_NO_NEW_PRIVS");
	int means = CONFINE_SECCOMP | (writing_refuse() ? CONFINE_LANDLOCK : 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return err_errno(e, "no seccomp filter: PR_SET_SECCOMP");
	return means;
}

#else

int confine_to_reading(const char *root, struct err *e)
{
	return err_set(e, ENOSYS, "no seccomp filter: none is known for this architecture");
}

#endif
