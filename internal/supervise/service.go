package supervise

import (
	"context"
	"fmt"
	"net"
	"os"
	"reflect"
	"slices"
	"sync"

	"github.com/truecount/truecount/internal/hint"
)

// Service is one application's replicas. All methods may be called concurrently.
type Service struct {
	opts     Options
	program  string
	listener *net.TCPListener
	metrics  *metrics

	kills chan killRequest
	woken chan struct{} // holds one token

	mu       sync.Mutex
	started  bool          // by Run, or ended by Close
	ended    chan struct{} // closed when Run has ended
	stopping bool          // Scale is over
	desired  int
	snapshot Snapshot
	changed  chan struct{}
}

type killRequest struct {
	pid   int
	reply chan error
}

// New checks the options and binds the listening socket; nothing is started yet. A Service that is not run has to be
// closed. Errors carry a hint.
func New(opts Options) (*Service, error) {
	opts.setDefaults()
	opts.Command = slices.Clone(opts.Command)
	opts.Env = slices.Clone(opts.Env)
	if err := opts.validate(); err != nil {
		return nil, err
	}
	program, err := resolveCommand(&opts)
	if err != nil {
		return nil, err
	}
	s := &Service{
		opts: opts, program: program, desired: opts.Replicas,
		kills: make(chan killRequest), woken: make(chan struct{}, 1),
		ended: make(chan struct{}), changed: make(chan struct{}),
		snapshot: Snapshot{Desired: opts.Replicas},
	}
	if err := s.bind(); err != nil {
		return nil, err
	}
	s.metrics, err = newMetrics(opts.Registerer, opts.Name)
	if err != nil {
		s.unbind()
		return nil, fmt.Errorf("%s: register the supervisor's metrics: %w", opts.Name, err)
	}
	s.metrics.observe(s.snapshot)
	return s, nil
}

func (s *Service) bind() error {
	if s.opts.Listen == "" {
		return nil
	}
	l, err := listen(s.opts.Name, s.opts.Listen)
	if err != nil {
		return err
	}
	if err := s.opts.checkAppPort(l.Addr().(*net.TCPAddr).Port); err != nil {
		l.Close()
		return err
	}
	s.listener = l
	return nil
}

func (s *Service) unbind() {
	if s.listener != nil {
		s.listener.Close()
	}
}

// Run starts the replicas and keeps them until ctx is done; then it drains them, and returns nil when the last process
// is gone, at most a little more than DrainTimeout later. It fails only at the start. It can be called once.
func (s *Service) Run(ctx context.Context) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer close(s.ended)
	defer s.metrics.unregister()
	defer s.unbind()
	c := &control{
		opts: &s.opts, program: s.program, ownEnv: os.Environ(), listener: s.listener,
		log: s.opts.Logger.With("application", s.opts.Name), metrics: s.metrics, wake: s.wake,
	}
	if s.opts.Namespace != "" {
		c.log = c.log.With("namespace", s.opts.Namespace)
	}
	if err := c.open(); err != nil {
		return err
	}
	defer c.close()
	c.loop(ctx, s)
	return nil
}

func (s *Service) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.started {
		return fmt.Errorf("%s: already run or closed", s.opts.Name)
	}
	s.started = true
	return nil
}

// Close releases the socket of a Service that was not run. It does nothing to one that was: Run does it itself.
func (s *Service) Close() error {
	if s.begin() != nil {
		return nil
	}
	s.unbind()
	s.metrics.unregister()
	close(s.ended)
	return nil
}

// Scale sets the number of replicas, from 0 to MaxReplicas; a number beyond is taken as the nearest of these. It does
// not wait: watch Changed. Highest ordinals end first. A replica that still drains keeps its name, and one that is
// started meanwhile takes the next free one; with [Ports] it may have to wait for it.
func (s *Service) Scale(replicas int) {
	wanted := min(max(replicas, 0), s.opts.MaxReplicas)
	if wanted != replicas {
		s.opts.Logger.Warn("scale: out of range", "application", s.opts.Name, "asked", replicas, "taken", wanted)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopping {
		s.desired = wanted
		s.wake()
	}
}

// Snapshot returns what the service looked like at its last change.
func (s *Service) Snapshot() Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	snapshot := s.snapshot
	snapshot.Desired = s.desired
	snapshot.Replicas = slices.Clone(snapshot.Replicas)
	for i := range snapshot.Replicas {
		snapshot.Replicas[i].Workers = slices.Clone(snapshot.Replicas[i].Workers)
	}
	return snapshot
}

// Changed returns a channel that is closed at the next change of the Snapshot. To miss none, get it before the Snapshot.
func (s *Service) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// Kill sends SIGKILL to one of the service's own worker processes, or to one that a worker started.
func (s *Service) Kill(pid int) error {
	s.mu.Lock()
	started := s.started
	s.mu.Unlock()
	request := killRequest{pid, make(chan error, 1)}
	if started {
		select {
		case s.kills <- request:
			return <-request.reply
		case <-s.ended:
		}
	}
	return hint.Errorf("start it first", "%s: not running", s.opts.Name)
}

// Addr returns the address of the shared socket; nil if the program binds its own.
func (s *Service) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// stop scales to 0 for good.
func (s *Service) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping, s.desired = true, 0
}

func (s *Service) wanted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.desired
}

func (s *Service) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// publish makes a snapshot the current one and tells of it, if it differs.
func (s *Service) publish(snapshot Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reflect.DeepEqual(snapshot, s.snapshot) {
		return
	}
	s.snapshot = snapshot
	s.metrics.observe(snapshot)
	close(s.changed)
	s.changed = make(chan struct{})
}
