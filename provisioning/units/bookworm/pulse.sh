#!/bin/sh
# Ends a program whose pulse is the same as at the look before (lethe-pulse.timer): Restart= starts it again. By content,
# not by the time of the file: the clock of the board may be set at any moment.
# The variables are for tests.
set -u
pulse=${LETHE_PULSE:-/run/lethe-pulse}
seen=${RUNTIME_DIRECTORY:-/run/lethe-pulse-seen}
# A start may take so long, beats or no beats: Node from a slow card, a camera that is tried again.
start_s=${LETHE_START_S:-240}

# Seconds since the unit was started, by the clock that nobody sets.
active_s() {
  now_s=$(cut -d. -f1 /proc/uptime)
  since_us=$(systemctl show --property=ActiveEnterTimestampMonotonic --value "$1")
  echo $((now_s - since_us / 1000000))
}

for unit in lethe-eye lethe-voice lethe-scan; do
  now=$(cat "$pulse/$unit" 2>/dev/null)
  before=$(cat "$seen/$unit" 2>/dev/null)
  # Written first: a look that is cut off must not take the same pulse for two.
  printf '%s' "$now" > "$seen/$unit"
  [ "$(systemctl is-active "$unit.service")" = active ] || continue
  [ "$(active_s "$unit.service")" -ge "$start_s" ] || continue
  [ "$now" = "$before" ] || continue
  echo "$unit: its pulse has stopped; it is ended and started again"
  systemctl kill --kill-whom=main --signal=SIGKILL "$unit.service"
done
exit 0
