#!/bin/bash
# The installed unit: start, first decision, SIGHUP, reload, who may read, watchdog, stop, JPEG pictures, exposure
. /opt/test/install.sh
modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x00
modprobe snd-aloop
useradd -m member; usermod -aG mmexit member
useradd -m stranger
ledger=/var/lib/mmexitd/ledger
decided() { grep -qs '"type":"decision"' $ledger/ledger-*.jsonl; }
as() { local who=$1; shift; setpriv --reuid "$who" --regid "$who" --init-groups "$@"; }

point "the unit starts" timeout 20 systemctl start mmexitd
point "it is active" is_active
point "the first decision is in the ledger" within 20 decided
point "a member of mmexit reads" eval "as member mmexitctl status > /dev/null"
point "a stranger does not" eval '! as stranger mmexitctl status 2>/dev/null'
before=$(pid)
systemctl kill -s HUP mmexitd; kill -HUP "$before"; sleep 2
point "SIGHUP does not end it" eval 'is_active && [ "$(pid)" = "$before" ]'
point "a reload is taken" systemctl reload mmexitd
echo 'no-such-key = 1' >> /etc/mmexitd/mmexitd.conf
point "a bad one fails and says why" eval '! systemctl reload mmexitd && journalctl -u mmexitd | grep -q "mmexitd.conf:.*no-such-key"'
sed -i '$d' /etc/mmexitd/mmexitd.conf
point "it runs on as it was" eval 'is_active && [ "$(pid)" = "$before" ] && mmexitctl status > /dev/null'
kill -STOP "$before"
back() { is_active && [ "$(pid)" != "$before" ] && [ "$(pid)" != 0 ]; }
point "SIGSTOP is answered by the watchdog" within 60 back
within 20 decided; sleep 2
ended_in() { local begin=$(date +%s%N); systemctl stop "$1"; echo $((($(date +%s%N) - begin) / 1000000)); }
# How busy the host is counts too: systemd takes as long again for a service that ends at once.
systemd-run -q --unit idle sleep 600
idle=$(ended_in idle) took=$(ended_in mmexitd)
point "it stops in $took ms, at most 1 s more than twice what 'sleep' takes ($idle ms)" [ "$took" -lt $((1000 + 2 * idle)) ]
point "its ledger ends with stop" eval 'tail -qn 1 $(ls $ledger/ledger-*.jsonl | tail -n 1) | grep -q "\"type\":\"stop\""'
point "its ledger is whole" eval "mmexitctl audit $ledger > /dev/null"

# No virtual camera sends JPEG pictures: the bench does, to a process like the daemon's, under all that the unit forbids.
sed -e 's/^Type=.*/Type=oneshot/' -e 's|^ExecStart=.*|ExecStart=/usr/bin/mmexit-bench mjpg --frames 1000|' -e '/^\[Install\]/,$d' \
  -e '/^\(ExecReload\|Restart\|WatchdogSec\|RuntimeDirectory\|StateDirectory\)/d' /etc/systemd/system/mmexitd.service \
  > /run/systemd/system/mmexit-pictures.service
systemctl daemon-reload
systemctl start --no-block mmexit-pictures
number() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$2/status" 2> /dev/null; }
confined() {
  child=$(pgrep -n -u mmexitd -f -- --decode-pictures) && one=$(number PPid "$child") || return 1
  ours=$(number Seccomp_filters "$one") theirs=$(number Seccomp_filters "$child")
  [ "${ours:-0}" -gt 0 ] && [ "${theirs:-0}" = $((ours + 1)) ]
}
within 60 confined
point "pictures have a process with one filter more ($theirs) than what starts it ($ours)" [ "${theirs:-0}" = $((${ours:-0} + 1)) ]
decoded() { journalctl -u mmexit-pictures -o cat --no-pager | grep "$1"; }
ended() { [ "$(systemctl is-active mmexit-pictures)" != activating ]; }
within 120 ended
decoded 'damaged pictures:\|640 x 480\|mmexit-bench:'
point "damaged and whole ones are decoded there" eval '[ "$(systemctl is-active mmexit-pictures)" = inactive ] && decoded "whole ones between them decoded right" > /dev/null'
exposure=$(systemd-analyze security --no-pager mmexitd | awk '/Overall exposure/{print $(NF-2)}')
point "exposure $exposure is at most 1.5" awk -v e="$exposure" 'BEGIN { exit !(e > 0 && e <= 1.5) }'
