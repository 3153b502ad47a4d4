package latency

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/truecount/truecount/demo/service"
)

// statusLeft is nginx' number for a client that left before the answer: it is counted, and nobody receives it.
const statusLeft = 499

// An answer is what the service answers with, as a page or as JSON.
type answer struct {
	Milliseconds float64  `json:"milliseconds"` // it took so long
	Error        string   `json:"error,omitempty"`
	Worker       int      `json:"worker"` // the process that answered
	Breakage     Breakage `json:"broken"`

	Took         time.Duration `json:"-"`
	Shape        Shape         `json:"-"`
	Slowdown     int           `json:"-"`
	ErrorPercent int           `json:"-"`
}

// answer is what the service is there for: it takes a random time.
func (a *App) answer(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	breakage := a.broken()
	takes, fails := a.respondIn(breakage)
	timer := time.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		w.WriteHeader(statusLeft)
		return
	}
	took := time.Since(began)
	said := answer{
		Milliseconds: float64(took.Microseconds()) / 1e3, Worker: os.Getpid(), Breakage: breakage,
		Took: took, Shape: a.opts.Shape, Slowdown: a.opts.Slowdown, ErrorPercent: a.opts.ErrorPercent,
	}
	status := http.StatusOK
	if fails {
		status, said.Error = http.StatusInternalServerError, "broken on purpose"
	}
	// A browser would keep the connection, and with it the worker.
	w.Header().Set("Connection", "close")
	w.Header().Set("Vary", "Accept")
	if !wantsPage(r) {
		a.answerJSON(w, status, said)
		return
	}
	if err := service.Render(w, status, a.page, "page.html", said); err != nil {
		a.log.Warn("page not sent", "err", err)
	}
}

// wantsPage tells a browser, which names HTML, from a program.
func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// breakIt breaks what the form names by slow and failing, or both if it names none.
func (a *App) breakIt(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, service.MaxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form could not be read", http.StatusBadRequest)
		return
	}
	b := Breakage{Slow: r.Form.Has("slow"), Failing: r.Form.Has("failing"), Since: a.opts.Now().UTC().Truncate(time.Second)}
	if !b.Broken() {
		b.Slow, b.Failing = true, true
	}
	a.switchTo(w, r, b)
}

func (a *App) repair(w http.ResponseWriter, r *http.Request) { a.switchTo(w, r, Breakage{}) }

func (a *App) switchTo(w http.ResponseWriter, r *http.Request, b Breakage) {
	if err := a.breakage.set(b); err != nil {
		a.log.Error("the switch cannot be moved", "err", err)
		http.Error(w, "the switch cannot be moved: the log says why", http.StatusInternalServerError)
		return
	}
	a.log.Info("switched", "slow", b.Slow, "failing", b.Failing)
	if wantsPage(r) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	a.answerJSON(w, http.StatusOK, b)
}

// showBroken says at once what is broken on purpose.
func (a *App) showBroken(w http.ResponseWriter, r *http.Request) {
	a.answerJSON(w, http.StatusOK, a.broken())
}

func (a *App) answerJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		a.log.Warn("answer not sent", "err", err)
	}
}
