# What tests of check --run share; sourced after lib.sh.
# shellcheck shell=sh

needs_lab() { may_unshare -Urn || skip 'namespaces are not available'; }

haproxy_conf() { # FILE CONNECTIONS
	cat >"$1" <<-EOF
		global
		  maxconn $2
		defaults
		  mode http
		  timeout client 30s
		  timeout connect 5s
		  timeout server 5s
		listen a
		  bind :8080
		  http-request return status 200
	EOF
}
