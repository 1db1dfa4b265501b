#!/bin/sh
# Ready when the time is known or a minute is over; ends when it is known. See lethe-time.service.
# The folder is RuntimeDirectory=; the two variables are for tests.
set -u
known_by_timesyncd=${LETHE_TIMESYNCD_MARK:-/run/systemd/timesync/synchronized}
mark=${RUNTIME_DIRECTORY:-/run/lethe-time}/synchronized
seconds_max=${LETHE_SECONDS_MAX:-60}

# timesyncd leaves a file; for whoever else sets the clock the kernel is asked, by way of timedated (which would tell our
# listener of its own troubles). That costs a process each time, so it is asked every tenth second: on a slow machine the
# minute would be two, and systemd would give up.
is_known() {
  [ -e "$known_by_timesyncd" ] && return 0
  [ $((waited % 10)) -eq 0 ] && [ "$(env -u NOTIFY_SOCKET timedatectl show --property=NTPSynchronized --value 2>/dev/null)" = yes ]
}

tell_ready() {
  systemd-notify --ready --status="$1" || true
}

waited=0
while [ "$waited" -lt "$seconds_max" ]; do
  if is_known; then
    : > "$mark"
    tell_ready "the time is known after $waited s"
    exit 0
  fi
  sleep 1
  waited=$((waited + 1))
done
tell_ready "the time is not known after $waited s: counting begins without it"
waited=0
until is_known; do sleep 30; done
: > "$mark"
