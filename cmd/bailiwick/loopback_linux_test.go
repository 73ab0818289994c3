package main

import (
	"context"
	octets "encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// aloneVariable, in the environment, makes this test binary run its arguments
// in the network namespace it was started in, and then say what left.
const aloneVariable = "BAILIWICK_TEST_ALONE"

// The exit statuses of that, beside those of the program.
const (
	statusNoLoopback = 120 // the loopback interface does not come up
	statusNotAlone   = 121 // there is another interface
	statusTried      = 122 // something tried to leave
)

// init comes before TestMain: in the namespace no test is run.
func init() {
	if os.Getenv(aloneVariable) == "" {
		return
	}
	os.Exit(alone(os.Args[1:]))
}

// alone brings loopback up, runs a command, and looks at the kernel's counters
// of packets that found no way out: a connection that is tried anywhere but to
// loopback counts there, also if the program takes no notice.
func alone(args []string) int {
	if err := loopbackUp(); err != nil {
		fmt.Fprintln(os.Stderr, "loopback:", err)
		return statusNoLoopback
	}
	ifs, err := net.Interfaces()
	if err != nil || len(ifs) != 1 || ifs[0].Flags&net.FlagLoopback == 0 || ifs[0].Flags&net.FlagUp == 0 {
		fmt.Fprintln(os.Stderr, "interfaces:", ifs, err)
		return statusNotAlone
	}
	before := noRoute()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = cmd.Run()
	if n := noRoute() - before; n > 0 {
		fmt.Fprintf(os.Stderr, "%d packets were to leave\n", n)
		return statusTried
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	return 0
}

// loopbackUp is `ip link set lo up`.
func loopbackUp() error {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(s)
	req := struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		rest  [22]byte
	}{flags: syscall.IFF_UP | syscall.IFF_RUNNING}
	copy(req.name[:], "lo")
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(s), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&req))); errno != 0 {
		return errno
	}
	return nil
}

// noRoute counts the packets and connections of this namespace for which there
// was no route (RFC 4293 ipSystemStatsOutNoRoutes), over IPv4 and IPv6.
func noRoute() int {
	n := 0
	if b, err := os.ReadFile("/proc/net/snmp"); err == nil {
		var names []string
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if f[0] != "Ip:" {
				continue
			}
			if names == nil {
				names = f
				continue
			}
			for i, name := range names {
				if name == "OutNoRoutes" {
					v, _ := strconv.Atoi(f[i])
					n += v
				}
			}
		}
	}
	if b, err := os.ReadFile("/proc/net/snmp6"); err == nil {
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) == 2 && f[0] == "Ip6OutNoRoutes" {
				v, _ := strconv.Atoi(f[1])
				n += v
			}
		}
	}
	return n
}

// isolated is this test binary as a command that runs args where there is
// loopback and nothing else.
func isolated(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", args...)
	cmd.Env = environment(aloneVariable + "=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return cmd
}

// Nothing leaves loopback: in a namespace with no other interface the demo and
// the recorded world do and print the same, and nothing was even tried. Where
// the kernel permits no namespace, every socket of the process is looked at
// while it runs.
func TestNothingLeavesLoopback(t *testing.T) {
	exe := binary(t)
	index, reports := recordedWorld(t)
	worlds := map[string][]string{
		"made":     {"demo", "--batch", "--json", "--seed", "3", "--days", "2"},
		"recorded": {"demo", "--batch", "--json", "--recorded", index, "--reports", reports},
		"scenario": {"demo", "--batch", "--json", "--scenario", filepath.Join("..", "..", "docs", "scenarios", "minimal.yaml")},
	}
	probe := finish(t, isolated(t.Context(), exe, "parse", "report", "--help"), nil)
	permitted := probe.status == 0
	if permitted {
		// The counter counts: a program that wants out is found out.
		out := finish(t, isolated(t.Context(), exe, "report", "--server", "http://192.0.2.1:9", "testdata/report/plain.json"), nil)
		if out.status != statusTried {
			t.Fatalf("a program that connects to 192.0.2.1 ended with %d, not %d: %s", out.status, statusTried, out.err)
		}
	} else {
		t.Logf("no network namespace here (status %d: %s): the sockets are looked at instead", probe.status, short(probe.err))
	}
	for name, args := range worlds {
		t.Run(name, func(t *testing.T) {
			if !permitted {
				watched(t, args)
				return
			}
			outside := runs(t, args...).want(t, 0)
			inside := finish(t, isolated(t.Context(), append([]string{exe}, args...)...), args).want(t, 0)
			if inside.out != outside.out {
				t.Errorf("with loopback alone it prints something else:\n%s", firstDifference(outside.out, inside.out))
			}
			t.Logf("%s outside, %s inside", outside.took, inside.took)
		})
	}
}

// The other way of looking works too, wherever this runs.
func TestSocketsAreOnLoopback(t *testing.T) {
	watched(t, []string{"demo", "--batch", "--json", "--seed", "3", "--days", "2"})
}

// watched runs the program and looks at its sockets all the while.
func watched(t *testing.T, args []string) {
	t.Helper()
	cmd := exec.Command(binary(t), args...)
	cmd.Env = environment()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	looks, seen := 0, map[string]bool{}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("it failed: %v", err)
			}
			if looks < 10 || len(seen) == 0 {
				t.Errorf("%d looks saw %d sockets: nothing was watched", looks, len(seen))
			}
			for s := range seen {
				local, remote, _ := strings.Cut(s, " ")
				l, r := netip.MustParseAddrPort(local).Addr(), netip.MustParseAddrPort(remote).Addr()
				if l.IsUnspecified() && strings.HasSuffix(local, ":0") && r.IsUnspecified() {
					continue // not bound yet
				}
				if !l.Unmap().IsLoopback() || !r.Unmap().IsLoopback() && !r.Unmap().IsUnspecified() {
					t.Errorf("a socket from %s to %s", local, remote)
				}
			}
			t.Logf("%d looks saw %d sockets", looks, len(seen))
			return
		case <-tick.C:
			looks++
			for _, s := range sockets(cmd.Process.Pid) {
				seen[s] = true
			}
		}
	}
}

// sockets are the TCP and UDP sockets of a process: "local remote".
func sockets(pid int) []string {
	mine := map[string]bool{}
	dir := fmt.Sprintf("/proc/%d", pid)
	fds, _ := os.ReadDir(dir + "/fd") // it may have ended
	for _, fd := range fds {
		if to, err := os.Readlink(dir + "/fd/" + fd.Name()); err == nil {
			if inode, ok := strings.CutPrefix(to, "socket:["); ok {
				mine[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	var out []string
	for _, proto := range []string{"tcp", "tcp6", "udp", "udp6"} {
		b, _ := os.ReadFile(dir + "/net/" + proto)
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if len(f) > 9 && mine[f[9]] {
				local, ok := address(f[1])
				remote, too := address(f[2])
				if ok && too {
					out = append(out, local.String()+" "+remote.String())
				}
			}
		}
	}
	return out
}

// address reads "0100007F:0035": words in the machine's order.
func address(s string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(s, ":")
	p, err := strconv.ParseUint(port, 16, 16)
	if err != nil || len(host)%8 != 0 {
		return netip.AddrPort{}, false
	}
	var b []byte
	for i := 0; i < len(host); i += 8 {
		w, err := strconv.ParseUint(host[i:i+8], 16, 32)
		if err != nil {
			return netip.AddrPort{}, false
		}
		b = octets.NativeEndian.AppendUint32(b, uint32(w))
	}
	a, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(a, uint16(p)), ok
}
