#!/bin/bash
# Camera and sound card plugged out and in 21 times, 3 times while in use: nothing ends, nothing leaks, decisions go on
. /opt/test/install.sh
# A sensor that fails again within a minute waits twice as long for its next try: 8 s after the third.
cycles=3
set_key gate max-blind 1s
# A record for each window: one that counts many has the time of the first.
set_key ledger coalesce no
set_key 'sensor image' device vivid-000-vid-cap; set_key 'sensor image' linger 3600s
set_key 'sensor audio' stuck-after 0s
modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x00
modprobe snd-aloop
# Driver, device, sensor, what the daemon says when it is gone.
replug() {
  local driver=/sys/bus/platform/drivers/$1 back gone
  back=$(told "$3 is back") gone=$(told "$4")
  # A sound card's driver waits here until the daemon has closed it.
  timeout 20 sh -c "echo $2 > $driver/unbind" && within 20 more_told "$4" "$gone" || return 1
  # A plug bounces.
  for bounce in 1 2 3 4 5 6; do echo "$2" > "$driver/bind" && echo "$2" > "$driver/unbind"; done
  echo "$2" > "$driver/bind"
  within 70 more_told "$3 is back" "$back"
}
camera() { replug vivid vivid.0 image "image.*went away while in use"; }
microphone() { replug snd_aloop snd_aloop.0 audio "audio.*went away while in use"; }
held() { echo "$(ls "/proc/$(pid)/fd" | wc -l) descriptors, $(ls "/proc/$(pid)/task" | wc -l) threads"; }
times() {
  local done=0 n
  for n in $(seq $cycles); do "$1" && done=$((done + 1)) || break; done
  point "$1: back $done of $cycles times" [ $done = $cycles ]
}

timeout 20 systemctl start mmexitd
point "both sensors are asked" within 60 looked 0
# What a first replug opens for good, it has open from then on.
camera; microphone; within 60 looked "$(looks)"
process=$(pid) before=$(held)
times camera
times microphone
within 60 looked "$(looks)"
point "it is the same process" eval '[ "$(pid)" = "$process" ] && is_active'
after=$(held)
point "it holds what it held ($before; $after)" [ "$before" = "$after" ]
pause=$(cat $ledger/ledger-*.jsonl | sed -n 's/.*"type":"decision".*"decided_ns":\([0-9]*\).*/\1/p' \
  | awk 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 } END { printf "%d\n", most / 1e6 }')
point "the longest pause between decisions, $pause ms, is at most 5 s" [ "$pause" -gt 0 -a "$pause" -le 5000 ]
point "its ledger is whole" eval "mmexitctl audit $ledger > /dev/null"
