# Run by tools/package-try as root in a Debian where no systemd runs.
cd /root
. ./points.sh
journalctl() { cat said.apt; }
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C
conf=/etc/mmexitd/mmexitd.conf ledger=/var/lib/mmexitd/ledger socket=/run/mmexitd/mmexitd.sock
rm -rf /etc/apt/sources.list.d/* /var/lib/apt/lists/*
echo 'deb [trusted=yes] file:/var/repository ./' > /etc/apt/sources.list
apt-get -qq update
ours() { find / -xdev \( -path /proc -o -path /var/repository -o -path /root -o -path /tmp \) -prune -o -name '*mmexit*' -print; }
apt() { apt-get -y "$@" > said.apt 2>&1; }

point "apt installs it" apt install /var/repository/mmexit_*-1_*.deb
point "both units are enabled" systemctl -q is-enabled mmexitd.socket mmexitd.service
point "the socket's folder is mmexitd's and the group's" [ "$(stat -c %U:%G:%a /run/mmexitd)" = mmexitd:mmexit:750 ]
point "its user has the devices' groups" eval '[ "$(id -nG mmexitd | tr " " "\n" | grep -cx "audio\|video\|mmexit")" = 3 ]'
point "its configuration is good" eval 'mmexitd --check-config > /dev/null 2>&1'
mkdir -p demo/demo-ledger
sed 's/^pace = .*/pace = fast/' /usr/share/mmexitd/demo.conf > demo/demo.conf
mmexitd --config demo/demo.conf --print-decisions > demo/said 2>&1
sum=$(cat demo/demo-ledger/*.jsonl | sha256sum | cut -c1-16)
point "the demonstration decides $(grep -c '^#' demo/said) windows; ledger, SHA-256 $sum" eval 'mmexitctl audit demo/demo-ledger > /dev/null'
sed -i 's/^pace = .*/pace = real-time/' demo/demo.conf
rm -rf demo/demo-ledger/*
systemd-socket-activate -l $socket mmexitd --config demo/demo.conf > demo/said 2>&1 &
within 10 eval '[ -S $socket ]'
point "nothing runs before it is asked" eval '! pgrep -x mmexitd > /dev/null'
point "who asks starts it, on the socket that it is passed" eval 'mmexitctl status --socket $socket > /dev/null && [ ! -e /tmp/mmexit-demo.sock ]'
kill $! && wait $! 2> /dev/null
rm -f $socket
sed -i 's/^window-period = .*/window-period = 300ms/' $conf
changed=$(sha256sum < $conf)
install -d -o mmexitd -g mmexit -m 750 /var/lib/mmexitd $ledger
echo '{}' > $ledger/ledger-0.jsonl
point "apt upgrades it" apt install /var/repository/mmexit_*-2_*.deb
point "the configuration is the administrator's" eval '[ "$(sha256sum < $conf)" = "$changed" ]'
systemctl -q disable mmexitd.service
point "what was disabled stays so" eval 'dpkg-reconfigure mmexit && ! systemctl -q is-enabled mmexitd.service && systemctl -q is-enabled mmexitd.socket'
point "apt removes it" apt remove mmexit
left=$(ours | grep -v -e '^/var/lib/dpkg/' -e '^/var/lib/systemd/' -e '^/etc/systemd/' | sort | tr '\n' ' ')
point "configuration and ledger are left: $left" eval '[ "$left" = "/etc/mmexitd $conf /var/lib/mmexitd " ] && [ -s $ledger/ledger-0.jsonl ]'
point "apt installs it again" apt install mmexit
point "with the administrator's configuration" eval '[ "$(sha256sum < $conf)" = "$changed" ]'
point "apt purges it" apt purge mmexit
left=$(ours)
point "nothing is left (${left//$'\n'/ })" [ -z "$left" ]
point "but user and group, whose numbers nobody else is given" eval 'getent passwd mmexitd > /dev/null && getent group mmexit > /dev/null'
