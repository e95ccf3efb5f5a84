#!/bin/bash
# The Debian package: install, socket activation, upgrade under load, remove, purge
cd /opt/test
. /opt/test/points.sh
ledger=/var/lib/mmexitd/ledger conf=/etc/mmexitd/mmexitd.conf
socket=/run/mmexitd/mmexitd.sock
install -d /var/repository && cp package/*.deb package/Packages /var/repository/
rm -rf /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/var/repository ./' > /etc/apt/sources.list
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x00
modprobe snd-aloop
useradd -m stranger
as() { local who=$1; shift; setpriv --reuid "$who" --regid "$who" --init-groups "$@"; }
decisions() { cat $ledger/ledger-*.jsonl 2>/dev/null | grep -c '"type":"decision"'; }
more_than() { [ "$(decisions)" -gt "$1" ]; }
is_on() { [ "$(systemctl is-active "$1")" = active ]; }

point "apt installs it" eval 'apt-get -y install /var/repository/mmexit_*-1_*.deb > said.apt 2>&1 || { cat said.apt; false; }'
useradd -m member; usermod -aG mmexit member
point "socket and daemon run" eval 'is_on mmexitd.socket && is_on mmexitd.service'
point "both start with the machine" systemctl -q is-enabled mmexitd.socket mmexitd.service
point "the first decision is in the ledger" within 60 more_than 0
point "a member of mmexit reads" eval "as member mmexitctl status > /dev/null"
point "a stranger does not" eval '! as stranger mmexitctl status 2>/dev/null'
point "the socket is mmexitd's and the group's" eval '[ "$(stat -c %U:%G:%a /run/mmexitd $socket | tr "\n" " ")" = "mmexitd:mmexit:750 mmexitd:mmexit:660 " ]'

systemctl stop mmexitd.service 2>/dev/null
point "stopped, its socket still listens" eval '! is_on mmexitd.service && is_on mmexitd.socket && [ -S $socket ]'
point "who asks starts it" within 30 eval 'as member mmexitctl status > /dev/null 2>&1'
point "it runs again" is_on mmexitd.service

# Load: one who watches, two who ask without a pause, while the package is exchanged.
sed -i 's/^window-period = .*/window-period = 300ms/' $conf
before=$(sha256sum < $conf) pid=$(pid)
head -c "$(cat $ledger/ledger-*.jsonl | wc -c)" <(cat $ledger/ledger-*.jsonl) > ledger.before
touch loading
(while [ -e loading ]; do timeout 5 mmexitctl watch --json > /dev/null 2>> said.watch; done) &
for n in 1 2; do (while [ -e loading ]; do as member mmexitctl status 2>> said.load > /dev/null && echo answered >> answers; done) & done
sleep 3
point "apt upgrades it under load" eval 'apt-get -y install /var/repository/mmexit_*-2_*.deb > said.apt 2>&1 || { cat said.apt; false; }'
answers=$(grep -c . answers)
point "the new one runs" eval '[ "$(dpkg-query -W -f "\${Version}" mmexit)" = "$(dpkg-deb -f /var/repository/mmexit_*-2_*.deb Version)" ] && within 30 eval "is_on mmexitd.service && [ \"\$(pid)\" != $pid ]"'
now=$(decisions)
point "and decides" within 60 more_than "$now"
within 30 eval '[ "$(grep -c . answers)" -gt $((answers + 4)) ]'
rm loading; wait
refused=$(grep -c 'nobody\|no daemon\|refused' said.load)
point "of $(grep -c . answers) calls and more none was refused ($refused)" [ "$refused" = 0 ]
point "the configuration is the administrator's" eval '[ "$(sha256sum < $conf)" = "$before" ]'
point "the ledger of before stands" eval 'cmp -s -n "$(stat -c %s ledger.before)" ledger.before <(cat $ledger/ledger-*.jsonl)'
point "and adds up" eval "mmexitctl audit $ledger > /dev/null"

apt-get -y remove mmexit > said.apt 2>&1
point "removed, nothing runs and nobody listens" eval '! pgrep -x mmexitd > /dev/null && ! is_on mmexitd.socket && [ ! -e /run/mmexitd ]'
left=$(dpkg -L mmexit 2>/dev/null | while read -r name; do [ -f "$name" ] && echo "$name"; done)
point "only the configuration is left of its files ($left)" [ "$left" = $conf ]
point "the ledger is left" eval 'cmp -s -n "$(stat -c %s ledger.before)" ledger.before <(cat $ledger/ledger-*.jsonl)'
apt-get -y install mmexit > said.apt 2>&1
now=$(decisions)
point "installed again, it goes on" eval 'within 60 more_than "$now" && mmexitctl audit $ledger > /dev/null && [ "$(sha256sum < $conf)" = "$before" ]'
apt-get -y purge mmexit > said.apt 2>&1
left=$(find / -xdev \( -path /opt/test -o -path /var/repository -o -path /home \) -prune -o -name '*mmexit*' -print)
point "purged, nothing is left (${left//$'\n'/ })" eval '[ -z "$left" ] && [ ! -e /run/mmexitd ]'
point "nor running" eval '! pgrep -x mmexitd > /dev/null && ! systemctl list-unit-files --no-legend "mmexit*" | grep -q .'
point "but user and group, whose numbers nobody else is given" eval 'getent passwd mmexitd > /dev/null && getent group mmexit > /dev/null'
