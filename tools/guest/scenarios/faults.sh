#!/bin/bash
# A camera's queue errors, a fatal one, disconnect; a sound overrun: counted, told, survived, no answer from a hole
. /opt/test/install.sh
camera=/dev/video0
set_key gate max-blind 1s; set_key gate activity-check no
# A record for each window.
set_key ledger coalesce no
set_key 'sensor image' device vivid-000-vid-cap; set_key 'sensor image' linger 3600s
# Nobody plays: the loopback card gives zeros.
set_key 'sensor audio' stuck-after 0s
modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x00
modprobe snd-aloop
press() { v4l2-ctl -d $camera -c "$1=1"; }
counted() { [ "$(mmexitctl status --json | grep -o "\"$1\": *[0-9]*" | grep -o '[0-9]*$' | sort -n | tail -n 1)" -gt "$2" ]; }
# While it streams: what is pressed, and what the daemon says of it. Faults follow one another: each starts anew.
fails() {
  systemctl restart mmexitd
  within 60 looked "$(looks)" || return 1
  local gone back
  gone=$(told "image.*$2") back=$(told "image is back")
  for control in $1; do press "$control"; done
  within 40 more_told "image.*$2" "$gone" && within 60 more_told "image is back" "$back"
}

timeout 60 systemctl start mmexitd
point "an error of VIDIOC_QBUF is told and survived" fails inject_vidioc_qbuf_error "driver reported an error.*VIDIOC_QBUF"
point "a fatal error of the queue is told and survived" fails inject_fatal_streaming_error "damaged frames in a row"
point "one of VIDIOC_REQBUFS at the next opening too" fails "inject_vidioc_reqbufs_error inject_fatal_streaming_error" "VIDIOC_REQBUFS"
point "one of VIDIOC_STREAMON too" fails "inject_vidioc_streamon_error inject_fatal_streaming_error" "VIDIOC_STREAMON"
point "a disconnect is told and survived" fails disconnect "went away while in use"

# The card's buffer holds half a second. Three holes: a busy host may leave a guest no window near one.
systemctl restart mmexitd
uptime_ns() { awk '{ printf "%.0f\n", $1 * 1e9 }' /proc/uptime; }
holes=() overruns=right
for hole in 0 1 2; do
  within 60 looked "$(looks)"
  kill -STOP "$(pid)"; begin=$(uptime_ns); sleep 1.5; end=$(uptime_ns); kill -CONT "$(pid)"
  holes+=("$begin-$end")
  within 20 counted overruns $hole || overruns=wrong
done
point "each of three overruns is counted" [ $overruns = right ]
point "the samples that were lost are counted" within 20 counted lost_samples 0
within 60 looked "$(looks)"
systemctl stop mmexitd
# All windows that end from a hole's begin to the sound's length (1 s) after its end have part of it.
answered=$(cat $ledger/ledger-*.jsonl | holes="${holes[*]}" perl -ne '
  BEGIN { @holes = map { [split /-/] } split / /, $ENV{holes} }
  next unless /"type":"decision"/ && /"window":\[\d+,(\d+)\]/;
  $stop = $1;
  next unless grep { $stop > $_->[0] + 5e7 && $stop < $_->[1] + 9.5e8 } @holes;
  $all++;
  next unless /"used":\[[^\]]*"audio"/ || /"hops":\[[^\]]*"modality":"audio"/;
  $bad++;
  print STDERR "       $_";
  END { printf "%d of %d\n", $bad // 0, $all // 0 }')
point "no window with a hole in its sound was answered from its sound ($answered)" [ "${answered%% *}" = 0 -a "${answered##* }" -gt 0 ]
point "its ledger is whole" eval "mmexitctl audit $ledger > /dev/null"
