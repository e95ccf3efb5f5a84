#!/bin/bash
# Each pixel format of vivid reaches decisions; a card found by name under another number; a control; a driver's errors counted
. /opt/test/install.sh
configuration=/etc/mmexitd/mmexitd.conf
ledger=/var/lib/mmexitd/ledger
cameras() { modprobe vivid n_devs="$1" node_types="$2" num_inputs=1,1 input_types=0x00,0x00; }
# Pictures asked, whatever they answered.
looks() { cat $ledger/ledger-*.jsonl 2> /dev/null | grep -c '"type":"decision".*"image'; }
looked() { [ "$(looks)" -gt "$1" ]; }
counted() { [ "$(mmexitctl status --json | grep -o "\"$1\":[0-9]*" | grep -o '[0-9]*$' | sort -n | tail -n 1)" -gt "$2" ]; }
set_image() { sed -i "/^\[sensor image\]/,\$ { /^$1 =/d }" $configuration; [ -z "$2" ] || sed -i "s/^\[sensor image\]/&\n$1 = $2/" $configuration; }

sed -i 's/^max-blind = .*/max-blind = 1s/' $configuration
set_image width 320; set_image height 180; set_image device vivid-000-vid-cap
modprobe snd-aloop
cameras 1 0x1
timeout 20 systemctl start mmexitd
for format in yuyv nv12 yu12 grey rgb24; do
  set_image pixel-format $format
  systemctl restart mmexitd
  point "$format reaches decisions" within 30 looked "$(looks)"
done
set_image pixel-format mjpg
systemctl restart mmexitd
point "a format that it lacks is told, with what it offers" within 20 said "offers no usable format.*it offers YUYV"
set_image pixel-format ''; set_image gain 77
systemctl restart mmexitd
point "it is woken with a control" within 30 looked "$(looks)"
point "the control is set" eval 'v4l2-ctl -d /dev/video0 -C gain | grep -q 77'

# Errors that the driver is told to make while it streams.
set_image linger 3600s
systemctl restart mmexitd
within 30 looked "$(looks)"
v4l2-ctl -d /dev/video0 -c percentage_of_dropped_buffers=40 2> /dev/null || v4l2-ctl -d /dev/video0 -c percentage_dropped_buffers=40
point "dropped frames are counted" within 20 counted frames_dropped 0
v4l2-ctl -d /dev/video0 -c inject_vidioc_qbuf_error=1 2> /dev/null || v4l2-ctl -d /dev/video0 -L | grep -i -A12 error
point "it is active" is_active

# The same card under another number: another camera has taken the first one.
systemctl stop mmexitd
set_image linger 2s
before=$(looks)
systemctl start mmexitd
within 30 looked "$before"
