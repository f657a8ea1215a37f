#!/usr/bin/env bash
# Two brokers on one PostgreSQL, either of which is killed again and again while guests ask both: no challenge
# counts twice, no release is missing in the audit log, none is against its policy.
# RELEASES (2000) says how many.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

releases=${RELEASES:-2000}
[ "$(id -u)" -eq 0 ] || skip "evidence for who unlocks needs root here"
/usr/bin/python3 -c 'import jwcrypto' 2>/dev/null || skip "no jwcrypto here"
postgres=$(find /usr/lib/postgresql/*/bin -name postgres 2>/dev/null | sort -V | tail -n 1)
[ -n "$postgres" ] || skip "no PostgreSQL here"
programs=${postgres%/*}

chmod 711 "$work"
install -d -o postgres -m 700 "$work/pg"
as_postgres() { setpriv --reuid postgres --regid postgres --clear-groups --pdeathsig QUIT "$@"; }
as_postgres "$programs/initdb" -D "$work/pg/data" -U broker -A trust -E UTF8 --no-sync >"$work/initdb.log" 2>&1 || {
  cat "$work/initdb.log"
  exit 1
}
as_postgres "$postgres" -D "$work/pg/data" -c listen_addresses= -c "unix_socket_directories=$work/pg" >"$work/postgres.log" 2>&1 &
postgres_process=$!
started $postgres_process
comes_up postgres "$work/postgres.log" $postgres_process 30 as_postgres "$programs/pg_isready" -q -h "$work/pg" -U broker

start_sim
start_agent
write_policy
prepare_broker "postgresql:///postgres?host=$work/pg&user=broker"
second_port=$(free_port)
while [ "$second_port" = "$broker_port" ]; do second_port=$(free_port); done
configure_broker 5m 5m
configure_broker 5m 5m "$work/second.toml" "$second_port"
admin master-key new "$work/store/master.key"
claim "a policy is kept in PostgreSQL" admin policy put vm "$work/policy.toml"
admin policy put other "$work/other.toml"
printf 'what is released' >"$work/plain"
claim "and a secret" admin put vm/key/plain --policy vm --file "$work/plain"
admin put vm/key/forbidden --policy other --file "$work/plain"
for port in "$broker_port:broker" "$second_port:second"; do
  start_broker "$work/${port#*:}.toml" "${port%:*}"
  echo "$broker_process" >"$work/${port#*:}.pid"
done
claim "both have the same authority and token keys" equal \
  "$(curl -s --cacert "$work/broker.pem" "$broker/v1/token-keys" "$broker/v1/ssh-authority")" \
  "$(curl -s --cacert "$work/broker.pem" "https://127.0.0.1:$second_port/v1/token-keys" "https://127.0.0.1:$second_port/v1/ssh-authority")"

"$source/tests/integration/servers/kbs_crowd.py" --broker "$broker" --broker "https://127.0.0.1:$second_port" \
  --ca-file "$work/broker.pem" --agent "$socket" --releases "$releases" --forbidden vm/key/forbidden \
  --log "$work/released" vm/key/plain >"$work/crowd" 2>"$work/crowd.err" &
crowd=$!
started $crowd
kills=0
while kill -0 $crowd 2>/dev/null; do
  sleep "$((RANDOM % 2)).$((RANDOM % 10))"
  victim=$((RANDOM % 2))
  name=broker port=$broker_port
  [ $victim -eq 0 ] || name=second port=$second_port
  kill -0 $crowd 2>/dev/null || break
  kill -KILL "$(cat "$work/$name.pid")" 2>/dev/null
  wait "$(cat "$work/$name.pid")" 2>/dev/null
  kills=$((kills + 1))
  start_broker "$work/$name.toml" "$port"
  echo "$broker_process" >"$work/$name.pid"
done
wait $crowd
crowd_status=$?
cat "$work/crowd"
claim "guests got $releases releases, while brokers were killed $kills times" equal "$crowd_status" 0
claim "  some were killed" test $kills -ge 1
count() { jq -r ".$1" <(tail -n 1 "$work/crowd"); }
claim "  no challenge was taken twice, nothing released against its policy" equal "$(count wrong)" 0
claim "  answers to spent challenges were refused" test "$(count replays_refused)" -gt 0
claim "  and what no policy allows" test "$(count denied)" -gt 0

claim "the audit chain is whole" admin audit verify
cat "$work/admin"
admin audit show --count 1000000
cut -d' ' -f2- "$work/admin" >"$work/records"
released_of() { jq -r 'select(.event == "release" and .decision == "released") | .challenge' "$work/records" | sort; }
# A broker may die between its record and its answer, so there may be more records than answers, never fewer.
missing() { comm -13 <(released_of) <(sort "$work/released") | wc -l; }
claim "no release is missing in it" equal "$(missing)" 0
claim "no challenge is in it as judged twice" equal \
  "$(jq -r 'select(.event == "attest" and (.policies | length) > 0) | .challenge' "$work/records" | sort | uniq -d | wc -l)" 0
claim "none of it is a release of what is forbidden" equal \
  "$(jq -r 'select(.event == "release" and .decision == "released" and .resource == "vm/key/forbidden")' "$work/records" | wc -l)" 0
finish
