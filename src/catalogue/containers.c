/* What sets the limits of control groups: systemd and the container engines, and their settings. */
#include <string.h>

#include "base/text.h"
#include "epolltune/catalogue.h"

/* Of a limit that the engine does not set. In a container the file of its root is read-only. */
#define WRITE "write {bytes} to {file} of {root?this container's group on the host:{path}}"
#define NO_QUOTA "write max to cpu.max (v1\\: -1 to cpu.cfs_quota_us) of {path}"
#define TASKS "{tasks?{tasks}:N}"
#define SET_PROPERTY "{inside?in the container\\: :}{manager} set-property {unit} "
#define SYSTEMD(part)                                                                              \
	{                                                                                          \
		.match = part, .name = "systemd",                                                  \
		.memory = SET_PROPERTY "{high?MemoryHigh:MemoryMax}={mib}M",                       \
		.cpu = SET_PROPERTY "CPUQuota=", .pids = SET_PROPERTY "TasksMax=" TASKS            \
	}

#define INCUS " (Incus, LXD\\: "
#define PODMAN_LIMITS                                                                              \
	.memory = "{high?" WRITE ":podman update --memory {mib}m NAME}",                           \
	.cpu = "podman update --cpus N NAME", .pids = "podman update --pids-limit " TASKS " NAME", \
	.sysctl = " --sysctl {name}=\"{value}\"",                                                  \
	.files = "podman run --ulimit nofile={files} (Ulimit= in a Quadlet .container file)",      \
	.thaw = "podman unpause NAME"

static const struct container_row containers[] = {
	/* kubelet sets what its pods may have together: the capacity without what it reserves
	 * (pkg/kubelet/cm/node_container_manager_linux.go). */
	{
		.match = "kubepods",
		.all_pods = true,
		.name = "Kubernetes node",
		.memory =
			"run fewer pods on the node, or a larger node, or set less memory in kubeReserved and "
			"systemReserved of the kubelet's configuration",
		.cpu = NO_QUOTA,
		.pids = "run fewer pods on the node, or set a larger kernel.pid_max, or a smaller pid in "
			"kubeReserved and systemReserved of the kubelet's configuration",
	},
	{
		.match = "kubepods",
		.own = CONTAINER_MEMORY | CONTAINER_CPU,
		/* The second without a token of a service account. */
		.marks = {"run/secrets/kubernetes.io", "dev/termination-log"},
		.name = "Kubernetes",
		.memory = "set resources.limits.memory\\: {mib}Mi",
		.cpu = "raise or remove resources.limits.cpu of the container",
		.pids = "raise podPidsLimit in the kubelet's configuration",
		.sysctls = "securityContext.sysctls of the pod\\: [{sysctls}]{unsafe? (unsafe\\: "
			   "--allowed-unsafe-sysctls of the kubelet has to list {unsafe})}",
		.sysctl = "{more?, }\\{name\\: {name}, value\\: \"{value}\"\\}",
		.files = "LimitNOFILE={files} in the unit of the node's container runtime",
		.thaw = "ctr -n k8s.io tasks resume ID",
	},
	/* Below the service that starts it, as a Quadlet file makes it (--cgroups=split): each
	 * start makes a new container, which forgets podman update. */
	{
		.match = "libpod-payload",
		.own = CONTAINER_MEMORY | CONTAINER_CPU | CONTAINER_PIDS,
		.name = "Podman Quadlet",
		.memory = "{high?" WRITE ":PodmanArgs=--memory {mib}m in the .container file}",
		.cpu = "PodmanArgs=--cpus N in the .container file",
		.pids = "PidsLimit=" TASKS " in the .container file",
		.sysctls = "Sysctl={sysctls} in [Container] of the .container file",
		.sysctl = "{more? }\"{name}={value}\"",
		.files = "Ulimit=nofile={files} in [Container] of the .container file",
		.thaw = "podman unpause NAME",
	},
	/* Its first container has the network namespace of a pod, and Podman refuses to set sysctls
	 * for another one. */
	{
		.match = "libpod",
		.in_pod = true,
		.own = CONTAINER_MEMORY | CONTAINER_CPU | CONTAINER_PIDS,
		PODMAN_LIMITS,
		.name = "Podman pod",
		.sysctls = "podman pod create{sysctls}",
	},
	{
		.match = "libpod",
		.own = CONTAINER_MEMORY | CONTAINER_CPU | CONTAINER_PIDS,
		.marks = {"run/.containerenv"},
		PODMAN_LIMITS,
		.name = "Podman",
		.sysctls = "podman run{sysctls} (Sysctl= in a Quadlet .container file)",
	},
	{
		.match = "docker",
		.own = CONTAINER_MEMORY | CONTAINER_CPU | CONTAINER_PIDS,
		.marks = {".dockerenv"},
		.name = "Docker",
		.memory = "{high?" WRITE
			  ":docker update --memory {mib}m --memory-swap {swap}m NAME, or "
			  "mem_limit\\: {mib}m in compose}",
		.kernel = "docker update --kernel-memory {mib}m NAME",
		.cpu = "docker update --cpus N NAME, or cpus\\: N in compose",
		.pids = "docker update --pids-limit " TASKS " NAME, or pids_limit\\: " TASKS
			" in compose",
		.sysctls = "sysctls\\: \\{{sysctls}\\} in compose",
		.sysctl = "{more?, }{name}\\: \"{value}\"",
		.files = "ulimits\\: \\{nofile\\: {files}\\} in compose, or docker run --ulimit "
			 "nofile={files}",
		.thaw = "docker unpause NAME",
	},
	{
		.match = "lxc",
		.marks = {"dev/incus/sock", "dev/lxd/sock"},
		.name = "LXC",
		.memory = "lxc.cgroup{v1?:2}.{file} = {mib}M" INCUS "limits.memory={mib}MiB)",
		.cpu = "lxc.cgroup2.cpu.max = max (Incus, LXD\\: unset limits.cpu.allowance)",
		.pids = "lxc.cgroup2.pids.max = " TASKS INCUS "limits.processes=" TASKS ")",
		.sysctls = "{sysctls}" INCUS "linux.sysctl.NAME=VALUE)",
		.sysctl = "{more?; }lxc.sysctl.{name} = {value}",
		.files = "lxc.prlimit.nofile = {files}" INCUS "limits.kernel.nofile={files})",
		.thaw = "lxc-unfreeze -n NAME, or incus start NAME",
	},
	/* It leaves /proc/sys/net of a private network writable. */
	{
		.match = "systemd-nspawn@",
		.name = "systemd-nspawn",
		.memory = WRITE,
		.cpu = NO_QUOTA,
		.pids = "write {tasks?{tasks}:a larger number} to pids.max of {path}",
		.sysctls = "{sysctls} in a file of /etc/sysctl.d in the container, then sysctl "
			   "--system there",
		.sysctl = "{more?, }{name}={value}",
		.files = "LimitNOFILE={files} in [Exec] of the .nspawn file",
	},
	SYSTEMD(".service"),
	SYSTEMD(".scope"),
	SYSTEMD(".slice"),
	/* The root of all groups has no limits. */
	{
		.match = "/",
		.unnamed = true,
		.name = "On the host",
		.memory = "set {file} of this container to {bytes} by its engine, or systemctl "
			  "set-property UNIT {high?MemoryHigh:MemoryMax}={mib}M",
		.cpu = "raise or remove the CPU quota of this container by its engine, or "
		       "systemctl set-property UNIT CPUQuota=",
		.pids = "set pids.max of this container to {tasks?{tasks}:a larger number} by its "
			"engine, or systemctl set-property UNIT TasksMax=" TASKS,
	},
	{
		.match = "",
		.unnamed = true,
		.name = "Control group",
		.memory = WRITE,
		.cpu = NO_QUOTA,
		.pids = "write {tasks?{tasks}:a larger number} to pids.max of {path}",
		.thaw = "docker unpause, podman unpause, systemctl thaw, or 0 in cgroup.freeze "
			"(v1: THAWED in freezer.state)",
	},
};

size_t container_row_count(void) { return sizeof(containers) / sizeof(*containers); }

const struct container_row *container_row_at(size_t i) { return &containers[i]; }

/* The id that Docker gives a container is the name of its group, without systemd: below "docker" or
 * what --cgroup-parent names. */
#define ID_LENGTH 64

static bool is_id(const char *part, size_t length)
{
	return length == ID_LENGTH && strspn(part, "0123456789abcdef") >= length;
}

/* Whether an engine names such a group: "docker", "docker-ID.scope", "kubepods.slice",
 * "lxc.payload.c1". A service of systemd may have any name, and so has a slice, but for those that
 * kubelet makes: what --cgroup-parent names is of systemd, as are its limits. */
static bool is_engine_part(const char *part, size_t length, const char *match)
{
	bool slice = text_ends(part, length, ".slice");
	if (!strcmp(match, "docker") && is_id(part, length))
		return true;
	static const char kubelet[] = "kubelet-"; /* a root of its own, as kind has it */
	size_t n = strlen(match), skip = sizeof(kubelet) - 1;
	if (length > skip && !memcmp(part, kubelet, skip)) {
		part += skip;
		length -= skip;
	}
	if (text_ends(match, n, "@")) /* an instance of a service, with something below it */
		return length > n && !memcmp(part, match, n) && part[length] == '/';
	return length >= n && !memcmp(part, match, n) && (length == n || strchr("-._", part[n])) &&
	       !text_ends(part, length, ".service") && (!slice || !strcmp(match, "kubepods"));
}

static const char *last_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* Whether kubelet names so the group of a pod: "podUID", "kubepods-burstable-podUID.slice". */
static bool is_pod_part(const char *part)
{
	return !strncmp(part, "pod", 3) || strstr(part, "-pod");
}

/* Of Podman "machine-libpod_pod_ID.slice". */
bool container_is_pod(const char *path)
{
	const char *last = last_of(path);
	return strstr(last, "-libpod_pod_") || (is_pod_part(last) && strstr(path, "kubepods"));
}

/* A class of pods: "kubepods-burstable.slice", or where systemd does not make it "burstable". */
static bool is_all_pods(const char *path, const char *match)
{
	static const char *const classes[] = {"burstable", "besteffort"};
	const char *last = last_of(path);
	bool is = is_engine_part(last, strlen(last), match);
	for (size_t i = 0; i < 2 && !is; i++) {
		size_t above = (size_t)(last - path) - strlen(match) - 1;
		is = !strcmp(last, classes[i]) && last > path + strlen(match) &&
		     !strncmp(path + above, match, strlen(match));
	}
	return is && !is_pod_part(last);
}

/* By any part of the path; a unit of systemd is the last one. */
static bool is_of(const struct container_row *row, const char *path)
{
	if (row->all_pods)
		return is_all_pods(path, row->match);
	if (!strcmp(row->match, "/"))
		return !strcmp(path, row->match);
	if (row->match[0] == '.')
		return text_ends(last_of(path), strlen(last_of(path)), row->match);
	bool is = !row->match[0];
	if (row->in_pod && !strstr(path, "-libpod_pod_"))
		return false;
	for (const char *part = path; *part && !is; part += *part == '/') {
		size_t length = strcspn(part, "/");
		is = is_engine_part(part, length, row->match);
		part += length;
	}
	return is;
}

const struct container_row *container_row_find(const char *path)
{
	size_t i = 0;
	while (!is_of(&containers[i], path))
		i++;
	return &containers[i];
}

/* https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster, those that are knobs here. */
static const char *const pod_safe[] = {
	"net.ipv4.ip_local_port_range",
	"net.ipv4.ip_local_reserved_ports", /* 1.27 */
	"net.ipv4.ip_unprivileged_port_start",
	"net.ipv4.tcp_fin_timeout",    /* 1.29 */
	"net.ipv4.tcp_keepalive_time", /* 1.29 */
	"net.ipv4.tcp_rmem",           /* 1.32 */
	"net.ipv4.tcp_syncookies",
	"net.ipv4.tcp_wmem", /* 1.32 */
};

bool container_pod_safe(const char *sysctl)
{
	for (size_t i = 0; i < sizeof(pod_safe) / sizeof(*pod_safe); i++)
		if (!strcmp(pod_safe[i], sysctl))
			return true;
	return false;
}

const char container_netns[] =
	"{both?These sysctls belong:This sysctl belongs} to {engine?the container's:this} network "
	"namespace: the host's {both?values do:value does} not reach it.";
const char container_host[] =
	"The container has the host's network namespace: set {both?them:it} on the host.";
const char container_above[] =
	"The control group of this container has no such limit. Groups above it are not visible "
	"here, and may have one.";
const char container_machine[] =
	"{machine} {several?are:is} one for the machine: set {several?them:it} in the initial "
	"network namespace.";
