package sandbox

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// The folders of the tests, on a private tmpfs: short, because the path of a
// Unix socket has 107 bytes at most, and without fsync's price.
const (
	base    = "/run/e2e"
	tmp     = base + "/tmp"
	etcTop  = "/run/e2e-etc"
	dataDir = base + "/d"
)

// furnish gives the namespaces what a machine has. It runs as PID 1 of them.
func furnish() error {
	// What is mounted here must not show outside.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	// containerd's shims and dockerd put sockets into /run whatever their
	// settings say.
	if err := mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	for _, dir := range []string{tmp, dataDir, etcTop + "/upper", etcTop + "/work", "/run/lock"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	// dockerd writes /etc/docker/key.json, and the tests write /etc/hosts.
	if err := mount("overlay", "/etc", "overlay", 0, "lowerdir=/etc,upperdir="+etcTop+"/upper,workdir="+etcTop+"/work"); err != nil {
		return err
	}
	// Nor may a daemon.json of the machine's own get in.
	if err := os.RemoveAll("/etc/docker"); err != nil {
		return err
	}
	if err := os.Setenv("TMPDIR", tmp); err != nil {
		return err
	}
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("bring loopback up: %w", err)
	}
	var err error
	if furnished, err = mounts(); err != nil {
		return err
	}
	return writeHosts()
}

func mount(source, target, fstype string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		return fmt.Errorf("mount %s on %s: %w", fstype, target, err)
	}
	return nil
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, lo); err != nil {
		return err
	}
	lo.SetUint16(lo.Uint16() | unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// Hosts are the names that resolve inside, besides localhost: node1.e2e.test
// is 127.7.0.1, and so on to node9. They hold for every program, because
// /etc/hosts is private here.
func writeHosts() error {
	text := "127.0.0.1 localhost\n"
	for i := 1; i <= 9; i++ {
		text += fmt.Sprintf("%s %s\n", Addr(i), Name(i))
	}
	return os.WriteFile(filepath.Join("/etc", "hosts"), []byte(text), 0o644)
}

// Addr returns the address of host i, 1 to 9: 127.7.0.i.
func Addr(i int) string { return fmt.Sprintf("127.7.0.%d", i) }

// Name returns a DNS name that resolves to Addr(i) inside.
func Name(i int) string { return fmt.Sprintf("node%d.e2e.test", i) }
