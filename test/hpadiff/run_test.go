package hpadiff

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// run lets Kubernetes' controller go through the history and calls each after every sync, with the bubble's t, until it
// says that it has seen enough.
func (h history) run(t *testing.T, each func(t *testing.T, step int, o *observation) (more bool)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := h.world(time.Now())
		c, err := newCluster(w)
		if err != nil {
			t.Fatal(err)
		}
		c.start()
		defer func() { c.halt() }()
		for i, seed := range h.steps {
			o, err := c.turn(seed)
			if err != nil {
				t.Fatalf("%s: sync %d: %v", h, i, err)
			}
			if !each(t, i, o) {
				return
			}
		}
	})
}

// turn changes the world, waits for the next sync and says what it did.
func (c *cluster) turn(seed uint64) (*observation, error) {
	c.mu.Lock()
	c.world.step(seed, time.Now())
	o := &observation{in: c.world.input(), restart: c.world.restart}
	err := c.apply()
	c.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if o.restart {
		c.halt()
		c.start()
	}
	synctest.Wait() // the informers know all
	c.log.take()
	// Everything waits for the clock now, which goes on to the next sync.
	select {
	case o.in.Now = <-c.synced:
	case <-time.After(3 * c.world.period):
		return nil, errors.New("the controller did not sync")
	}
	synctest.Wait()
	c.mu.Lock()
	o.replicas = c.world.replicas
	c.mu.Unlock()
	object, err := c.autoscaler()
	if err != nil {
		return nil, err
	}
	o.theirs = theirView(&object.Status, o.replicas, c.log.take())
	return o, nil
}
