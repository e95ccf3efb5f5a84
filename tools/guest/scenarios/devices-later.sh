#!/bin/bash
# Camera and sound card whose drivers are loaded after the service has started
. /opt/test/install.sh
systemctl start mmexitd
sleep 3
modprobe vivid n_devs=1 node_types=0x1 num_inputs=1 input_types=0x00
modprobe snd-aloop
point "the camera is back without a restart" within 30 said "image is back"
point "the microphone is back without a restart" within 30 said "audio is back"
