# Sourced by the scenarios, in the guest: how a point is judged.
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
