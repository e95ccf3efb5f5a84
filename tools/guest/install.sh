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

. /opt/test/points.sh
