package routers_test

import (
	"fmt"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// echo knows the route before the middlewares of Use run (those of Pre run earlier).
func Example_echo() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	router := echo.New()
	router.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			instrument.SetRoute(c.Response(), c.Path())
			return next(c)
		}
	})
	router.GET("/walks/:id", func(c echo.Context) error { return c.String(200, c.Param("id")) })
	router.GET("/broken", func(echo.Context) error { panic("broken") })

	visit(m, m.Middleware(router))
	// Output:
	// http_panics_total{route="/broken",type="string"} 1
	// http_requests_total{method="GET",route="/broken",status="500"} 1
	// http_requests_total{method="GET",route="/walks/:id",status="200"} 2
	// http_requests_total{method="GET",route="unmatched",status="404"} 1
	// http_requests_total{method="POST",route="/walks/:id",status="405"} 1
}
