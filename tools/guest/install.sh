# Sourced by the scenarios, in the guest: installs the service as a package would, and how a point is judged.
cd /opt/test
mkdir -p /usr/share/mmexitd/models /etc/mmexitd /usr/lib/mmexit-libs
cp mmexitd mmexitctl mmexit-bench /usr/bin/
cp robot-command.safetensors /usr/share/mmexitd/models/
cp mmexitd.conf /etc/mmexitd/
cp lib/* /usr/lib/mmexit-libs/
echo /usr/lib/mmexit-libs > /etc/ld.so.conf.d/mmexit.conf
ldconfig
cp mmexitd.sysusers /usr/lib/sysusers.d/mmexitd.conf
systemd-sysusers
cp mmexitd.service /etc/systemd/system/
systemctl daemon-reload

. /opt/test/points.sh

configuration=/etc/mmexitd/mmexitd.conf
# set_key SECTION KEY VALUE: of a section of the configuration; empty: its default
set_key() {
  sed -i "/^\[$1\]/,/^\[/ { /^$2 =/d }" $configuration
  [ -z "$3" ] || sed -i "s/^\[$1\]/&\n$2 = $3/" $configuration
}
ledger=/var/lib/mmexitd/ledger
# Decisions that pictures had a part in.
looks() { cat $ledger/ledger-*.jsonl 2> /dev/null | grep -c '"type":"decision".*"used":\[[^]]*"image"'; }
looked() { [ "$(looks)" -gt "$1" ]; }
# How often the daemon has said something since it was installed, and whether that is more than before.
told() { journalctl -u mmexitd -o cat --no-pager | grep -c "$1"; }
more_told() { [ "$(told "$1")" -gt "$2" ]; }
