#!/bin/sh
# The formats prometheus and openmetrics and the files of src/share/prometheus, read by promtool, by an
# OpenMetrics parser, and by a Prometheus that scrapes a node_exporter.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

share=$root/src/share/prometheus
# Debian's python has Debian's modules.
python=/usr/bin/python3

test_the_text_is_what_promtool_wants() {
	needs promtool
	for host in linux-6.18 conntrack-full folklore damaged; do
		expect any epolltune check --sysroot "$tests/hosts/$host" --rate 50k --format prometheus
		quiet
		promtool check metrics <out || fail "$host: promtool refuses it"
		is 'samples with a time' "$(grep -v '^#' out | grep -cE '} [^ ]+ ')" 0
		is 'samples that are there twice' "$(grep -v '^#' out | sed 's/ [^ ]*$//' | sort | uniq -d)" ''
	done
}

test_openmetrics_is_what_its_parser_wants() {
	$python -c 'import prometheus_client.openmetrics' 2>/dev/null || skip 'python3-prometheus-client is not installed'
	for host in linux-6.18 conntrack-full; do
		expect any epolltune check --sysroot "$tests/hosts/$host" --format openmetrics
		$python -c 'import sys; from prometheus_client.openmetrics.parser import text_fd_to_metric_families as families
assert len(list(families(sys.stdin))) > 10' <out || fail "$host: not OpenMetrics"
	done
}

test_the_metrics_have_what_the_report_has() {
	for host in folklore tcp-memory-exhausted; do
		expect any epolltune check --sysroot "$tests/hosts/$host" --format json
		mv out report
		expect any epolltune check --sysroot "$tests/hosts/$host" --format prometheus
		jq -r '.walls[] | "epolltune_wall_verdict{wall=\"\(.name)\",verdict=\"\(.verdict)\"} 1"' report >wanted
		jq -r '"epolltune_check_status{status=\"\(.summary.status)\"} 1",
			(.walls[] | select(.needed and (.unit | IN("us", "%") | not)) | "epolltune_wall_needed{wall=\"\(.name)\"")' report >>wanted
		jq -r '.findings[] | "epolltune_findings{id=\"\(.id)\",wall=\"\(.wall // "")\",level=\"\(.level)\","' report >>wanted
		while read -r line; do
			grep -qF "$line" out || fail "$host: no $line"
		done <wanted
		is 'verdicts' "$(grep -c '^epolltune_wall_verdict.* 1$' out)" "$(jq '.walls | length' report)"
	done
}

test_the_rules_fire_when_they_should() {
	needs promtool
	cp "$share/epolltune.rules.yml" "$tests/cli/prometheus/rules_test.yml" .
	promtool check rules epolltune.rules.yml
	promtool test rules rules_test.yml
}

# The names of metrics, recorded or in the report.
known_metrics() {
	epolltune check --sysroot "$tests/hosts/docker" --format prometheus | sed -n 's/^# TYPE \([^ ]*\) .*/\1/p'
	sed -n 's/^ *- record: //p' "$share/epolltune.rules.yml"
}

test_rules_and_dashboard_use_metrics_labels_and_chapters_that_exist() {
	needs promtool
	known_metrics >known
	jq -r '.panels[].targets[].expr' "$share/epolltune-dashboard.json" >expressions
	sed -n 's/^ *expr: //p' "$share/epolltune.rules.yml" >>expressions
	[ "$(wc -l <expressions)" -gt 15 ] || fail 'few expressions'
	for metric in $(grep -oE '(instance[a-z_]*:)?epolltune_[a-z_]+(:[a-z]+)?' expressions | sort -u); do
		grep -qxF "$metric" known || fail "there is no metric $metric"
	done
	jq '{groups: [{name: "dashboard", rules: [.panels[].targets[] | {record: "a:b", expr: (.expr | gsub("[$]instance"; "a"))}]}]}' \
		"$share/epolltune-dashboard.json" >dashboard.yml
	promtool check rules --lint=none dashboard.yml || fail 'an expression of the dashboard is invalid'
	grep -oE '[0-9]+[.] [A-Z][A-Z_ ]+[A-Z]' "$share/epolltune.rules.yml" | sort -u >chapters
	[ "$(wc -l <chapters)" -ge 5 ] || fail 'few chapters'
	while read -r chapter; do
		grep -qxF ".Sh $chapter" "$root/man/epolltune-runbook.7" || fail "the runbook has no chapter $chapter"
	done <chapters
	for counter in $(grep -oE 'TcpExt[.][A-Za-z]+' "$share/epolltune.rules.yml"); do
		epolltune explain "$counter" >/dev/null || fail "there is no counter $counter"
	done
}

# Asks the Prometheus for an expression; prints the values.
asks() { # QUERY
	curl -sG --max-time 5 --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query | jq -r '.data.result[].value[1]'
}
has_result() { asks "$1" | grep -q .; } # QUERY

test_prometheus_scrapes_a_check_through_node_exporter() {
	needs prometheus prometheus-node-exporter curl
	in_namespace
	echo 16 >/proc/sys/net/core/somaxconn
	mkdir textfile
	expect 2 epolltune check --quick --rate 50k --format prometheus --output textfile/epolltune.prom
	is 'the directory' "$(ls -A textfile)" epolltune.prom
	prometheus-node-exporter --web.listen-address=127.0.0.1:9100 --collector.disable-defaults \
		--collector.textfile --collector.textfile.directory=textfile >exporter.log 2>&1 &
	cp "$share/epolltune.rules.yml" .
	cat >prometheus.yml <<-EOS
		global: {scrape_interval: 1s, evaluation_interval: 1s}
		rule_files: [epolltune.rules.yml]
		scrape_configs:
		  - job_name: node
		    static_configs: [{targets: ['127.0.0.1:9100']}]
	EOS
	prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address=127.0.0.1:9090 >prometheus.log 2>&1 &
	short='ALERTS{alertname="EpolltuneWallShort",wall="accept-queue",alertstate="firing"}'
	wait_for has_result "$short"
	wait_for has_result instance_wall:epolltune_wall_headroom:ratio
	is 'errors of the textfile collector' "$(asks node_textfile_scrape_error)" 0
	is 'the capacity' "$(asks 'epolltune_wall_capacity{wall="accept-queue"}')" 17
	is 'the headroom' "$(asks 'instance_wall:epolltune_wall_headroom:ratio{wall="accept-queue"}')" 0.0034
	echo 8192 >/proc/sys/net/core/somaxconn
	expect 0 epolltune check --quick --rate 50k --format prometheus --output textfile/epolltune.prom
	resolved() { ! has_result "$short"; }
	wait_for resolved
	is 'the capacity' "$(asks 'epolltune_wall_capacity{wall="accept-queue"}')" 8193
}

run_tests "$@"
