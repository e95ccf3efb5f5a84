#!/bin/bash
# In the guest, for tools/powercut: has the daemon write its ledger to the logged disk, in small segments, for so many seconds.
#   powercut.sh SECONDS BYTE      confirmations of the disk are marked from BYTE of it on
set -eu
cd /opt/test
mkdir -p /usr/lib/mmexit-libs /mnt
cp lib/* /usr/lib/mmexit-libs/
export LD_LIBRARY_PATH=/usr/lib/mmexit-libs
mount -t ext4 -o noatime /dev/vdc /mnt
for run in 1 2 3; do
  MMEXIT_DISK=/dev/vdc MMEXIT_MARKS=$2 LD_PRELOAD=/opt/test/acknowledged.so ./mmexitd --config powercut.conf &
  sleep "$(($1 / 3))"
  # As a crash of the program alone: the next start goes on.
  kill -KILL $!
  wait || true
  set -- "$1" $(($2 + 1048576))
done
umount /mnt
