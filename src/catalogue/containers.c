/* What sets the limits of control groups: systemd and the container engines, and their settings. */
#include <string.h>

#include "epolltune/catalogue.h"

static const struct container_row containers[] = {
	{
		.match = "kubepods",
		.name = "Kubernetes",
		.memory = "resources.limits.memory\\: {mib}Mi",
		.cpu = "resources.limits.cpu, or none",
		.pids = "podPidsLimit of the kubelet's configuration",
	},
	{
		.match = "libpod",
		.name = "Podman",
		.memory = "podman update --memory {mib}m NAME",
		.cpu = "podman update --cpus N NAME",
		.pids = "podman update --pids-limit N NAME",
	},
	{
		.match = "docker",
		.name = "Docker",
		.memory = "docker update --memory {mib}m NAME, or mem_limit\\: {mib}m in compose",
		.cpu = "docker update --cpus N NAME, or cpus\\: N in compose",
		.pids = "docker update --pids-limit N NAME, or pids_limit\\: N in compose",
	},
	{
		.match = "lxc",
		.name = "LXC",
		.memory = "lxc.cgroup2.memory.max = {mib}M",
		.cpu = "lxc.cgroup2.cpu.max = max",
		.pids = "lxc.cgroup2.pids.max = N",
	},
	{
		.match = ".service",
		.name = "systemd",
		.memory = "systemctl set-property {unit} MemoryMax={mib}M",
		.cpu = "systemctl set-property {unit} CPUQuota=",
		.pids = "systemctl set-property {unit} TasksMax=N",
	},
	{
		.match = "",
		.name = "Control group",
		.memory = "write {bytes} to memory.max (v1\\: memory.limit_in_bytes) of {path}",
		.cpu = "write max to cpu.max (v1\\: -1 to cpu.cfs_quota_us) of {path}",
		.pids = "write a larger number to pids.max of {path}",
	},
};

const struct container_row *container_row_find(const char *path)
{
	size_t i = 0;
	while (!strstr(path, containers[i].match))
		i++;
	return &containers[i];
}
