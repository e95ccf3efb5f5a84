#!/bin/bash
# Camera and sound card whose drivers are loaded after the service has started; what 'devices' and 'doctor' say before and after
. /opt/test/install.sh
# Nobody plays: the loopback card gives zeros.
set_key 'sensor audio' stuck-after 0s
systemctl start mmexitd
sleep 3
doctor() { mmexitctl doctor > said.doctor 2>&1; [ $? = "$1" ] || { cat said.doctor; false; }; }
point "doctor finds both missing, and ends with 2" eval 'doctor 2 && grep -q "^wrong *camera" said.doctor && grep -q "^wrong *microphone" said.doctor'
point "devices has none" eval 'mmexitctl devices | grep -c "^  none:" | grep -qx 2'
modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x00
modprobe snd-aloop
point "the camera is back without a restart" within 30 said "image is back"
point "the microphone is back without a restart" within 30 said "audio is back"
point "neither was told as closed to the service before udev had set its group" eval '! said "may not be opened"'
# A probe is given 3 s, in which this guest may have been given no processor.
point "doctor finds nothing wrong (its clock and the unit are warned of)" within 120 eval 'doctor 1 > /dev/null'
has_both() {
  mmexitctl devices --json > said.devices
  for what in vivid-000-vid-cap '"YUYV"' Loopback '"command": *"mmexitd"'; do grep -q "$what" said.devices || return 1; done
}
point "devices has both, by name, format and who has them open" within 60 has_both
