#!/bin/bash
# Each pixel format of vivid reaches decisions; a control; a driver's errors counted; a camera found by name under another number
. /opt/test/install.sh
counted() { [ "$(mmexitctl status --json | grep -o "\"$1\": *[0-9]*" | grep -o '[0-9]*$' | sort -n | tail -n 1)" -gt "$2" ]; }

set_key gate max-blind 1s
set_key 'sensor image' width 320; set_key 'sensor image' height 180; set_key 'sensor image' device vivid-000-vid-cap
# Nobody plays: the loopback card gives zeros.
set_key 'sensor audio' stuck-after 0s
modprobe snd-aloop
modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x00
timeout 60 systemctl start mmexitd
for format in yuyv nv12 yu12 grey rgb24; do
  set_key 'sensor image' pixel-format $format
  systemctl restart mmexitd
  point "$format reaches decisions" within 60 looked "$(looks)"
done
set_key 'sensor image' pixel-format mjpg
systemctl restart mmexitd
point "a format that it lacks is told, with what it offers" within 40 said "offers no usable format.*it offers .*YUYV"
set_key 'sensor image' pixel-format ''; set_key 'sensor image' gain 77
systemctl restart mmexitd
point "with a control to set it reaches decisions" within 60 looked "$(looks)"
point "the control is set" eval 'v4l2-ctl -d /dev/video0 -C gain | grep -q 77'

# Errors that the driver is told to make while it streams.
set_key 'sensor image' linger 3600s
systemctl restart mmexitd
within 60 looked "$(looks)"
v4l2-ctl -d /dev/video0 -c percentage_of_dropped_buffers=40
point "dropped frames are counted" within 40 counted frames_dropped 0
v4l2-ctl -d /dev/video0 -c percentage_of_dropped_buffers=0 -c inject_v4l2_buf_flag_error=1
point "damaged frames are counted" within 40 counted frames_corrupt 0
point "it is active" is_active

# Unplugged, and back as another number.
echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind
point "it is told that it went" within 40 said "image.*went away while in use"
within 40 rmmod vivid
modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x00 vid_cap_nr=7
point "it is another node" within 10 [ -e /dev/video7 ]
point "the camera is found again by its name" within 70 looked "$(looks)"
