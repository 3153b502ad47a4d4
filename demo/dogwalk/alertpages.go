package dogwalk

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/truecount/truecount/demo/dogwalk/store"
)

const (
	farWalks    = 20
	farDistance = 9000 // metres
)

// alertsPage makes each alert happen.
type alertsPage struct {
	Band        band
	Newest      time.Time // zero without a walk
	MaxAge      time.Duration
	ClosedUntil time.Time
	Closing     time.Duration
	FarWalks    int
	FarDistance int
}

// TooOld reports whether the newest walk is older than it may be.
func (p alertsPage) TooOld(now time.Time) bool {
	return !p.Newest.IsZero() && now.Sub(p.Newest) > p.MaxAge
}

// closing is long enough for the newest walk to become too old.
func (a *App) closing() time.Duration { return max(15*time.Minute, 3*a.opts.Bounds.MaxAge) }

func (a *App) showAlerts(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := patient(r)
	defer cancel()
	newest, newestErr := a.store.NewestStart(ctx)
	complete, completeErr := a.store.CompleteWalks(ctx, averaged)
	closed, closedErr := a.store.ClosedUntil(ctx)
	if err := errors.Join(newestErr, completeErr, closedErr); err != nil {
		a.fail(w, r, err)
		return
	}
	a.show(w, http.StatusOK, "alerts", alertsPage{
		Band: newBand(a.opts.Bounds, complete), Newest: newest, MaxAge: a.opts.Bounds.MaxAge,
		ClosedUntil: closed, Closing: a.closing(), FarWalks: farWalks, FarDistance: farDistance,
	})
}

// walkFar moves the average distance out of its band, by real walks: saved, then counted.
func (a *App) walkFar(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := patient(r)
	defer cancel()
	closed, closedErr := a.store.ClosedUntil(ctx)
	dogs, dogsErr := a.store.Dogs(ctx)
	walkers, walkersErr := a.store.Walkers(ctx)
	if err := errors.Join(closedErr, dogsErr, walkersErr); err != nil {
		a.fail(w, r, err)
		return
	}
	if !closed.IsZero() || len(dogs) == 0 || len(walkers) == 0 {
		a.show(w, http.StatusConflict, "message", message{"Nobody can walk", "The kennel is closed, or has no dogs or no walkers."})
		return
	}
	for i := range farWalks {
		if err := a.walkOnce(ctx, dogs[i%len(dogs)], walkers[i%len(walkers)], farDistance); err != nil {
			a.fail(w, r, err)
			return
		}
	}
	http.Redirect(w, r, "/alerts", http.StatusSeeOther)
}

func (a *App) walkOnce(ctx context.Context, dog store.Dog, walker store.Walker, metres int) error {
	walk, start, err := a.store.StartWalk(ctx, dog.ID, walker.ID)
	if err != nil {
		return err
	}
	a.started(start)
	if err := a.store.CompleteWalk(ctx, walk, metres); err != nil {
		return err
	}
	a.completed(metres)
	return nil
}

// closeKennel stops new walks for a while, in all workers, so that the newest becomes too old.
func (a *App) closeKennel(w http.ResponseWriter, r *http.Request) {
	a.setClosed(w, r, a.opts.Now().Add(a.closing()))
}

func (a *App) openKennel(w http.ResponseWriter, r *http.Request) {
	a.setClosed(w, r, a.opts.Now())
}

func (a *App) setClosed(w http.ResponseWriter, r *http.Request, until time.Time) {
	ctx, cancel := patient(r)
	defer cancel()
	if err := a.store.CloseUntil(ctx, until); err != nil {
		a.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/alerts", http.StatusSeeOther)
}
