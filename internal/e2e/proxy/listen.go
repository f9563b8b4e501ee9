package proxy

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/swarmpki/terraform-provider-swarmpki/internal/e2e/sandbox"
)

// workers returns the processes below the proxy's that listen on addr, by id.
func workers(addr netip.AddrPort, pid int) (map[int]bool, error) {
	sockets, err := listening(addr)
	if err != nil {
		return nil, err
	}
	found := map[int]bool{}
	for _, p := range sandbox.Descendants(pid) {
		fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", p.Pid))
		if err != nil {
			return nil, err
		}
		for _, fd := range fds {
			// An error means that the process, or the file, is gone.
			if target, err := os.Readlink(fd); err == nil && sockets[target] {
				found[p.Pid] = true
			}
		}
	}
	return found, nil
}

// listening returns the sockets that listen on addr, as /proc/PID/fd shows
// them ("socket:[4711]").
func listening(addr netip.AddrPort) (map[string]bool, error) {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return nil, err
	}
	ip := addr.Addr().As4()
	// The address stands there as a number in the machine's byte order, which
	// is little-endian wherever these tests run.
	ip[0], ip[1], ip[2], ip[3] = ip[3], ip[2], ip[1], ip[0]
	local := fmt.Sprintf("%s:%04X", strings.ToUpper(hex.EncodeToString(ip[:])), addr.Port())
	const listen = "0A"
	sockets := map[string]bool{}
	for lines := bufio.NewScanner(bytes.NewReader(table)); lines.Scan(); {
		// sl local_address rem_address st queues tr:tm retrnsmt uid timeout inode
		f := strings.Fields(lines.Text())
		if len(f) > 9 && f[1] == local && f[3] == listen {
			sockets["socket:["+f[9]+"]"] = true
		}
	}
	return sockets, nil
}
