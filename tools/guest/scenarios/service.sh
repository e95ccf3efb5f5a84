#!/bin/bash
# The installed unit: start, first decision, SIGHUP, reload, who may read, watchdog, stop, exposure
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
begin=$(date +%s%N); systemctl stop mmexitd; took=$((($(date +%s%N) - begin) / 1000000))
point "it stops in under 1 s ($took ms)" [ "$took" -lt 1000 ]
point "its ledger ends with stop" eval 'tail -qn 1 $(ls $ledger/ledger-*.jsonl | tail -n 1) | grep -q "\"type\":\"stop\""'
point "its ledger is whole" eval "mmexitctl audit $ledger > /dev/null"
exposure=$(systemd-analyze security --no-pager mmexitd | awk '/Overall exposure/{print $(NF-2)}')
point "exposure $exposure is at most 1.5" awk -v e="$exposure" 'BEGIN { exit !(e > 0 && e <= 1.5) }'
