package kubelet

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// stage is the first argument of a process that is to become a container's.
const stage = "kubelet-container"

// containerSpec is what that process makes of itself.
type containerSpec struct {
	Root       string // an empty directory
	ReadOnly   bool   // of the root file system
	Program    string // on this machine
	Path       string // the same in the container
	Command    []string
	Env        []string
	WorkingDir string
	Files      map[string]string // path in the container → text
	Mounts     []mount
	User       int // 0 stays root
	Group      int
}

type mount struct {
	Source, Target string
	ReadOnly       bool
}

// Stage must be called first by every program that uses this package. In a process that is to become a container's it
// makes its root file system and runs the container's program in it; it never returns then. The process has a mount
// namespace and the network of its pod already.
func Stage() {
	if len(os.Args) != 3 || os.Args[1] != stage {
		return
	}
	fmt.Fprintln(os.Stderr, "container:", become(os.Args[2]))
	os.Exit(125)
}

// become returns only when it fails.
func become(specFile string) error {
	text, err := os.ReadFile(specFile)
	if err != nil {
		return err
	}
	var spec containerSpec
	if err := json.Unmarshal(text, &spec); err != nil {
		return err
	}
	if err := spec.mountAll(); err != nil {
		return err
	}
	if err := syscall.Chroot(spec.Root); err != nil {
		return fmt.Errorf("chroot: %w", err)
	}
	dir := spec.WorkingDir
	if dir == "" {
		dir = "/"
	}
	if err := os.Chdir(dir); err != nil {
		return err
	}
	if err := spec.becomeUser(); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", spec.Command[0], syscall.Exec(spec.Command[0], spec.Command, spec.Env))
}

func (s *containerSpec) mountAll() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	if err := syscall.Mount("tmpfs", s.Root, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount the root file system: %w", err)
	}
	mounts := append([]mount{
		{Source: "/proc", Target: "/proc"},
		{Source: "/dev", Target: "/dev"},
		{Source: s.Program, Target: s.Path, ReadOnly: true},
	}, s.Mounts...)
	for _, m := range mounts {
		if err := s.bind(m); err != nil {
			return fmt.Errorf("mount %s: %w", m.Target, err)
		}
	}
	for path, text := range s.Files {
		path = filepath.Join(s.Root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if s.ReadOnly {
		return syscall.Mount("", s.Root, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY, "")
	}
	return nil
}

// bind shows a file or directory of this machine in the container.
func (s *containerSpec) bind(m mount) error {
	info, err := os.Stat(m.Source)
	if err != nil {
		return err
	}
	target := filepath.Join(s.Root, m.Target)
	if info.IsDir() {
		err = os.MkdirAll(target, 0o755)
	} else if err = os.MkdirAll(filepath.Dir(target), 0o755); err == nil {
		err = os.WriteFile(target, nil, 0o644)
	}
	if err != nil {
		return err
	}
	if err := syscall.Mount(m.Source, target, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return err
	}
	if !m.ReadOnly {
		return nil
	}
	var flags syscall.Statfs_t // a user namespace may not drop flags that the mount has
	if err := syscall.Statfs(target, &flags); err != nil {
		return err
	}
	const keep = syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC | syscall.MS_NOATIME // ST_ and MS_ are the same numbers here
	return syscall.Mount("", target, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY|uintptr(flags.Flags)&keep, "")
}

// becomeUser gives up root where the pod says so. In a user namespace there are no other users.
func (s *containerSpec) becomeUser() error {
	mapping, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return err
	}
	if s.User == 0 || !strings.HasSuffix(strings.TrimSpace(string(mapping)), " 4294967295") {
		return nil
	}
	if err := syscall.Setgroups([]int{s.Group}); err != nil {
		return err
	}
	if err := syscall.Setgid(s.Group); err != nil {
		return err
	}
	return syscall.Setuid(s.User)
}
