#!/bin/bash
# Each pixel format of vivid reaches decisions; a card found by name under another number; a control; a driver's errors counted
. /opt/test/install.sh
configuration=/etc/mmexitd/mmexitd.conf
ledger=/var/lib/mmexitd/ledger
# Pictures asked, whatever they answered.
looks() { cat $ledger/ledger-*.jsonl 2> /dev/null | grep -c '"type":"decision".*"image'; }
looked() { [ "$(looks)" -gt "$1" ]; }
counted() { [ "$(mmexitctl status --json | grep -o "\"$1\":[0-9]*" | grep -o '[0-9]*$' | sort -n | tail -n 1)" -gt "$2" ]; }
set_image() { sed -i "/^\[sensor image\]/,\$ { /^$1 =/d }" $configuration; [ -z "$2" ] || sed -i "s/^\[sensor image\]/&\n$1 = $2/" $configuration; }

sed -i 's/^max-blind = .*/max-blind = 1s/' $configuration
set_image width 320; set_image height 180; set_image device vivid-000-vid-cap
modprobe snd-aloop
modprobe vivid n_devs=1 node_types=0x1 num_inputs=1,1 input_types=0x00,0x00
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
v4l2-ctl -d /dev/video0 -c percentage_of_dropped_buffers=40
point "dropped frames are counted" within 20 counted frames_dropped 0
v4l2-ctl -d /dev/video0 -c percentage_of_dropped_buffers=0 -c inject_v4l2_buf_flag_error=1
point "damaged frames are counted" within 20 counted frames_corrupt 0
point "it is active" is_active

# Unplugged, and back as another number.
v4l2-ctl -d /dev/video0 -c disconnect=1
point "it is told that it went" within 20 said "image.*went away while in use"
within 20 rmmod vivid
modprobe vivid n_devs=1 node_types=0x1 num_inputs=1,1 input_types=0x00,0x00 vid_cap_nr=7
point "it is another node" [ -e /dev/video7 ]
point "the card is found again by its name" within 70 looked "$(looks)"
