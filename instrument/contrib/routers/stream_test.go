package routers_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/truecount/truecount/instrument"
)

// streams are services that send "first" at once, and "second" when they are released, each by its router's own means.
var streams = map[string]func(release <-chan struct{}) http.Handler{
	"chi": func(release <-chan struct{}) http.Handler {
		router := chi.NewRouter()
		router.Get("/events", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "first\n")
			w.(http.Flusher).Flush()
			<-release
			_, _ = io.WriteString(w, "second\n")
		})
		return router
	},
	"echo": func(release <-chan struct{}) http.Handler {
		router := echo.New()
		router.GET("/events", func(c echo.Context) error {
			_, _ = io.WriteString(c.Response(), "first\n")
			c.Response().Flush()
			<-release
			_, err := io.WriteString(c.Response(), "second\n")
			return err
		})
		return router
	},
	"gin": func(release <-chan struct{}) http.Handler {
		router := gin.New()
		router.GET("/events", func(c *gin.Context) {
			first := true
			c.Stream(func(w io.Writer) bool {
				if first {
					first = false
					_, _ = io.WriteString(w, "first\n")
					return true
				}
				<-release
				_, _ = io.WriteString(w, "second\n")
				return false
			})
		})
		return router
	},
}

func TestStreamsOfEveryRouterReachTheClientBeforeTheyEnd(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	for name, stream := range streams {
		for _, http2 := range []bool{false, true} {
			m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
			if err != nil {
				t.Fatal(err)
			}
			release := make(chan struct{})
			s := httptest.NewUnstartedServer(m.Outermost(m.Middleware(stream(release))))
			if s.EnableHTTP2 = http2; http2 {
				s.StartTLS()
			} else {
				s.Start()
			}
			t.Cleanup(s.Close)
			response, err := s.Client().Get(s.URL + "/events")
			if err != nil {
				t.Fatalf("%s, HTTP/2 %t: %v", name, http2, err)
			}
			lines := bufio.NewReader(response.Body)
			if line, err := lines.ReadString('\n'); err != nil || line != "first\n" {
				t.Errorf("%s, HTTP/2 %t: got %q, %v", name, http2, line, err)
			}
			close(release)
			if rest, err := io.ReadAll(lines); err != nil || string(rest) != "second\n" {
				t.Errorf("%s, HTTP/2 %t: got %q, %v", name, http2, rest, err)
			}
			_ = response.Body.Close()
		}
	}
}
