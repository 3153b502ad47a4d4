// Package script has the commands by which testdata scripts drive a long-running program from outside: start it, wait for what it
// says, ask it over HTTP, send it signals, see it end.
package script

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience ends scripts that hang; nothing is measured with it.
const patience = 90 * time.Second

// processes is the key of a script's running programs by name.
type processes struct{}

// Setup is for testscript.Params.
func Setup(env *testscript.Env) error {
	env.Values[processes{}] = map[string]*process{}
	return nil
}

// Commands is for testscript.Params. The program is what start starts:
//
//	fails ARGUMENT...                   runs the program and demands what is promised of every error
//	start NAME ARGUMENT...              runs the program beside the script; it writes to the files NAME.out and NAME.err
//	run PROGRAM NAME ARGUMENT...        the same with another one
//	await FILE PATTERN [VARIABLE]       waits until the file has what matches and keeps its first group in the variable
//	signal NAME SIGNAL                  sends INT, TERM, HUP or KILL
//	end NAME [CODE]                     waits until the program has ended, with exit code 0 unless told otherwise
//	request METHOD URL STATUS [PATTERN] demands the status, and a body that matches
//	poll URL PATTERN [VARIABLE]         asks until the body matches and keeps its first group; ! poll URL, until nobody answers
//	occupy ADDRESS [VARIABLE]           listens there as another program would and keeps the port
//	freeport VARIABLE...                finds ports that nobody listens on
//	freerange COUNT FIRST LAST          finds as many in a row and keeps the first and the last of them
//	pythonworker DIRECTORY PID SAMPLE... writes the files that a process has which uses Python's client: counter:NAME=VALUE,
//	                                    histogram:NAME=VALUE, or a gauge by its mode, as max:NAME=VALUE
//
// Programs get the environment of the test, and besides what the variable ENVIRONMENT lists: A=1 B=2.
func Commands(program string) map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"fails":     func(ts *testscript.TestScript, neg bool, args []string) { fails(ts, program, neg, args) },
		"start":     func(ts *testscript.TestScript, _ bool, args []string) { begin(ts, program, args) },
		"run":       func(ts *testscript.TestScript, _ bool, args []string) { begin(ts, args[0], args[1:]) },
		"await":     await,
		"signal":    send,
		"end":       end,
		"request":   request,
		"poll":      poll,
		"occupy":    occupy,
		"freeport":  freePort,
		"freerange": freeRange,

		"pythonworker": pythonWorker,
	}
}

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

// begin runs a program beside the script, as args[0]; it writes to the files NAME.out and NAME.err.
func begin(ts *testscript.TestScript, program string, args []string) {
	name := args[0]
	path, err := exec.LookPath(program)
	ts.Check(err)
	p := &process{cmd: exec.Command(path, args[1:]...), exited: make(chan struct{})}
	p.cmd.Dir = ts.MkAbs(".")
	p.cmd.Env = append(os.Environ(), "TMPDIR="+ts.Getenv("TMPDIR"))
	p.cmd.Env = append(p.cmd.Env, strings.Fields(ts.Getenv("ENVIRONMENT"))...)
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

func send(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(running(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

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

var client = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

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

func freeRange(ts *testscript.TestScript, _ bool, args []string) {
	count, err := strconv.Atoi(args[0])
	ts.Check(err)
	first, err := FreeRange(count)
	ts.Check(err)
	ts.Setenv(args[1], strconv.Itoa(first))
	ts.Setenv(args[2], strconv.Itoa(first+count-1))
}

// FreeRange returns the first of count ports in a row that nobody listens on, below those that systems give out.
func FreeRange(count int) (first int, err error) {
search:
	for range 100 {
		first := 20000 + rand.IntN(10000)
		for port := first; port < first+count; port++ {
			l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err != nil {
				continue search
			}
			l.Close()
		}
		return first, nil
	}
	return 0, fmt.Errorf("no %d free ports in a row", count)
}
