package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience ends scripts that hang; nothing is measured with it.
const patience = 90 * time.Second

// processes is the key of a script's running programs by name.
type processes struct{}

type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when it has, after which cmd.ProcessState is set
}

func running(ts *testscript.TestScript, name string) *process {
	p := ts.Value(processes{}).(map[string]*process)[name]
	if p == nil {
		ts.Fatalf("%s was not started", name)
	}
	return p
}

// start NAME ARGUMENT... runs truecount beside the script; it writes to the files NAME.out and NAME.err.
func start(ts *testscript.TestScript, _ bool, args []string) {
	name := args[0]
	program, err := exec.LookPath("truecount")
	ts.Check(err)
	p := &process{cmd: exec.Command(program, args[1:]...), exited: make(chan struct{})}
	p.cmd.Dir = ts.MkAbs(".")
	p.cmd.Env = append(os.Environ(), "TMPDIR="+ts.Getenv("TMPDIR"))
	p.cmd.Stdout, p.cmd.Stderr = create(ts, name+".out"), create(ts, name+".err")
	ts.Check(p.cmd.Start())
	go func() {
		defer close(p.exited)
		p.cmd.Wait()
	}()
	ts.Value(processes{}).(map[string]*process)[name] = p
	ts.Defer(func() {
		p.cmd.Process.Kill()
		<-p.exited
		if log, err := os.ReadFile(p.cmd.Stderr.(*os.File).Name()); err == nil {
			ts.Logf("log of %s:\n%s", name, log)
		}
	})
}

func create(ts *testscript.TestScript, name string) *os.File {
	file, err := os.Create(ts.MkAbs(name))
	ts.Check(err)
	ts.Defer(func() { file.Close() })
	return file
}

// eventually tries until ok says that it is so.
func eventually(ts *testscript.TestScript, what string, ok func() bool) {
	deadline, tick := time.NewTimer(patience), time.NewTicker(50*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			ts.Fatalf("not within %v: %s", patience, what)
		case <-tick.C:
		}
	}
}

// await FILE PATTERN [VARIABLE] waits until the file has what matches and keeps its first group in the variable.
func await(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile("(?m)" + args[1])
	eventually(ts, args[0]+" has "+args[1], func() bool {
		found := pattern.FindStringSubmatch(ts.ReadFile(args[0]))
		if found != nil && len(args) > 2 {
			ts.Setenv(args[2], found[1])
		}
		return found != nil
	})
}

var signals = map[string]os.Signal{"INT": syscall.SIGINT, "TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL}

// signal NAME SIGNAL sends one.
func send(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(running(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

// end NAME [CODE] waits until the program has ended, with exit code 0 unless told otherwise.
func end(ts *testscript.TestScript, _ bool, args []string) {
	want, p := 0, running(ts, args[0])
	if len(args) > 1 {
		want, _ = strconv.Atoi(args[1])
	}
	eventually(ts, args[0]+" ends", func() bool {
		select {
		case <-p.exited:
			return true
		default:
			return false
		}
	})
	if got := p.cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("%s ended with exit code %d, want %d", args[0], got, want)
	}
}

var client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func ask(method, url string) (status int, body string, err error) {
	request, err := http.NewRequest(method, url, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return response.StatusCode, string(content), err
}

// request METHOD URL STATUS [PATTERN] sends one and demands the status, and a body that matches.
func request(ts *testscript.TestScript, _ bool, args []string) {
	status, body, err := ask(args[0], args[1])
	ts.Check(err)
	if fmt.Sprint(status) != args[2] {
		ts.Fatalf("%s %s: status %d, want %s: %s", args[0], args[1], status, args[2], body)
	}
	if len(args) > 3 && !regexp.MustCompile(args[3]).MatchString(body) {
		ts.Fatalf("%s %s: %s does not match %s", args[0], args[1], body, args[3])
	}
}

// poll URL PATTERN [VARIABLE] asks until the body matches and keeps its first group; ! poll, until nobody answers.
func poll(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		eventually(ts, args[0]+" ends", func() bool {
			_, _, err := ask(http.MethodGet, args[0])
			return err != nil
		})
		return
	}
	pattern := regexp.MustCompile(args[1])
	var status int
	var body string
	var err error
	defer func() { ts.Logf("the last answer was: %d %.2000s %v", status, body, err) }()
	eventually(ts, args[0]+" answers "+args[1], func() bool {
		status, body, err = ask(http.MethodGet, args[0])
		found := pattern.FindStringSubmatch(body)
		if err == nil && found != nil && len(args) > 2 {
			ts.Setenv(args[2], found[1])
		}
		return err == nil && found != nil
	})
}

// occupy ADDRESS [VARIABLE] listens there as another program would, with a port of 0 on any, until the script ends.
func occupy(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", args[0])
	if err != nil {
		ts.Logf("occupied already: %v", err)
		return
	}
	ts.Defer(func() { listener.Close() })
	if len(args) > 1 {
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		ts.Setenv(args[1], port)
	}
}

// freePort VARIABLE... finds ports that nobody listens on.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	var listeners []net.Listener
	for _, name := range args {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		listeners = append(listeners, listener)
		_, port, _ := net.SplitHostPort(listener.Addr().String())
		ts.Setenv(name, port)
	}
	for _, listener := range listeners {
		listener.Close()
	}
}
