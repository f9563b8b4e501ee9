package docker

// SystemdOverridePath is where SystemdOverride belongs on the host.
const SystemdOverridePath = "/etc/systemd/system/docker.service.d/override.conf"

// The executable has no path: Docker's packages put dockerd in /usr/bin and
// Debian's in /usr/sbin, and systemd 239 and later finds either
// (systemd.service(5), COMMAND LINES).
const systemdOverride = `# Needed when daemon.json sets "hosts": the packaged unit starts dockerd with
# "-H fd://", and dockerd does not start when the flag and the file both say
# where to listen.
[Service]
ExecStart=
ExecStart=dockerd --containerd=/run/containerd/containerd.sock
`

// SystemdOverride returns the drop-in for docker.service that is needed when
// daemon.json holds "hosts". It clears the packaged ExecStart and starts
// dockerd without "-H fd://", with the containerd socket that the packaged
// unit names.
//
// It is installed as SystemdOverridePath and takes effect with "systemctl
// daemon-reload" and "systemctl restart docker". It needs systemd 239 (2018)
// or later. Options that Debian's unit takes from DOCKER_OPTS in
// /etc/default/docker are no longer read; they belong in daemon.json.
func SystemdOverride() string { return systemdOverride }
