/* All sysctls: their names, those that are gone or read-only, the kernel's own values, common
 * advice. */
#include "epolltune/sysctls.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "catalogue/similar.h"

/* SYSCTLS_LISTED with all network options, and what kernels since 4.4 had. */
static const struct {
	const char *prefix, *names; /* separated by blanks */
} trees[] = {
	{"net.core.", "bpf_jit_enable bpf_jit_harden bpf_jit_kallsyms bpf_jit_limit busy_poll "
		      "busy_read bypass_prot_mem default_qdisc dev_weight dev_weight_rx_bias "
		      "dev_weight_tx_bias devconf_inherit_init_net fb_tunnels_only_for_init_net "
		      "flow_limit_cpu_bitmap flow_limit_table_len gro_normal_batch "
		      "high_order_alloc_disable max_skb_frags mem_pcpu_rsv message_burst "
		      "message_cost netdev_budget netdev_budget_usecs netdev_max_backlog "
		      "netdev_rss_key netdev_tstamp_prequeue netdev_unregister_timeout_secs "
		      "optmem_max qdisc_max_burst rmem_default rmem_max rps_default_mask "
		      "rps_sock_flow_entries skb_defer_max somaxconn tstamp_allow_data txrehash "
		      "warnings wmem_default wmem_max xfrm_acq_expires xfrm_aevent_etime "
		      "xfrm_aevent_rseqth xfrm_larval_drop"},
	{"net.ipv4.",
	 "bc_forwarding cipso_cache_bucket_size cipso_cache_enable cipso_rbm_optfmt "
	 "cipso_rbm_strictvalid fib_multipath_hash_fields fib_multipath_hash_policy "
	 "fib_multipath_hash_seed fib_multipath_use_neigh fib_notify_on_flag_change "
	 "fib_sync_mem fwmark_reflect icmp_echo_enable_probe icmp_echo_ignore_all "
	 "icmp_echo_ignore_broadcasts icmp_errors_extension_mask "
	 "icmp_errors_use_inbound_ifaddr icmp_ignore_bogus_error_responses "
	 "icmp_msgs_burst icmp_msgs_per_sec icmp_ratelimit icmp_ratemask "
	 "igmp_link_local_mcast_reports igmp_max_memberships igmp_max_msf igmp_qrv "
	 "inet_peer_maxttl inet_peer_minttl inet_peer_threshold ip_autobind_reuse "
	 "ip_default_ttl ip_dynaddr ip_early_demux ip_forward "
	 "ip_forward_update_priority ip_forward_use_pmtu ip_local_port_range "
	 "ip_local_port_step_width ip_local_reserved_ports ip_no_pmtu_disc ip_nonlocal_bind "
	 "ip_unprivileged_port_start ipfrag_high_thresh ipfrag_low_thresh "
	 "ipfrag_max_dist ipfrag_secret_interval ipfrag_time min_adv_mss "
	 "nexthop_compat_mode ping_group_range raw_l3mdev_accept tcp_abort_on_overflow "
	 "tcp_adv_win_scale tcp_allowed_congestion_control tcp_app_win tcp_autocorking "
	 "tcp_available_congestion_control tcp_available_ulp tcp_backlog_ack_defer "
	 "tcp_base_mss tcp_challenge_ack_limit tcp_child_ehash_entries "
	 "tcp_comp_sack_delay_ns tcp_comp_sack_nr tcp_comp_sack_rtt_percent "
	 "tcp_comp_sack_slack_ns tcp_congestion_control tcp_dsack tcp_early_demux "
	 "tcp_early_retrans tcp_ecn tcp_ecn_fallback tcp_ecn_option "
	 "tcp_ecn_option_beacon tcp_ehash_entries tcp_fack tcp_fastopen "
	 "tcp_fastopen_blackhole_timeout_sec tcp_fastopen_key tcp_fin_timeout tcp_frto "
	 "tcp_fwmark_accept tcp_invalid_ratelimit tcp_keepalive_intvl "
	 "tcp_keepalive_probes tcp_keepalive_time tcp_l3mdev_accept "
	 "tcp_limit_output_bytes tcp_low_latency tcp_max_orphans tcp_max_reordering "
	 "tcp_max_syn_backlog tcp_max_tw_buckets tcp_mem tcp_migrate_req "
	 "tcp_min_rtt_wlen tcp_min_snd_mss tcp_min_tso_segs tcp_moderate_rcvbuf "
	 "tcp_mtu_probe_floor tcp_mtu_probing tcp_no_metrics_save "
	 "tcp_no_ssthresh_metrics_save tcp_notsent_lowat tcp_orphan_retries "
	 "tcp_pacing_ca_ratio tcp_pacing_ss_ratio tcp_pingpong_thresh "
	 "tcp_plb_cong_thresh tcp_plb_enabled tcp_plb_idle_rehash_rounds "
	 "tcp_plb_rehash_rounds tcp_plb_suspend_rto_sec tcp_probe_interval "
	 "tcp_probe_threshold tcp_rcvbuf_low_rtt tcp_recovery tcp_reflect_tos "
	 "tcp_reordering tcp_retrans_collapse tcp_retries1 tcp_retries2 tcp_rfc1337 "
	 "tcp_rmem tcp_rto_max_ms tcp_rto_min_us tcp_sack tcp_shrink_window "
	 "tcp_slow_start_after_idle tcp_stdurg tcp_syn_linear_timeouts tcp_syn_retries "
	 "tcp_synack_retries tcp_syncookies tcp_thin_linear_timeouts tcp_timestamps "
	 "tcp_tso_rtt_log tcp_tso_win_divisor tcp_tw_reuse tcp_tw_reuse_delay "
	 "tcp_window_scaling tcp_wmem tcp_workaround_signed_windows "
	 "udp_child_hash_entries udp_early_demux udp_hash_entries udp_l3mdev_accept "
	 "udp_mem udp_rmem_min udp_wmem_min xfrm4_gc_thresh"},
	{"net.ipv4.conf.*.",
	 "accept_local accept_redirects accept_source_route arp_accept arp_announce "
	 "arp_evict_nocarrier arp_filter arp_ignore arp_notify bc_forwarding "
	 "bootp_relay disable_policy disable_xfrm drop_gratuitous_arp "
	 "drop_unicast_in_l2_multicast force_igmp_version forwarding "
	 "igmpv2_unsolicited_report_interval igmpv3_unsolicited_report_interval "
	 "ignore_routes_with_linkdown log_martians mc_forwarding medium_id "
	 "promote_secondaries proxy_arp proxy_arp_pvlan route_localnet rp_filter "
	 "secure_redirects send_redirects shared_media src_valid_mark tag"},
	{"net.ipv4.neigh.*.",
	 "anycast_delay app_solicit base_reachable_time_ms delay_first_probe_time "
	 "gc_interval gc_stale_time gc_thresh1 gc_thresh2 gc_thresh3 "
	 "interval_probe_time_ms locktime mcast_resolicit mcast_solicit proxy_delay "
	 "proxy_qlen retrans_time_ms ucast_solicit unres_qlen unres_qlen_bytes"},
	{"net.ipv4.route.",
	 "flush error_burst error_cost gc_elasticity gc_interval gc_min_interval "
	 "gc_min_interval_ms gc_thresh gc_timeout max_size min_adv_mss min_pmtu "
	 "mtu_expires redirect_load redirect_number redirect_silence"},
	{"net.ipv6.",
	 "anycast_src_echo_reply auto_flowlabels bindv6only calipso_cache_bucket_size "
	 "calipso_cache_enable fib_multipath_hash_fields fib_multipath_hash_policy "
	 "fib_notify_on_flag_change flowlabel_consistency flowlabel_reflect "
	 "flowlabel_state_ranges fwmark_reflect idgen_delay idgen_retries ioam6_id "
	 "ioam6_id_wide ip6frag_high_thresh ip6frag_low_thresh ip6frag_secret_interval "
	 "ip6frag_time ip_nonlocal_bind max_dst_opts_length max_dst_opts_number "
	 "max_hbh_length max_hbh_opts_number mld_max_msf mld_qrv seg6_flowlabel "
	 "xfrm6_gc_thresh"},
	{"net.ipv6.conf.*.",
	 "accept_dad accept_ra accept_ra_defrtr accept_ra_from_local "
	 "accept_ra_min_hop_limit accept_ra_min_lft accept_ra_mtu accept_ra_pinfo "
	 "accept_ra_rt_info_max_plen accept_ra_rt_info_min_plen accept_ra_rtr_pref "
	 "accept_redirects accept_source_route accept_untracked_na addr_gen_mode "
	 "autoconf dad_transmits disable_ipv6 disable_policy "
	 "drop_unicast_in_l2_multicast drop_unsolicited_na enhanced_dad "
	 "force_forwarding force_mld_version force_tllao forwarding hop_limit "
	 "ignore_routes_with_linkdown ioam6_enabled ioam6_id ioam6_id_wide "
	 "keep_addr_on_down max_addresses max_desync_factor mc_forwarding "
	 "mldv1_unsolicited_report_interval mldv2_unsolicited_report_interval mtu "
	 "ndisc_evict_nocarrier ndisc_notify ndisc_tclass optimistic_dad proxy_ndp "
	 "ra_defrtr_metric ra_honor_pio_life ra_honor_pio_pflag regen_max_retry "
	 "regen_min_advance router_probe_interval router_solicitation_delay "
	 "router_solicitation_interval router_solicitation_max_interval "
	 "router_solicitations rpl_seg_enabled seg6_enabled seg6_require_hmac "
	 "stable_secret suppress_frag_ndisc temp_prefered_lft temp_valid_lft "
	 "use_oif_addrs_only use_optimistic use_tempaddr"},
	{"net.ipv6.neigh.*.",
	 "anycast_delay app_solicit base_reachable_time_ms delay_first_probe_time "
	 "gc_interval gc_stale_time gc_thresh1 gc_thresh2 gc_thresh3 "
	 "interval_probe_time_ms locktime mcast_resolicit mcast_solicit proxy_delay "
	 "proxy_qlen retrans_time_ms ucast_solicit unres_qlen unres_qlen_bytes"},
	{"net.ipv6.route.",
	 "flush gc_elasticity gc_interval gc_min_interval gc_min_interval_ms gc_thresh "
	 "gc_timeout max_size min_adv_mss mtu_expires skip_notify_on_dev_down"},
	{"net.ipv6.icmp.", "echo_ignore_all echo_ignore_anycast echo_ignore_multicast "
			   "error_anycast_as_unicast ratelimit ratemask"},
	{"net.netfilter.",
	 "nf_conntrack_acct nf_conntrack_buckets nf_conntrack_checksum "
	 "nf_conntrack_count nf_conntrack_events nf_conntrack_expect_max "
	 "nf_conntrack_frag6_high_thresh nf_conntrack_frag6_low_thresh "
	 "nf_conntrack_frag6_timeout nf_conntrack_generic_timeout "
	 "nf_conntrack_gre_timeout nf_conntrack_gre_timeout_stream nf_conntrack_helper "
	 "nf_conntrack_icmp_timeout nf_conntrack_icmpv6_timeout "
	 "nf_conntrack_log_invalid nf_conntrack_max nf_conntrack_sctp_timeout_closed "
	 "nf_conntrack_sctp_timeout_cookie_echoed nf_conntrack_sctp_timeout_cookie_wait "
	 "nf_conntrack_sctp_timeout_established "
	 "nf_conntrack_sctp_timeout_heartbeat_sent "
	 "nf_conntrack_sctp_timeout_shutdown_ack_sent "
	 "nf_conntrack_sctp_timeout_shutdown_recd "
	 "nf_conntrack_sctp_timeout_shutdown_sent nf_conntrack_tcp_be_liberal "
	 "nf_conntrack_tcp_ignore_invalid_rst nf_conntrack_tcp_loose "
	 "nf_conntrack_tcp_max_retrans nf_conntrack_tcp_timeout_close "
	 "nf_conntrack_tcp_timeout_close_wait nf_conntrack_tcp_timeout_established "
	 "nf_conntrack_tcp_timeout_fin_wait nf_conntrack_tcp_timeout_last_ack "
	 "nf_conntrack_tcp_timeout_max_retrans nf_conntrack_tcp_timeout_syn_recv "
	 "nf_conntrack_tcp_timeout_syn_sent nf_conntrack_tcp_timeout_time_wait "
	 "nf_conntrack_tcp_timeout_unacknowledged nf_conntrack_timestamp "
	 "nf_conntrack_udp_timeout nf_conntrack_udp_timeout_stream nf_hooks_lwtunnel "
	 "nf_log_all_netns"},
	{"net.bridge.", "bridge-nf-call-arptables bridge-nf-call-ip6tables bridge-nf-call-iptables "
			"bridge-nf-filter-pppoe-tagged bridge-nf-filter-vlan-tagged "
			"bridge-nf-pass-vlan-input-dev"},
	{"net.unix.", "max_dgram_qlen"},
	{"net.", "nf_conntrack_max"},
	{"vm.", "admin_reserve_kbytes compact_unevictable_allowed compaction_proactiveness "
		"defrag_mode dirty_background_bytes dirty_background_ratio dirty_bytes "
		"dirty_expire_centisecs dirty_ratio dirty_writeback_centisecs "
		"dirtytime_expire_seconds drop_caches extfrag_threshold "
		"hugetlb_optimize_vmemmap hugetlb_shm_group laptop_mode legacy_va_layout "
		"lowmem_reserve_ratio max_map_count memfd_noexec min_free_kbytes "
		"min_slab_ratio min_unmapped_ratio mmap_min_addr mmap_rnd_bits "
		"mmap_rnd_compat_bits nr_hugepages nr_hugepages_mempolicy "
		"nr_overcommit_hugepages numa_stat numa_zonelist_order oom_dump_tasks "
		"oom_kill_allocating_task overcommit_kbytes overcommit_memory overcommit_ratio "
		"page-cluster page_lock_unfairness panic_on_oom percpu_pagelist_high_fraction "
		"shrink_inodes_with_pagecache stat_interval stat_refresh swappiness "
		"unprivileged_userfaultfd user_reserve_kbytes vfs_cache_pressure "
		"vfs_cache_pressure_denom watermark_boost_factor watermark_scale_factor "
		"zone_reclaim_mode"},
	{"fs.", "aio-max-nr aio-nr dentry-negative dentry-state dir-notify-enable file-max "
		"file-nr inode-nr inode-state lease-break-time leases-enable mount-max nr_open "
		"overflowgid overflowuid pipe-max-size pipe-user-pages-hard "
		"pipe-user-pages-soft protected_fifos protected_hardlinks protected_regular "
		"protected_symlinks suid_dumpable"},
	{"fs.inotify.", "max_queued_events max_user_instances max_user_watches"},
	{"fs.epoll.", "max_user_watches"},
	{"kernel.", "acct arch auto_msgmni bootloader_type bootloader_version bpf_stats_enabled "
		    "cad_pid cap_last_cap core_file_note_size_limit core_modes core_pattern "
		    "core_pipe_limit core_sort_vma core_uses_pid ctrl-alt-del dmesg_restrict "
		    "domainname ftrace_dump_on_oops ftrace_enabled hardlockup_all_cpu_backtrace "
		    "hardlockup_panic hostname hung_task_all_cpu_backtrace hung_task_check_count "
		    "hung_task_check_interval_secs hung_task_detect_count hung_task_panic "
		    "hung_task_timeout_secs hung_task_warnings init_private io_delay_type "
		    "io_uring_disabled io_uring_group kptr_restrict max_lock_depth "
		    "max_rcu_stall_to_panic msg_next_id msgmax msgmnb msgmni ngroups_max "
		    "nmi_watchdog ns_last_pid numa_balancing "
		    "numa_balancing_promote_rate_limit_MBps oops_all_cpu_backtrace oops_limit "
		    "osrelease ostype overflowgid overflowuid panic panic_on_io_nmi panic_on_oops "
		    "panic_on_rcu_stall panic_on_unrecovered_nmi panic_on_warn panic_print "
		    "panic_sys_info perf_cpu_time_max_percent perf_event_max_contexts_per_stack "
		    "perf_event_max_sample_rate perf_event_max_stack perf_event_mlock_kb "
		    "perf_event_paranoid pid_max poweroff_cmd print-fatal-signals printk "
		    "printk_delay printk_devkmsg printk_ratelimit printk_ratelimit_burst "
		    "randomize_va_space real-root-dev sched_autogroup_enabled "
		    "sched_cfs_bandwidth_slice_us sched_deadline_period_max_us "
		    "sched_deadline_period_min_us sched_rr_timeslice_ms sched_rt_period_us "
		    "sched_rt_runtime_us sem sem_next_id shm_next_id shm_rmid_forced shmall shmmax "
		    "shmmni soft_watchdog softlockup_all_cpu_backtrace softlockup_panic "
		    "split_lock_mitigate sysctl_writes_strict sysrq tainted task_delayacct "
		    "threads-max timer_migration traceoff_on_warning tracepoint_printk "
		    "unknown_nmi_panic unprivileged_bpf_disabled unprivileged_userns_clone version "
		    "warn_limit watchdog watchdog_cpumask watchdog_thresh"},
};
#define TREES (sizeof(trees) / sizeof(*trees))

/* Trees whose names are all known. */
static const char *const complete[] = {"net.core.",     "net.ipv4.tcp_",  "net.ipv4.ip_",
				       "net.ipv4.udp_", "net.ipv4.icmp_", "fs.epoll.",
				       "fs.inotify."};

/* Texts that the kernel takes as they are. */
static const char *const texts[] = {
	"kernel.core_pattern", "kernel.domainname",     "kernel.hostname",     "kernel.hotplug",
	"kernel.modprobe",     "kernel.panic_sys_info", "kernel.poweroff_cmd",
};

/* Names of something, masks, keys and addresses. */
static const struct sysctl_word words[] = {
	/* net/sched/sch_api.c, qdisc_set_default(); net/ipv4/tcp_cong.c. */
	{.name = "net.core.default_qdisc", .error = "ENOENT"},
	{.name = "net.ipv4.tcp_congestion_control", .error = "ENOENT"},
	{.name = "net.ipv4.tcp_allowed_congestion_control",
	 .error = "ENOENT",
	 .several = true,
	 .empty = true},
	/* kernel/printk/printk.c, devkmsg_sysctl_set_loglvl(). */
	{.name = "kernel.printk_devkmsg", .error = "EINVAL"},
	/* lib/bitmap-str.c; kernel/sysctl.c, proc_do_large_bitmap(). */
	{.name = "net.core.flow_limit_cpu_bitmap", .error = "EINVAL", .empty = true},
	{.name = "net.core.rps_default_mask", .error = "EINVAL", .empty = true},
	{.name = "kernel.watchdog_cpumask", .error = "EINVAL", .empty = true},
	{.name = "net.ipv6.icmp.ratemask", .error = "EINVAL", .empty = true},
	/* sscanf(), in6_pton() and the first letter end where the word does. */
	{.name = "net.ipv4.tcp_fastopen_key", .error = "EINVAL", .ends = true},
	{.name = "net.ipv6.conf.*.stable_secret", .error = "EIO", .ends = true},
	{.name = "vm.numa_zonelist_order", .error = "EINVAL", .ends = true},
};

static const struct sysctl_history histories[] = {
	{"net.ipv4.tcp_tw_recycle", 0, KERNEL(4, 12), false,
	 "for a proxy set net.ipv4.tcp_tw_reuse; a server needs nothing", "4396e46187ca"},
	{"net.ipv4.tcp_tw_reuse_delay", KERNEL(6, 14), 0, false, "", "ip-sysctl.rst"},
	{"net.core.bypass_prot_mem", KERNEL(6, 19), 0, false, "", "net.rst"},
	/* 7da62262ec96 */
	{"net.ipv4.ip_local_port_step_width", KERNEL(7, 1), 0, false, "", "ip-sysctl.rst"},
	{"net.ipv4.tcp_rto_min_us", KERNEL(6, 11), 0, false, "", "ip-sysctl.rst"},
	{"net.ipv4.tcp_rto_max_ms", KERNEL(6, 15), 0, false, "", "ip-sysctl.rst"},
	{"net.ipv4.tcp_syn_linear_timeouts", KERNEL(6, 5), 0, false, "", "ip-sysctl.rst"},
	{"net.ipv4.tcp_migrate_req", KERNEL(5, 14), 0, false, "", "ip-sysctl.rst"},
	{"net.ipv4.ip_autobind_reuse", KERNEL(5, 7), 0, false, "", "ip-sysctl.rst"},
	{"net.ipv4.ip_conntrack_max", 0, KERNEL(4, 9), false,
	 "write net.netfilter.nf_conntrack_max", "adf0516845bc"},
	{"net.ipv4.netfilter.ip_conntrack*", 0, KERNEL(4, 9), false,
	 "write net.netfilter.nf_conntrack_… instead", "adf0516845bc"},
	{"net.ipv4.tcp_frto_response", 0, KERNEL(3, 10), false, "", "9b44190dc114"},
	{"net.ipv4.tcp_abc", 0, KERNEL(3, 9), false, "", "ca2eb5679f8d"},
	{"net.ipv4.tcp_max_ssthresh", 0, KERNEL(3, 10), false, "", "ip-sysctl.rst"},
	{"net.ipv4.tcp_cookie_size", 0, KERNEL(3, 10), false, "", "1a2c6181c4a1"},
	{"net.ipv4.tcp_dma_copybreak", 0, KERNEL(3, 18), false, "", "7bced397510a"},
	{"net.ipv4.tcp_thin_dupack", 0, KERNEL(4, 15), false, "", "4a7f6009441d"},
	{"net.ipv4.tcp_vegas_cong_avoid", 0, KERNEL(2, 6), false,
	 "write net.ipv4.tcp_congestion_control", "ip-sysctl.rst"},
	{"net.ipv4.tcp_westwood", 0, KERNEL(2, 6), false, "write net.ipv4.tcp_congestion_control",
	 "ip-sysctl.rst"},
	{"net.ipv4.tcp_bic*", 0, KERNEL(2, 6), false, "write net.ipv4.tcp_congestion_control",
	 "ip-sysctl.rst"},
	{"net.core.hot_list_length", 0, KERNEL(2, 6), false, "", "kernel/sysctl_binary.c"},
	{"net.core.lo_cong", 0, KERNEL(2, 6), false, "", "kernel/sysctl_binary.c"},
	{"net.core.mod_cong", 0, KERNEL(2, 6), false, "", "kernel/sysctl_binary.c"},
	{"net.core.no_cong*", 0, KERNEL(2, 6), false, "", "kernel/sysctl_binary.c"},
	{"net.core.tcp_rmem", 0, SYSCTL_NEVER, false, "write net.ipv4.tcp_rmem", "tcp(7)"},
	{"net.core.tcp_wmem", 0, SYSCTL_NEVER, false, "write net.ipv4.tcp_wmem", "tcp(7)"},
	{"net.core.rmem", 0, SYSCTL_NEVER, false,
	 "net.ipv4.tcp_rmem is for TCP, net.core.rmem_max for SO_RCVBUF", "tcp(7); socket(7)"},
	{"net.core.wmem", 0, SYSCTL_NEVER, false,
	 "net.ipv4.tcp_wmem is for TCP, net.core.wmem_max for SO_SNDBUF", "tcp(7); socket(7)"},
	{"net.ipv4.rmem_max", 0, SYSCTL_NEVER, false, "write net.core.rmem_max", "socket(7)"},
	{"net.ipv4.wmem_max", 0, SYSCTL_NEVER, false, "write net.core.wmem_max", "socket(7)"},
	{"net.ipv4.somaxconn", 0, SYSCTL_NEVER, false, "write net.core.somaxconn", "listen(2)"},
	{"net.ipv4.netdev_max_backlog", 0, SYSCTL_NEVER, false, "write net.core.netdev_max_backlog",
	 "net.rst"},
	{"kernel.sched_migration_cost*", 0, KERNEL(5, 13), false,
	 "it is in /sys/kernel/debug/sched now, for experiments", "8a99b6833c88"},
	{"kernel.sched_min_granularity_ns", 0, KERNEL(5, 13), false,
	 "it is in /sys/kernel/debug/sched now, for experiments", "8a99b6833c88"},
	{"kernel.sched_wakeup_granularity_ns", 0, KERNEL(5, 13), false,
	 "it is in /sys/kernel/debug/sched now, for experiments", "8a99b6833c88"},
	{"kernel.sched_latency_ns", 0, KERNEL(5, 13), false,
	 "it is in /sys/kernel/debug/sched now, for experiments", "8a99b6833c88"},
	{"vm.percpu_pagelist_fraction", 0, KERNEL(5, 14), false,
	 "vm.percpu_pagelist_high_fraction is similar", "74f44822097c"},
	{"vm.block_dump", 0, KERNEL(5, 13), false, "", "vm.rst"},
	{"fs.file-nr", 0, 0, true, "the limit is fs.file-max", "proc(5)"},
	{"fs.inode-nr", 0, 0, true, "", "proc(5)"},
	{"fs.inode-state", 0, 0, true, "", "proc(5)"},
	{"fs.dentry-state", 0, 0, true, "", "proc(5)"},
	{"fs.aio-nr", 0, 0, true, "the limit is fs.aio-max-nr", "fs.rst"},
	{"kernel.osrelease", 0, 0, true, "", "kernel.rst"},
	{"kernel.ngroups_max", 0, 0, true, "", "kernel.rst"},
	{"kernel.cap_last_cap", 0, 0, true, "", "kernel.rst"},
	{"net.netfilter.nf_conntrack_count", 0, 0, true,
	 "the limit is net.netfilter.nf_conntrack_max", "nf_conntrack-sysctl.rst"},
	{"net.ipv4.tcp_available_congestion_control", 0, 0, true,
	 "load the module, or write net.ipv4.tcp_congestion_control", "tcp(7)"},
	{"net.ipv4.tcp_ehash_entries", KERNEL(6, 1), 0, true,
	 "the size is thash_entries= of the kernel's command line", "ip-sysctl.rst"},
};

/* Both point at the same variable. */
static const struct {
	const char *name, *twin;
} twins[] = {
	/* net/netfilter/nf_conntrack_standalone.c */
	{"net.netfilter.nf_conntrack_max", "net.nf_conntrack_max"},
	/* net/ipv4/devinet.c, ctl_forward_entry */
	{"net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"},
	/* fs/notify, and kernel/ucount.c in the first user namespace, whose files are read. */
	{"fs.inotify.max_user_instances", "user.max_inotify_instances"},
	{"fs.inotify.max_user_watches", "user.max_inotify_watches"},
	{"fs.fanotify.max_user_groups", "user.max_fanotify_groups"},
	{"fs.fanotify.max_user_marks", "user.max_fanotify_marks"},
};

static const struct {
	const char *prefix, *module;
} modules[] = {
	{"net.netfilter.nf_conntrack_", "nf_conntrack"},
	{"net.nf_conntrack_max", "nf_conntrack"},
	{"net.bridge.bridge-nf-", "br_netfilter"},
};

#define MEBI 1048576
#define GIBI UINT64_C(1073741824)
static const struct sysctl_own own[] = {
	{"net.core.somaxconn", 0, 4096, KERNEL(5, 4), 0, 0, false,
	 "backlogs of listen() above it are cut"},
	{"net.core.somaxconn", 0, 128, 0, 0, 0, false, "backlogs of listen() above it are cut"},
	{"net.core.netdev_max_backlog", 0, 1000, 0, 0, 0, false,
	 "bursts at RPS, loopback and veth drop"},
	{"net.core.netdev_budget", 0, 300, 0, 0, 0, false, "softirqs end before the ring is empty"},
	{"net.core.rmem_max", 0, 4194304, KERNEL(6, 18), 0, 0, false,
	 "applications get less by SO_RCVBUF"},
	{"net.core.rmem_max", 0, 212992, 0, 0, 0, false, "applications get less by SO_RCVBUF"},
	{"net.core.wmem_max", 0, 4194304, KERNEL(6, 18), 0, 0, false,
	 "applications get less by SO_SNDBUF"},
	{"net.core.wmem_max", 0, 212992, 0, 0, 0, false, "applications get less by SO_SNDBUF"},
	{"net.core.rmem_default", 0, 212992, 0, 0, 0, false, "UDP sockets hold less"},
	{"net.core.wmem_default", 0, 212992, 0, 0, 0, false, "UDP sockets hold less"},
	/* net/ipv4/tcp.c, tcp_init(). */
	{"net.ipv4.tcp_rmem", 2, 33554432, KERNEL(6, 16), 0, 128, false,
	 "autotuning ends earlier on long paths"},
	{"net.ipv4.tcp_rmem", 2, 6291456, 0, 0, 128, false,
	 "autotuning ends earlier on long paths"},
	{"net.ipv4.tcp_rmem", 1, 131072, KERNEL(4, 20), 0, 0, false, "connections start smaller"},
	{"net.ipv4.tcp_rmem", 1, 87380, 0, 0, 0, false, "connections start smaller"},
	{"net.ipv4.tcp_wmem", 2, 4194304, 0, 0, 128, false,
	 "autotuning ends earlier on long paths"},
	{"net.ipv4.tcp_wmem", 1, 16384, 0, 0, 0, false, "connections start smaller"},
	{"net.ipv4.ip_local_port_range", 0, 32768, 0, 0, 0, true, "fewer ports for connect()"},
	{"net.ipv4.ip_local_port_range", 1, 60999, 0, 0, 0, false, "fewer ports for connect()"},
	{"net.ipv4.tcp_moderate_rcvbuf", 0, 1, 0, 0, 0, false,
	 "autotuning of receive buffers is off"},
	{"net.ipv4.tcp_window_scaling", 0, 1, 0, 0, 0, false, "windows end at 64 KiB"},
	{"net.ipv4.tcp_sack", 0, 1, 0, 0, 0, false, "recovery from loss is slow"},
	{"net.ipv4.neigh.*.gc_thresh3", 0, 1024, 0, 0, 0, false, "fewer neighbours"},
	{"net.ipv6.neigh.*.gc_thresh3", 0, 1024, 0, 0, 0, false, "fewer neighbours"},
	/* net/netfilter/nf_conntrack_core.c, nf_conntrack_init_start(). */
	{"net.netfilter.nf_conntrack_max", 0, 262144, 0, 4 * GIBI, 0, false,
	 "fewer connections are tracked"},
	{"net.netfilter.nf_conntrack_max", 0, 65536, 0, GIBI, 0, false,
	 "fewer connections are tracked"},
	{"net.netfilter.nf_conntrack_max", 0, 8192, KERNEL(5, 15), 0, 131072, false,
	 "fewer connections are tracked"},
	{"net.netfilter.nf_conntrack_max", 0, 32768, 0, 0, 32768, false,
	 "fewer connections are tracked"},
	{"net.unix.max_dgram_qlen", 0, 10, 0, 0, 0, false, "datagrams of UNIX sockets block"},
	{"fs.nr_open", 0, 1048576, 0, 0, 0, false, "RLIMIT_NOFILE of services above it is refused"},
	{"fs.inotify.max_user_instances", 0, 128, 0, 0, 0, false, "fewer watchers"},
	{"fs.inotify.max_user_watches", 0, 8192, 0, 0, 0, false, "fewer watches"},
	{"vm.max_map_count", 0, 65530, 0, 0, 0, false, "fewer mappings of a process"},
};

static const struct sysctl_advice advice[] = {
	{"net.ipv4.tcp_syncookies", 0, 0, 0, LEVEL_WARNING,
	 "a full SYN queue then drops clients, and net.ipv4.tcp_max_syn_backlog counts", NULL,
	 "net/ipv4/tcp_input.c tcp_conn_request()"},
	{"net.ipv4.tcp_abort_on_overflow", 0, 1, INT64_MAX, LEVEL_WARNING,
	 "it turns a stall that a retransmission survives into resets", NULL, "ip-sysctl.rst"},
	{"net.ipv4.tcp_fin_timeout", 0, INT64_MIN, 59, LEVEL_NOTE,
	 "it does not shorten TIME_WAIT, which lasts 60 s; it ends FIN_WAIT_2 of closed sockets",
	 NULL, "ip-sysctl.rst"},
	{"net.ipv4.tcp_tw_reuse", 0, 1, 1, LEVEL_NOTE,
	 "it has an effect in connect() only: for a proxy, not for a server", NULL,
	 "net/ipv4/inet_hashtables.c __inet_check_established()"},
	{"net.ipv4.tcp_max_syn_backlog", 0, INT64_MIN, INT64_MAX, LEVEL_NOTE,
	 "it counts only with net.ipv4.tcp_syncookies=0; with cookies the backlog is the limit",
	 "net.ipv4.tcp_syncookies=0", "net/ipv4/tcp_input.c tcp_conn_request()"},
	{"net.core.rmem_max", 0, 8 * MEBI, INT64_MAX, LEVEL_NOTE,
	 "TCP's autotuning does not regard it; it bounds SO_RCVBUF", NULL, "tcp(7)"},
	{"net.core.wmem_max", 0, 8 * MEBI, INT64_MAX, LEVEL_NOTE,
	 "TCP's autotuning does not regard it; it bounds SO_SNDBUF", NULL, "tcp(7)"},
	{"net.ipv4.tcp_rmem", 1, MEBI, INT64_MAX, LEVEL_WARNING,
	 "the second field is promised to every connection: at megabytes memory runs out", NULL,
	 "tcp(7)"},
	{"net.ipv4.tcp_wmem", 1, MEBI, INT64_MAX, LEVEL_WARNING,
	 "every connection starts with the second field: at megabytes memory runs out", NULL,
	 "tcp(7)"},
	{"net.core.netdev_max_backlog", 0, 10000, INT64_MAX, LEVEL_NOTE,
	 "drivers with NAPI do not pass through that queue", NULL,
	 "net/core/dev.c enqueue_to_backlog()"},
	{"fs.file-max", 0, INT64_MIN, 1048575, LEVEL_WARNING,
	 "it lowers the limit: the kernel's own is one file for each 10 KiB of memory, and systemd "
	 "raises it to the maximum",
	 NULL, "fs/file_table.c files_maxfiles_init()"},
	{"net.ipv4.tcp_syn_retries", 0, INT64_MIN, 2, LEVEL_WARNING,
	 "connect() then gives up within 11 s (before Linux 6.5 within 7 s)", NULL,
	 "tcp(7); ip-sysctl.rst tcp_syn_linear_timeouts"},
	{"net.ipv4.tcp_synack_retries", 0, INT64_MIN, 1, LEVEL_WARNING,
	 "it gives up clients behind a lossy path", NULL, "tcp(7)"},
	{"net.ipv4.tcp_retries2", 0, INT64_MIN, 7, LEVEL_WARNING,
	 "connections break within 100 s of a failure of the path: RFC 1122 wants more", NULL,
	 "tcp(7); RFC 1122"},
	{"net.ipv4.route.flush", 0, INT64_MIN, INT64_MAX, LEVEL_NOTE,
	 "there has been no cache of IPv4 routes since Linux 3.6", NULL, "ip-sysctl.rst"},
	{"net.ipv4.route.max_size", 0, INT64_MIN, INT64_MAX, LEVEL_NOTE,
	 "there has been no cache of IPv4 routes since Linux 3.6", NULL, "ip-sysctl.rst"},
	{"net.ipv4.tcp_max_tw_buckets", 0, INT64_MIN, 16383, LEVEL_WARNING,
	 "connections beyond it lose TIME_WAIT's protection against old segments", NULL,
	 "ip-sysctl.rst; RFC 1337"},
	{"net.ipv4.tcp_retrans_collapse", 0, INT64_MIN, INT64_MAX, LEVEL_NOTE,
	 "it works around printers of the 1990s", NULL, "ip-sysctl.rst"},
	{"vm.drop_caches", 0, 1, INT64_MAX, LEVEL_WARNING,
	 "it acts once, when it is written, and throws away what the machine has cached", NULL,
	 "vm.rst"},
	{"vm.overcommit_memory", 0, 2, 2, LEVEL_WARNING,
	 "fork() and mmap() then fail while memory is free", NULL, "vm.rst"},
	{"net.ipv4.tcp_keepalive_time", 0, 86400, INT64_MAX, LEVEL_WARNING,
	 "its unit is seconds: peers that are gone stay for a day", NULL, "tcp(7)"},
	{NULL, 0, 0, 0, LEVEL_NOTE, NULL, NULL, NULL},
};

void sysctl_swap(char *name)
{
	for (char *c = name; *c; c++)
		*c = *c == '/' ? '.' : *c == '.' ? '/' : *c;
}

void sysctl_path(const char *name, char path[SYSCTL_PATH])
{
	int root = snprintf(path, SYSCTL_PATH, "proc/sys/");
	snprintf(path + root, SYSCTL_PATH - (size_t)root, "%s", name);
	sysctl_swap(path + root);
}

const char *sysctl_key(const char *name)
{
	for (size_t i = 0; i < sizeof(twins) / sizeof(*twins); i++)
		if (!strcmp(twins[i].twin, name))
			return twins[i].name;
	return name;
}

const char *sysctl_twin(const char *name)
{
	for (size_t i = 0; i < sizeof(twins) / sizeof(*twins); i++) {
		if (!strcmp(twins[i].name, name))
			return twins[i].twin;
		if (!strcmp(twins[i].twin, name))
			return twins[i].name;
	}
	return NULL;
}

bool sysctl_same(const char *name, const char *other)
{
	return strcmp(sysctl_key(name), sysctl_key(other)) == 0;
}

bool sysctl_general(const char *name, char general[SYSCTL_NAME])
{
	static const char *const interfaces[] = {"net.ipv4.conf.", "net.ipv6.conf.",
						 "net.ipv4.neigh.", "net.ipv6.neigh."};
	for (size_t i = 0; i < sizeof(interfaces) / sizeof(*interfaces); i++) {
		size_t length = strlen(interfaces[i]);
		const char *last = strrchr(name, '.');
		if (strncmp(name, interfaces[i], length) == 0 && last > name + length)
			return (size_t)snprintf(general, SYSCTL_NAME, "%s*%s", interfaces[i],
						last) < SYSCTL_NAME;
	}
	return (size_t)snprintf(general, SYSCTL_NAME, "%s", name) < SYSCTL_NAME;
}

/* Takes the next name of a tree; 0 at its end. */
static size_t next_name(const char **names, const char **name)
{
	*name = *names;
	size_t length = strcspn(*names, " ");
	*names += length + ((*names)[length] == ' ');
	return length;
}

bool sysctl_known(const char *general)
{
	for (size_t i = 0; i < TREES; i++) {
		size_t prefix = strlen(trees[i].prefix), length;
		if (strncmp(general, trees[i].prefix, prefix) != 0)
			continue;
		const char *names = trees[i].names, *name;
		while ((length = next_name(&names, &name)))
			if (!strncmp(general + prefix, name, length) && !general[prefix + length])
				return true;
	}
	return false;
}

bool sysctl_is_text(const char *general)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!strcmp(general, texts[i]))
			return true;
	return false;
}

const struct sysctl_word *sysctl_word_find(const char *general)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(general, words[i].name))
			return &words[i];
	return NULL;
}

bool sysctl_complete(const char *general)
{
	for (size_t i = 0; i < sizeof(complete) / sizeof(*complete); i++)
		if (strncmp(general, complete[i], strlen(complete[i])) == 0)
			return true;
	return false;
}

/* A place among the known names; zeroed: before the first. */
struct known {
	size_t tree;
	const char *names;
	char name[SYSCTL_NAME];
};

static bool known_next(struct known *k)
{
	const char *at;
	size_t length;
	for (; k->tree < TREES; k->tree++, k->names = NULL) {
		if (!k->names)
			k->names = trees[k->tree].names;
		if ((length = next_name(&k->names, &at))) {
			snprintf(k->name, sizeof(k->name), "%s%.*s", trees[k->tree].prefix,
				 (int)length, at);
			return true;
		}
	}
	return false;
}

unsigned sysctl_nearest(const char *name, char nearest[SYSCTL_NAME])
{
	unsigned best = 0;
	for (struct known k = {0}; known_next(&k);) {
		unsigned alike = similar(k.name, name);
		if (alike > best) {
			best = alike;
			memcpy(nearest, k.name, sizeof(k.name));
		}
	}
	return best;
}

bool sysctl_meant(const char *general, char meant[SYSCTL_NAME])
{
	unsigned found = 0;
	for (struct known k = {0}; known_next(&k);)
		if (similar_by_one(k.name, general) && ++found == 1)
			memcpy(meant, k.name, sizeof(k.name));
	return found == 1;
}

bool sysctl_named(const char *general, const char *name, char named[SYSCTL_NAME])
{
	const char *star = strchr(general, '*');
	if (!star)
		return (size_t)snprintf(named, SYSCTL_NAME, "%s", general) < SYSCTL_NAME;
	size_t start = (size_t)(star - general);
	const char *last = strrchr(name, '.');
	if (strncmp(general, name, start) != 0 || !last || last <= name + start)
		return false;
	return (size_t)snprintf(named, SYSCTL_NAME, "%.*s%s", (int)(last - name), name, star + 1) <
	       SYSCTL_NAME;
}

const struct sysctl_history *sysctl_history_find(const char *general)
{
	for (size_t i = 0; i < sizeof(histories) / sizeof(*histories); i++) {
		const char *name = histories[i].name;
		size_t length = strlen(name);
		bool start = name[length - 1] == '*';
		if (start ? !strncmp(general, name, length - 1) : !strcmp(general, name))
			return &histories[i];
	}
	return NULL;
}

const char *sysctl_module(const char *general)
{
	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++)
		if (strncmp(general, modules[i].prefix, strlen(modules[i].prefix)) == 0)
			return modules[i].module;
	return NULL;
}

const struct sysctl_own *sysctl_own_find(const char *general, unsigned field, unsigned kernel,
					 uint64_t memory_bytes, int64_t *value)
{
	const struct sysctl_own *found = NULL;
	for (size_t i = 0; i < sizeof(own) / sizeof(*own) && !found; i++)
		if (own[i].field == field && kernel >= own[i].since &&
		    (!memory_bytes || memory_bytes > own[i].memory) &&
		    strcmp(own[i].name, general) == 0)
			found = &own[i];
	if (!found)
		return NULL;
	*value = found->value;
	if (memory_bytes && memory_bytes < sysctl_own_memory(found))
		*value = (int64_t)(memory_bytes / found->share);
	return found;
}

uint64_t sysctl_own_memory(const struct sysctl_own *o)
{
	return o->share ? (uint64_t)o->value * o->share : o->memory;
}

bool sysctl_is_own(const char *name, unsigned field, int64_t value)
{
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (own[i].field == field && own[i].value == value && !strcmp(own[i].name, name))
			return true;
	return false;
}

const struct sysctl_advice *sysctl_advice_at(size_t i)
{
	return advice[i].name ? &advice[i] : NULL;
}
