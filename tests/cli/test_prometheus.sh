#!/bin/sh
# The formats prometheus and openmetrics of check and watch, and the files of src/share/prometheus, read by promtool,
# by an OpenMetrics parser, and by a Prometheus that scrapes a node_exporter.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"

share=$root/src/share/prometheus
# Debian's python has Debian's modules.
python=/usr/bin/python3

is_prometheus_text() { # WHAT
	quiet
	promtool check metrics <out || fail "$1: promtool refuses it"
	is 'samples with a time' "$(grep -v '^#' out | grep -cE '} [^ ]+ ')" 0
	is 'samples that are there twice' "$(grep -v '^#' out | sed 's/ [^ ]*$//' | sort | uniq -d)" ''
}

test_the_text_is_what_promtool_wants() {
	needs promtool
	for host in linux-6.18 conntrack-full folklore damaged; do
		expect any epolltune check --sysroot "$tests/hosts/$host" --rate 50k --format prometheus
		is_prometheus_text "$host"
	done
	cp "$tests/unit/golden/watch.prometheus" out
	is_prometheus_text watch
}

is_openmetrics() { # FILE
	$python -c 'import sys; from prometheus_client.openmetrics.parser import text_fd_to_metric_families as families
assert len(list(families(sys.stdin))) > 10' <"$1"
}
needs_parser() {
	$python -c 'import prometheus_client.openmetrics' 2>/dev/null || skip 'python3-prometheus-client is not installed'
}

test_openmetrics_is_what_its_parser_wants() {
	needs_parser
	for host in linux-6.18 conntrack-full; do
		expect any epolltune check --sysroot "$tests/hosts/$host" --format openmetrics
		is_openmetrics out || fail "$host: not OpenMetrics"
	done
	is_openmetrics "$tests/unit/golden/watch-ended.openmetrics" || fail 'watch: not OpenMetrics'
}

# A queue of 17 that is full, and clients that try on.
full_queue() {
	$python -c 'import socket, time
server = socket.create_server(("127.0.0.1", 8080), backlog=16)
clients = [socket.socket() for i in range(40)]
for c in clients:
	c.setblocking(False)
	c.connect_ex(("127.0.0.1", 8080))
time.sleep(3600)' &
	server=$!
	wait_for queue_is_full
}
queue_is_full() { [ "$(ss -Hltn 'sport = :8080' | awk '{ print $2 }')" -ge 17 ]; }

test_the_metrics_of_a_watch_are_those_of_its_json() {
	needs promtool ss
	needs_parser
	in_namespace
	full_queue
	expect 2 epolltune watch --interval 100ms --count 2 --format prometheus --record file
	is_prometheus_text watch
	cp out metrics
	expect 2 epolltune watch --replay file --format prometheus
	is 'the interval' "$(sed -n 's/^epolltune_watch_interval_seconds //p' metrics)" 0.1
	# A replay has none.
	sed '/^epolltune_watch_interval_seconds /d' metrics | cmp out - || fail 'the replay differs'
	expect 2 epolltune watch --replay file --format openmetrics
	is_openmetrics out || fail 'not OpenMetrics'
	tail -n 1 file | jq '(.rows[] | select(.what | startswith("ports ")).what) = "ports"' >last
	jq -r '.rows[] | select(.unit != "periods") | "{wall=\"\(.wall)\",what=\"\(.what)\"" as $row |
		(select(.used) | "epolltune_watch_used\($row) \(.used)"),
		(select(.recent_max) | "epolltune_watch_used_max\($row) \(.recent_max)"),
		(select(.lost) | "epolltune_watch_lost_total\($row) \(.lost)"),
		(select(.half_open) | "epolltune_watch_half_open\($row) \(.half_open)"),
		"epolltune_watch_verdict\($row) \(.verdict)"' last | sort >wanted
	jq -r '.counters | del(.["Tcp.CurrEstab"]) | to_entries[] | "epolltune_watch_kernel_events_total{counter=\"\(.key)\" \(.value)"' last |
		sort >>wanted
	jq -r '"epolltune_watch_established \(.counters["Tcp.CurrEstab"])", "epolltune_watch_timestamp_seconds \(.time)",
		(.rows | to_entries[] | "epolltune_watch_nearest{wall=\"\(.value.wall)\",what=\"\(.value.what)\" \(if .key == 0 then 1 else 0 end)")' last >>wanted
	# Without further labels; of the verdicts the one that is so.
	sed -n 's/,verdict="\([^"]*\)"} 1$/} \1/; /verdict="/d; s/,\(cookie\|unit\|event\|owner\)=.*}/}/; s/} / /; p' metrics |
		grep -E '^epolltune_watch_(used|used_max|lost_total|half_open|verdict|kernel_events_total|established|timestamp_seconds|nearest)[{ ]' |
		sort >had
	sort wanted | diff - had || fail 'the figures differ'
	grep -qE '^epolltune_watch_verdict.wall="accept-queue".* short$' had || fail 'the full queue is not short'
	grep -qE '^epolltune_watch_capacity.wall="accept-queue".* 17$' metrics || fail 'another capacity'
	grep -qE '^epolltune_watch_left_seconds.wall="accept-queue".* 0$' metrics || fail 'it is not full'
}

needs_strace() {
	strace -o /dev/null true 2>/dev/null || skip 'no strace (ptrace) here'
	# LeakSanitizer does not work in a traced process.
	export ASAN_OPTIONS=detect_leaks=0
}

# Sends it at one of the calls that replace the file.
signal_at() { # SIGNAL CALL STATUS
	echo old >textfile/a.prom
	expect "$3" timeout 60 strace -o trace -e "trace=${2%:*}" -e "inject=${2%:*}:signal=$1:when=${2#*:}" \
		epolltune watch --interval 100ms --format openmetrics --output textfile/a.prom
}

test_a_signal_leaves_the_whole_metrics_of_an_interval() {
	in_namespace
	needs_strace
	mkdir textfile
	for call in write:1 write:2 rename:1 write:5 rename:2; do
		signal_at SIGTERM $call 0
		is 'the directory' "$(ls -A textfile)" a.prom
		is "the end after SIGTERM at $call" "$(tail -n 1 textfile/a.prom)" '# EOF'
	done
	for call in write:1 write:2 rename:1 write:5 rename:2; do
		signal_at SIGKILL $call 137
		case $(tail -n 1 textfile/a.prom) in old | '# EOF') ;; *) fail "half of the metrics after SIGKILL at $call" ;; esac
	done
	is 'what killed watches left' "$(ls -A textfile)" "$(printf '%s\n' .epolltune-0 a.prom)"
	expect 0 strace -o trace -e trace=fsync,fdatasync,sync,syncfs epolltune watch --interval 100ms --count 2 --format openmetrics \
		--output textfile/a.prom
	is 'the directory' "$(ls -A textfile)" a.prom
	is 'calls that sync' "$(grep -c sync trace)" 0
}

# A disk without room for the metrics of these looks.
full_at() { # WHEN COUNT STATUS
	expect "$3" strace -o trace -e trace=rename -e "inject=rename:error=ENOSPC:when=$1" \
		epolltune watch --interval 100ms --count "$2" --format prometheus --output a.prom
}

test_a_watch_goes_on_after_metrics_that_could_not_be_written() {
	in_namespace
	needs_strace
	full_at 1 9 3
	complained 'a.prom: cannot replace: No space left'
	is 'what is there' "$(ls -A)" "$(printf '%s\n' err out trace)"
	full_at 2..4 5 0
	complained 'a.prom: cannot replace: No space left'
	is 'metrics that are written' "$(grep -c ' = 0$' trace)" 3
	# Each time that it fails again is reported, not each interval.
	full_at 2+2 4 0
	is 'lines of errors' "$(wc -l <err)" 2
	full_at 2+ 3 3
	complained 'a.prom: cannot replace: No space left'
}

test_where_metrics_of_a_watch_go_is_named() {
	in_namespace
	expect 3 epolltune watch --format prometheus
	refused '--output' '--count'
	expect 3 epolltune watch --format jsonl --output a
	refused '--output' '--format prometheus'
	expect 3 epolltune watch --format prometheus --output a --replay file
	refused '--replay' '--output'
	expect 3 epolltune watch --format prometheus --output none/a
	refused 'none/a: cannot create'
	: >file
	expect 3 epolltune watch --format prometheus --replay file
	refused 'file: has no complete line'
	expect 0 epolltune watch --format prometheus --interval 100ms --count 1 --output -
	is 'metrics on standard output' "$(grep -c '^# TYPE epolltune_watch_used ' out)" 1
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
	cp "$share/epolltune.rules.yml" "$tests/cli/prometheus/"*.yml .
	promtool check rules epolltune.rules.yml
	promtool test rules ./*rules_test.yml
}

# The names of metrics, recorded or in the report.
known_metrics() {
	epolltune check --sysroot "$tests/hosts/docker" --format prometheus |
		sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' - "$tests/unit/golden/watch.prometheus"
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

# A Prometheus with the rules, and a node_exporter that reads ./textfile.
monitoring() {
	needs prometheus prometheus-node-exporter curl
	mkdir textfile
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
}

test_prometheus_scrapes_a_check_through_node_exporter() {
	in_namespace
	monitoring
	echo 16 >/proc/sys/net/core/somaxconn
	expect 2 epolltune check --quick --rate 50k --format prometheus --output textfile/epolltune.prom
	is 'the directory' "$(ls -A textfile)" epolltune.prom
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

# Beside those of a check, which are of the same socket.
test_prometheus_scrapes_a_watch_through_node_exporter() {
	needs ss
	in_namespace
	monitoring
	full_queue
	epolltune watch --server :8080 --interval 200ms --format prometheus --output textfile/epolltune-watch.prom &
	expect any epolltune check --quick --format prometheus --output textfile/epolltune.prom
	wait_for has_result 'ALERTS{alertname="EpolltuneLimitReached",wall="accept-queue",alertstate="firing"}'
	wait_for has_result 'instance_wall:epolltune_watch_use:ratio{wall="accept-queue"} >= 1'
	wait_for has_result 'epolltune_wall_capacity * on (instance, wall) (epolltune_watch_nearest == 1)'
	is 'errors of the textfile collector' "$(asks node_textfile_scrape_error)" 0
	is 'the capacity' "$(asks 'epolltune_watch_capacity{wall="accept-queue"}')" 17
	is 'what both have of the socket' "$(asks 'epolltune_watch_capacity - on (cookie) epolltune_listener_backlog')" 1
	is 'the same series' "$(grep -v '^#' textfile/*.prom -h | sed 's/ [^ ]*$//' | sort | uniq -d)" ''
	lacks exporter.log level=error
	kill $server
	wait_for has_result 'epolltune_watch_listening == 0'
	is 'rows of the queue' "$(asks 'count(epolltune_watch_used{wall="accept-queue"})')" ''
}

run_tests "$@"
