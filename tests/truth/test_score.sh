#!/bin/sh
# The truth benchmark fails where a goal is missed, by results that are right but for one fault; its results are those of
# one program and of the rows that there are.
# shellcheck source=SCRIPTDIR/../lib.sh
. "$(dirname "$0")/../lib.sh"
[ -x /usr/bin/python3 ] || all_skip 'python3 is not installed'

setup_all() { "$tests/truth/example.py" one >right; }

# Prints the tables of the results of standard input.
summary() { # STATUS [OPTION]…
	status=$1
	shift
	cat >results
	RESULTS=results CLIENTS=clients expect "$status" "$tests/truth/run" --summary "$@"
}

test_right_results_miss_no_goal() {
	summary 0 <"$shared/right"
	! grep 'goal missed' out || fail 'a goal is missed'
	grep -qx 'of the program one' out || fail 'the program is not named'
}

# all - N of the results that FILTER selects, as the goals print it.
all_but() { # N FILTER
	jq -r "$short select($2) | .id" "$shared/right" | wc -l | awk -v n="$1" '{ printf "%d/%d (%.3f)", $1 - n, $1, ($1 - n) / $1 }'
}
short='def short: .causes | any(.severity < 1); def ample: .causes | all(.ample); def both: (.verdict, .runs[]);'
enough='.causes != [] and (short | not)'

# FAULT in the first N results that SELECT takes makes these goals, and no others, be missed.
misses() { # N SELECT FAULT LINE…
	jq -nc "$short foreach inputs as \$r ({n: 0}; (\$r | $2) as \$of |
		if \$of and .n < $1 then {n: (.n + 1), r: (\$r | $3)} else {n: .n, r: \$r} end; .r)" "$shared/right" | summary 1
	shift 3
	grep '^goal missed' out >missed || fail 'no goal is missed'
	printf 'goal missed: %s\n' "$@" | cmp - missed || fail "other goals are missed: $(cat missed)"
}

test_one_accused_healthy_host_fails() {
	misses 1 '.causes == []' 'both.walls = {"accept-queue": ["short", "measured", 1, 2]}' \
		"healthy hosts: no wall called SHORT: $(all_but 1 '.causes == []'), the goal is 1.00"
}

test_one_proposal_that_does_not_heal_fails() {
	misses 1 short '.healed = false' "healed by the proposal: $(all_but 1 short), the goal is 1.00"
}

test_one_case_without_a_result_fails() {
	misses 1 short '.failed = "a fault" | del(.verdict)' "cases with a result: $(all_but 1 true), the goal is all"
}

test_each_other_goal_fails_alone() {
	right="$(all_but 30 short), the goal is 0.98"
	misses 30 short 'both.findings[0].level = "warning"' "right wall first: $right"
	misses 30 short 'both.findings[].remedy = "of another"' "right owner: $right"
	misses 30 short 'both.findings[] |= (.knob = "" | .advice = "")' "right knob: $right"
	misses 30 short '.half = {} | .healed_by_half = true' \
		"not healed by half of it, where a case with that little is short: $right"
	misses 30 short 'both.status = 0' "short walls: exit status 2: $right"
	misses 10 short 'both.findings += [{id: "x", level: "critical", wall: "x"}]' \
		"no critical finding but of what is short: $(all_but 10 true), the goal is 0.99"
}

test_more_than_the_need_has_its_exit_status() {
	just='.causes != [] and (short | not) and (ample | not) and
		(.server as $server | any(.causes[].queued[]; . == $server) | not)'
	ample='.causes != [] and ample'
	misses 30 "$just" 'both.status = 3' "capacity above the need: exit status 0 or 1: $(all_but 30 "$enough"), the goal is 0.98"
	misses 30 "$ample" 'both.status = 1' \
		"capacity 1.5 of the need or more: exit status 0, no wall tight: $(all_but 30 "$ample"), the goal is 0.98"
	misses 30 "$ample" 'both.walls.x = ["tight", "", 5, 4]' \
		"capacity 1.5 of the need or more: exit status 0, no wall tight: $(all_but 30 "$ample"), the goal is 0.98"
	misses 10 "$just" '.causes[0].wall as $wall | both.status = 2 | both.findings += [{id: "x", level: "critical", wall: $wall}]' \
		"no critical finding but of what is short: $(all_but 10 true), the goal is 0.99" \
		"capacity above the need: exit status 0 or 1: $(all_but 10 "$enough"), the goal is 0.98"
	found=$(jq "$short select(short).causes[] | select(.severity < 1).wall" "$shared/right" | wc -l)
	misses 10 "$just" 'both.walls.x = ["short", "", 1, 2]' \
		"precision: walls called SHORT that are short: $(awk "BEGIN { printf \"%d/%d (%.3f)\", $found, $found + 10, $found / ($found + 10) }"), the goal is 0.99" \
		"capacity 1.1 or 1.5 of the need: no wall called SHORT: $(all_but 10 "$enough"), the goal is 0.98"
}

test_a_healthy_host_has_no_other_answer() {
	for fault in 'both.status = 3' 'both.status = 1' 'both.walls.x = ["tight", "", 5, 4]'; do
		misses 30 '.causes == []' "$fault" \
			"healthy hosts: exit status 0, no wall tight: $(all_but 30 '.causes == []'), the goal is 0.98"
	done
	misses 10 '.causes == []' 'both.findings += [{id: "x", level: "critical", wall: null}]' \
		"no critical finding but of what is short: $(all_but 10 true), the goal is 0.99"
}

test_missed_walls_fail_the_recall() {
	jq -c 'if .causes | any(.severity < 1 and .wall == "accept-queue") then (.verdict, .runs[]) |= (.walls = {} | .findings = []) else . end' \
		"$shared/right" | summary 1
	grep -q '^goal missed: recall: short walls that are found: ' out || fail 'the recall does not count'
}

test_a_whole_run_needs_cases_for_each_goal_and_three_quarters_of_all() {
	jq -c 'if .causes == [] then del(.verdict, .runs) | .left_out = "the oracle" else . end' "$shared/right" | summary 1
	grep -qx 'goal missed: healthy hosts: no wall called SHORT: no case, the goal is 1.00' out || fail 'no healthy host is enough'
	grep -q '^goal missed: cases that the oracle keeps: ' out || fail 'few cases are enough'
	jq -c 'select(.causes != [])' "$shared/right" | summary 0
}

test_results_of_several_programs_are_not_one() {
	{ head -n 5 "$shared/right"; "$tests/truth/example.py" two | sed -n 2,4p; } | summary 0
	grep -qx 'of the program two; 5 results of others, of other rows or ways are not counted' out || fail 'both count'
	grep -q '^all .* 3 cases' out || fail 'other results are counted'
	{ head -n 1 "$shared/right" | jq -c '.row = "older"'; sed -n 2p "$shared/right"; } | summary 0
	grep -q '^all .* 1 cases' out || fail 'the result of a row that has changed counts'
}

test_a_result_of_another_benchmark_or_kernel_does_not_count() {
	for of in bench kernel; do
		{ head -n 1 "$shared/right" | jq -c ".of.$of = \"older\""; sed -n 2p "$shared/right"; } | summary 0
		grep -q '^all .* 1 cases' out || fail "the result of another $of counts"
	done
}

# Without its server the case is left out again, before a machine starts.
test_what_was_left_out_is_tried_again() {
	case=$(jq -r 'select(.id | startswith("epoll.watches/")).id' "$shared/right" | head -n 1)
	program=$(sha256sum /bin/true | cut -c1-12)
	"$tests/truth/example.py" "$program" | jq -c --arg case "$case" \
		'select(.id == $case) | del(.verdict, .runs) | .left_out = "the oracle: a busy night"' >results
	PROGRAM=/bin/true RESULTS=results PATH=/nonexistent expect 1 "$tests/truth/run" --only "^$case\$"
	grep -qF "left out   $case: not installed: " out || fail 'the case is not tried again'
	[ "$(wc -l <results)" -eq 2 ] || fail 'the new result is not kept'
}

test_the_clients_are_not_asked_again_for_another_program() {
	needs nginx
	case=healthy/defaults/nginx
	jq -c --arg case "$case" 'select(.id == $case) | .alerts = {planted: 1} | .rivals = {planted: {changes: 0, harmed: false}}' \
		"$shared/right" >results
	not_asked() {
		RESULTS=results CLIENTS=clients expect 0 "$tests/truth/run" --rivals --repeat 2 --probe listeners --only "^$case\$"
		tail -n 1 results | jq -e '.rivals == {planted: {changes: 0, harmed: false}} and .alerts == {planted: 1}
			and .verdict.status == 0 and .of.program != "one" and (.runs | length) == 2' >/dev/null || fail 'the clients are asked again'
	}
	not_asked
	# Nor on a machine that has only what another has kept.
	README=$work/README.md
	export README
	cp "$root/README.md" README.md
	jq -c --arg case "$case" 'if .id == $case then .alerts = {planted: 1} | .rivals = {planted: {changes: 0, harmed: false}} else . end' \
		"$shared/right" | summary 0 --readme
	rm results
	not_asked
}

test_the_readme_says_which_cases_by_which_command() {
	export README="$work/README.md"
	cases=$(wc -l <"$shared/right")
	cp "$root/README.md" README.md
	summary 0 --readme <"$shared/right"
	grep -q "^By \`make truth ARGS=--summary\`, of the program one: all $cases cases, on .* confirmed $cases: " README.md || fail 'a whole run is not named'
	grep -qx 'Each goal is met.' README.md || fail 'the goals are not named'
	jq -c 'if .id | endswith("x0.5") then .healed = false else . end' "$shared/right" | summary 1 --readme --only conntrack/
	grep -q "^By \`make truth ARGS='--summary --only conntrack/'\`, of the program one: 8 of $cases cases, not all, on " README.md || fail 'a part is not named'
	grep -q '^- goal missed: healed by the proposal: ' README.md || fail 'a missed goal is not named'
	grep -q '^- `conntrack/.*x0\.5`: not healed by the proposal$' README.md || fail 'a wrong case is not named'
}

test_the_readme_has_a_row_of_each_command_that_repeats() {
	export README="$work/README.md"
	cp "$root/README.md" README.md
	portions | summary 0 --repeat 3 --readme --only healthy/
	row="| \`make truth REPEAT=3 ALL=1 ARGS='--summary --only healthy/'\` | one | 1 |"
	grep -qxF "$row 1/1 (1.000) | 3/3 (1.000) |" README.md || fail 'it has no row'
	portions | jq -c 'if .continues then .runs[].status = 3 else . end' | summary 1 --repeat 3 --readme --only healthy/
	grep -qxF "$row 0/1 (0.000) | 2/3 (0.667) |" README.md || fail 'the row is not the newest'
	is 'the rows' "$(grep -cF "$row" README.md)" 1
	grep -q '^| score ' README.md || fail 'the other tables are lost'
}

# Portions of the checks of one case.
portions() {
	jq -c 'select(.id == "healthy/defaults/nginx") | .of.repeated = true | .runs = [.verdict, .verdict], (.continues = true)' "$shared/right"
}

test_portions_of_repeated_checks_are_one_case() {
	portions | summary 0 --repeat 3
	grep -qF '| runs with the usual ones of their case | 3/3 (1.000) |' out || fail 'the portions are not added'
	portions | jq -c 'if .continues then .runs[].status = 3 else . end' | summary 1 --repeat 3
	grep -qF 'goal missed: runs with the usual ones of their case: 2/3 (0.667), the goal is 0.98' out || fail 'other verdicts do not count'
	portions | jq -c 'if .continues then .failed = "killed" | del(.runs) else . end' | summary 1 --repeat 3
	grep -qF 'goal missed: cases with a result: 0/1 (0.000), the goal is all' out || fail 'a failed portion does not count'
}

test_a_run_that_is_ended_leaves_nothing() {
	may_unshare -Urn || skip 'namespaces are not available'
	mkdir temporary
	TMPDIR=$work/temporary RESULTS=results "$tests/truth/run" --only '^healthy/' --limit 12 >began 2>&1 &
	pid=$!
	starts() { [ -n "$(find temporary -path '*/c/*/1')" ]; }
	wait_for starts
	kill -TERM "$pid"
	kill -INT "$pid" 2>gone || true
	status=0
	wait "$pid" || status=$?
	case $status in 130 | 143) ;; *) fail "its status is $status" ;; esac
	is 'what is left' "$(find temporary -mindepth 1)" ''
	! pgrep -f "run --case --work $work/temporary" || fail 'a case still runs'
}

run_tests "$@"
