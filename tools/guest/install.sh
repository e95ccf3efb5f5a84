# Sourced by the scenarios, in the guest: installs the service as a package would, and how a point is judged.
cd /opt/test
mkdir -p /usr/share/mmexitd/models /etc/mmexitd /usr/lib/mmexit-libs
cp mmexitd mmexitctl /usr/bin/
cp robot-command.safetensors /usr/share/mmexitd/models/
cp mmexitd.conf /etc/mmexitd/
cp lib/* /usr/lib/mmexit-libs/
echo /usr/lib/mmexit-libs > /etc/ld.so.conf.d/mmexit.conf
ldconfig
cp mmexitd.sysusers /usr/lib/sysusers.d/mmexitd.conf
systemd-sysusers
cp mmexitd.service /etc/systemd/system/
systemctl daemon-reload

# point NAME COMMAND...: right when the command succeeds
point() {
  local name=$1
  shift
  if "$@"; then echo "right  $name"; else echo "WRONG  $name"; journalctl -u mmexitd -o cat --no-pager | tail -n 5 | sed 's/^/       /'; fi
}
# within SECONDS COMMAND...: tries it until it succeeds
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do [ $SECONDS -lt $end ] || return 1; sleep 0.2; done
}
said() { journalctl -u mmexitd -o cat --no-pager | grep -q "$1"; }
is_active() { [ "$(systemctl is-active mmexitd)" = active ]; }
pid() { systemctl show -p MainPID --value mmexitd; }
