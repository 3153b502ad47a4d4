package dogwalk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/truecount/truecount/demo/dogwalk/store"
)

const (
	shownWalks = 8
	// averaged is over how many of the last walks the overview shows the average.
	averaged = 50
)

// overview is the start page.
type overview struct {
	News        *store.Walk // the walk that was started or completed just now
	InProgress  []store.Walk
	Complete    []store.Walk
	More        bool // not all walks in progress are shown
	Band        band
	ClosedUntil time.Time
}

func (a *App) showOverview(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := patient(r)
	defer cancel()
	var page overview
	news, err := strconv.ParseInt(r.URL.Query().Get("walk"), 10, 64)
	if err == nil {
		walk, err := a.store.Walk(ctx, news)
		if err == nil {
			page.News = &walk
		} else if !errors.Is(err, store.ErrNotFound) {
			a.fail(w, r, err)
			return
		}
	}
	var progressErr, completeErr, closedErr error
	page.InProgress, progressErr = a.store.WalksInProgress(ctx, shownWalks+1)
	page.Complete, completeErr = a.store.CompleteWalks(ctx, averaged)
	page.ClosedUntil, closedErr = a.store.ClosedUntil(ctx)
	if err := errors.Join(progressErr, completeErr, closedErr); err != nil {
		a.fail(w, r, err)
		return
	}
	page.Band = newBand(a.opts.Bounds, page.Complete)
	page.More = len(page.InProgress) > shownWalks
	page.InProgress = page.InProgress[:min(shownWalks, len(page.InProgress))]
	page.Complete = page.Complete[:min(shownWalks, len(page.Complete))]
	a.show(w, http.StatusOK, "overview", page)
}

// startPage is the form that starts a walk.
type startPage struct {
	form
	Dogs        []store.Dog
	Walkers     []store.Walker
	ClosedUntil time.Time
}

func (a *App) showStart(w http.ResponseWriter, r *http.Request) {
	a.startForm(w, r, http.StatusOK, form{Values: map[string]string{"dog": r.URL.Query().Get("dog")}})
}

func (a *App) startForm(w http.ResponseWriter, r *http.Request, status int, f form) {
	ctx, cancel := patient(r)
	defer cancel()
	page := startPage{form: f}
	var dogsErr, walkersErr, closedErr error
	page.Dogs, dogsErr = a.store.Dogs(ctx)
	page.Walkers, walkersErr = a.store.Walkers(ctx)
	page.ClosedUntil, closedErr = a.store.ClosedUntil(ctx)
	if err := errors.Join(dogsErr, walkersErr, closedErr); err != nil {
		a.fail(w, r, err)
		return
	}
	a.show(w, status, "start", page)
}

func (a *App) startWalk(w http.ResponseWriter, r *http.Request) {
	f, err := readForm(w, r, "dog", "walker")
	if err != nil {
		a.fail(w, r, err)
		return
	}
	ctx, cancel := patient(r)
	defer cancel()
	closed, err := a.store.ClosedUntil(ctx)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	dog, walker := f.choice("dog", "a dog"), f.choice("walker", "a walker")
	if !f.valid() {
		a.refuseStart(w, r, f)
		return
	}
	if !closed.IsZero() {
		// Nothing is wrong with the form, and nothing with the service: this is no invalid walk and no error.
		a.startForm(w, r, http.StatusConflict, f)
		return
	}
	walk, start, err := a.store.StartWalk(ctx, dog, walker)
	switch {
	case errors.Is(err, store.ErrUnknownDogOrWalker):
		f.Wrong[""] = "That dog or walker is not with us any more. Please choose again."
		a.refuseStart(w, r, f)
	case err != nil:
		a.fail(w, r, err)
	default:
		a.started(start)
		http.Redirect(w, r, fmt.Sprintf("/?walk=%d", walk), http.StatusSeeOther)
	}
}

func (a *App) refuseStart(w http.ResponseWriter, r *http.Request, f form) {
	a.metrics.invalid.Inc()
	a.startForm(w, r, http.StatusBadRequest, f)
}

// started counts a walk that is saved.
func (a *App) started(start time.Time) {
	a.metrics.started.Inc()
	a.metrics.newest.seen(start)
}

// completed counts a walk that is saved as complete.
func (a *App) completed(metres int) {
	a.metrics.completed.Inc()
	a.metrics.distance.Observe(float64(metres))
}

// completePage is the form that completes a walk.
type completePage struct {
	form
	Walk        store.Walk
	MaxDistance int
}

func (a *App) showComplete(w http.ResponseWriter, r *http.Request) {
	a.completeForm(w, r, http.StatusOK, form{})
}

func (a *App) completeForm(w http.ResponseWriter, r *http.Request, status int, f form) {
	ctx, cancel := patient(r)
	defer cancel()
	walk, err := a.store.Walk(ctx, id(r))
	if err == nil && walk.IsComplete() {
		err = store.ErrAlreadyComplete
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.show(w, status, "complete", completePage{f, walk, maxDistance})
}

func (a *App) completeWalk(w http.ResponseWriter, r *http.Request) {
	f, err := readForm(w, r, "distance")
	if err != nil {
		a.fail(w, r, err)
		return
	}
	metres := f.whole("distance", "the distance in metres", 0, maxDistance)
	if !f.valid() {
		a.completeForm(w, r, http.StatusBadRequest, f)
		return
	}
	ctx, cancel := patient(r)
	defer cancel()
	if err := a.store.CompleteWalk(ctx, id(r), metres); err != nil {
		a.fail(w, r, err)
		return
	}
	a.completed(metres)
	http.Redirect(w, r, fmt.Sprintf("/?walk=%d", id(r)), http.StatusSeeOther)
}

func (a *App) walkStatus(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := patient(r)
	defer cancel()
	walk, err := a.store.Walk(ctx, id(r))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	a.answer(w, map[string]bool{"complete": walk.IsComplete()})
}

// answer sends JSON.
func (a *App) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		a.log.Warn("answer not sent", "err", err)
	}
}
