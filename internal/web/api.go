package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/truecount/truecount/internal/hint"
)

const (
	maxBody       = 4 << 10          // {"pid": 4711} and room
	actionTimeout = 10 * time.Second // for the application to answer the request that the page sent
)

func (h *Handler) registerAPI(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/truecount/v1/applications", h.serveApplications)
	mux.HandleFunc("GET /api/truecount/v1/live", h.serveLive)
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusForbidden, "requests of other sites are refused", "")
	}))
	for action, do := range map[string]actionFunc{"try": h.try, "kill": h.kill} {
		mux.Handle("POST /api/truecount/v1/applications/{namespace}/{name}/"+action, sameOrigin.Handler(h.action(action, do)))
	}
	mux.HandleFunc("/api/truecount/", func(w http.ResponseWriter, _ *http.Request) {
		writeError(w, http.StatusNotFound, "there is no such resource", "")
	})
}

func (h *Handler) serveApplications(w http.ResponseWriter, _ *http.Request) {
	body, err := h.snapshot()
	if err != nil {
		h.opts.Logger.Error("snapshot for the page failed", "err", err)
		writeError(w, http.StatusInternalServerError, "the state cannot be written as JSON", "")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(body)
}

// actionRequest is the body of an action. Its fields are those of all actions.
type actionRequest struct {
	PID int `json:"pid"`
}

type actionFunc func(ctx context.Context, id ID, req actionRequest) (answer any, err error)

func (h *Handler) try(ctx context.Context, id ID, _ actionRequest) (any, error) {
	return struct{}{}, h.opts.Live.Try(ctx, id)
}

func (h *Handler) kill(ctx context.Context, id ID, req actionRequest) (any, error) {
	pid, err := h.opts.Live.KillWorker(ctx, id, req.PID)
	if err == nil {
		h.opts.Logger.Info("worker killed from the page", "application", id.String(), "pid", pid)
	}
	return map[string]int{"pid": pid}, err
}

// action wraps what all actions share: bounds, the body, the name, the answer.
func (h *Handler) action(name string, do actionFunc) http.Handler {
	refuse := func(w http.ResponseWriter, status int, message, hint string) {
		h.metrics.actions.WithLabelValues(name, "refused").Inc()
		writeError(w, status, message, hint)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case h.actions <- struct{}{}:
			defer func() { <-h.actions }()
		default:
			refuse(w, http.StatusTooManyRequests, "too many requests of this kind are under way", "try again in a moment")
			return
		}
		req, status, message := readAction(w, r)
		if status != 0 {
			refuse(w, status, message, `send a JSON object, {} or {"pid": 4711}, with Content-Type: application/json`)
			return
		}
		id := ID{Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
		if h.opts.Live == nil {
			refuse(w, http.StatusNotFound, "there is no application "+id.String(), "")
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), actionTimeout)
		defer cancel()
		answer, err := do(ctx, id, req)
		if err != nil {
			h.metrics.actions.WithLabelValues(name, "error").Inc()
			h.opts.Logger.Warn("request of the page failed", "action", name, "application", id.String(), "err", err)
			status := http.StatusBadGateway
			if errors.Is(err, ErrUnknown) {
				status = http.StatusNotFound
			}
			writeError(w, status, err.Error(), hint.Of(err))
			return
		}
		h.metrics.actions.WithLabelValues(name, "ok").Inc()
		writeJSON(w, http.StatusOK, answer)
	})
}

// readAction reads the body of an action. If it must be refused, status is not 0.
func readAction(w http.ResponseWriter, r *http.Request) (req actionRequest, status int, message string) {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return req, http.StatusUnsupportedMediaType, "the body is not declared as JSON"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return req, http.StatusRequestEntityTooLarge, "the body is too large"
	} else if err != nil {
		return req, http.StatusBadRequest, "the body cannot be read"
	}
	if err := json.Unmarshal(body, &req); err != nil || req.PID < 0 {
		return req, http.StatusBadRequest, "the body is not what this request takes"
	}
	return req, 0, ""
}

func writeError(w http.ResponseWriter, status int, message, hint string) {
	writeJSON(w, status, struct {
		Error string `json:"error"`
		Hint  string `json:"hint,omitempty"`
	}{message, hint})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}
